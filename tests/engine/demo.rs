//! `make demo`, as a newcomer runs it.

use std::process::Command;

use tempfile::TempDir;

use crate::progress::Step;
use crate::tools;

#[test]
fn the_demo_shows_the_outputs_masks_the_password_and_leaves_nothing_behind() {
    let _step = Step::start(tools::ENGINE, "examples/yaml", "demo");
    let temporary = TempDir::new().expect("a temporary folder");
    let inherited = std::env::var("PATH").expect("a PATH");
    let output = Command::new(tools::repository().join("examples/demo.sh"))
        .env("PATH", format!("{}:{inherited}", tools::engine(tools::ENGINE).display()))
        .env("TMPDIR", temporary.path())
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .output()
        .expect("the demo runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    for part in [
        "$ pulumi up --yes",
        "$ pulumi config set registryId 123456789012",
        "expiresAt",
        "[secret]",
        "https://123456789012.dkr.ecr.",
    ] {
        assert!(text.contains(part), "the demo does not show {part:?}:\n{text}");
    }
    for secret in ["demo-password", "QVdTOmRlbW8tcGFzc3dvcmQ="] {
        assert!(!text.contains(secret), "the demo shows a secret:\n{text}");
    }
    let left: Vec<_> = std::fs::read_dir(temporary.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}
