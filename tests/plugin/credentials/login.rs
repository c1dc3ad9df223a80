//! Credentials of `aws login`.

use serde_json::json;
use support::ecr::Ecr;

use crate::machine::{Machine, calls, with};

#[tokio::test]
async fn the_credentials_of_aws_login_are_used_until_they_are_over() {
    let cached = |expires_at: &str| {
        json!({"accessToken": {"accessKeyId": "ASIALOGIN", "secretAccessKey": "s", "sessionToken": "t",
            "accountId": "111122223333", "expiresAt": expires_at}})
        .to_string()
    };
    for (file, expected) in [
        (Some(cached("2999-01-01T00:00:00Z")), Ok("ASIALOGIN")),
        (Some(cached("2020-01-01T00:00:00Z")), Err("has expired")),
        (Some("{}".to_owned()), Err("is not understood")),
        (None, Err("nobody has signed in on this machine")),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let machine = Machine::new().config("[profile p]\nlogin_session = arn:aws:iam::111122223333:user/joe\n");
        let name = sha256("arn:aws:iam::111122223333:user/joe");
        let machine = match file {
            Some(text) => machine.file(&format!(".aws/login/cache/{name}.json"), text),
            None => machine,
        };
        let configuration = with(calls(&ecr), json!({"profile": "p"}));
        match expected {
            Ok(key) => assert_eq!(machine.configured(configuration).await.asked(&ecr).await.access_key, key),
            Err(problem) => {
                let error = machine.error(configuration).await;
                assert!(error.contains(problem) && error.ends_with("Run `aws login --profile p`."), "{error}");
            }
        }
    }
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
