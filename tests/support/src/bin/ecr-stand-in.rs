//! The stand-in for Amazon ECR as a process of its own: prints its URL and runs until its stdin ends.

use support::ecr::Ecr;
use tokio::io::AsyncReadExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let ecr = Ecr::start().await?;
    println!("{}", ecr.url());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}
