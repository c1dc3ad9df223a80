//! What machines know of themselves: the Region of an instance, the credentials of `aws login`.

use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
};

use crate::machine::{Machine, calls, with};

const KEYS: &str = r#"{"Code": "Success", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "s", "Token": "t",
    "Expiration": "2999-01-01T00:00:00+00:00"}"#;

async fn metadata(keys: &'static str) -> Server {
    Server::start(move |asked| {
        let body = match asked.path.rsplit('/').next() {
            Some("token") => "token",
            Some("document") => r#"{"region": "ap-south-1"}"#,
            Some("") => "machine\nanother",
            _ => keys,
        };
        Reply::Body(200, body.to_owned())
    })
    .await
    .unwrap()
}

fn instance(metadata: &Server) -> Machine {
    // Only `true` disables the service.
    Machine::new().var("AWS_EC2_METADATA_DISABLED", "1").var("AWS_METADATA_URL", metadata.url())
}

#[tokio::test]
async fn an_instance_is_asked_for_its_region_if_nothing_else_names_one() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(KEYS).await);
    let nowhere = json!({"endpoints": [{"ecr": ecr.url()}]});
    let asked = instance(&metadata).configured(nowhere).await.asked(&ecr).await;
    assert_eq!((asked.access_key.as_str(), asked.region.as_str()), ("ASIAINSTANCE", "ap-south-1"));
    let asked = instance(&metadata).configured(calls(&ecr)).await.asked(&ecr).await;
    assert_eq!(asked.region, "eu-west-1");
    let documents = metadata.asked().into_iter().filter(|asked| asked.path.ends_with("document")).count();
    assert_eq!(documents, 1);
}

#[tokio::test]
async fn a_role_without_credentials_is_told_in_aws_s_words() {
    let refusal = r#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}"#;
    let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(refusal).await);
    let error = instance(&metadata).error(calls(&ecr)).await;
    assert!(error.contains("AWS answered: EC2 cannot assume the role (AssumeRoleUnauthorizedAccess)."), "{error}");
}

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
