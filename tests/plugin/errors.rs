//! The messages that users see when AWS does not hand out a token.

use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr},
    plugin::{Plugin, ecr_configuration},
};

use crate::machine::with;

/// What comes in front of every message about a call of this file.
const SUBJECT: &str = "getCredentials for registry 123456789012 in eu-west-1: ";

#[tokio::test]
async fn each_answer_of_aws_has_its_sentence() {
    let allow = "Allow these credentials the action ecr:GetAuthorizationToken on the resource `*`.";
    let check = "Check that the endpoint's URL is that of Amazon ECR.";
    let later = "Try again later, or make fewer calls at the same time.";
    let health = "Try again; if it lasts, look at the AWS Health Dashboard for the Region.";
    for (answer, message) in [
        (
            Answer::Error(400, "AccessDeniedException", "User: arn:aws:iam::1:user/u is not authorized"),
            format!(
                "AWS denied access: User: arn:aws:iam::1:user/u is not authorized (AccessDeniedException). {allow}"
            ),
        ),
        (
            Answer::Error(400, "UnrecognizedClientException", "The security token is invalid."),
            "AWS does not accept the credentials: The security token is invalid. (UnrecognizedClientException). \
             Check the access key, the secret key and the session token, and that they are of the Region's partition."
                .to_owned(),
        ),
        (
            Answer::Error(400, "InvalidParameterException", "Invalid parameter at 'registryIds'"),
            "AWS refused a parameter: Invalid parameter at 'registryIds' (InvalidParameterException). Check the arguments, \
             and that registryId is the id of an AWS account that exists."
                .to_owned(),
        ),
        (
            Answer::Error(400, "ThrottlingException", "Rate exceeded"),
            format!("AWS throttled the call, which was tried once: Rate exceeded (ThrottlingException). {later}"),
        ),
        (
            Answer::Error(429, "NewThrottlingException", "slow down"),
            format!("AWS throttled the call, which was tried once: slow down (NewThrottlingException). {later}"),
        ),
        (Answer::Html(429), format!("AWS throttled the call, which was tried once: HTTP status 429. {later}")),
        (
            Answer::Error(500, "ServerException", "internal"),
            format!("AWS failed: internal (ServerException). {health}"),
        ),
        (Answer::Html(502), format!("AWS failed: HTTP status 502. {health}")),
        (Answer::Html(501), format!("AWS failed: HTTP status 501. {health}")),
        (Answer::Html(403), format!("AWS denied access: HTTP status 403. {allow}")),
        (
            Answer::Error(400, "OtherException", "something else"),
            "AWS answered: something else (OtherException). Look the answer up in the service's API reference."
                .to_owned(),
        ),
        (Answer::Body(r#"{"authorizationData": []}"#), format!("the answer has no authorization data. {check}")),
        (Answer::Body("{}"), format!("the answer has no authorization data. {check}")),
        (
            Answer::TokenWith("authorizationToken", Json::Null),
            format!("the answer has no authorization token. {check}"),
        ),
        (
            Answer::TokenWith("expiresAt", Json::Null),
            format!("the answer has no time at which the token expires. {check}"),
        ),
        (
            Answer::TokenWith("expiresAt", json!(1e300)),
            format!("the answer has a time of expiry that is no date. {check}"),
        ),
        (Answer::TokenWith("proxyEndpoint", "".into()), format!("the answer has no proxy endpoint. {check}")),
        (Answer::TokenWith("proxyEndpoint", Json::Null), format!("the answer has no proxy endpoint. {check}")),
        (
            Answer::TokenWith("authorizationToken", json!("%%%")),
            format!("the answer has an authorization token that is not base64 of text. {check}"),
        ),
        (
            Answer::TokenWith("authorizationToken", json!("QVdTcGFzc3dvcmQ=")),
            format!("the answer has an authorization token that is not base64 of `userName:password`. {check}"),
        ),
        (
            Answer::TokenWith("authorizationToken", json!("Og==")),
            format!("the answer has an authorization token that is not base64 of `userName:password`. {check}"),
        ),
        (
            Answer::TokenWith("authorizationToken", json!("QTpCOkM=")),
            format!("the answer has an authorization token that is not base64 of `userName:password`. {check}"),
        ),
    ] {
        let ecr = Ecr::start().await.unwrap();
        ecr.answer_always(answer.clone());
        let mut plugin = Plugin::start().await;
        plugin.configure(with(ecr_configuration(&ecr), json!({"maxRetries": 1}))).await.unwrap();
        assert_eq!(plugin.error().await, format!("{SUBJECT}{message}"), "{answer:?}");
        ecr.answer_always(Answer::Token);
        plugin.get_credentials("123456789012").await.expect("a failure is not remembered");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_of_ecrs_is_named() {
    for answer in [Answer::Body("{\"authorizationData\": ["), Answer::Html(200)] {
        let ecr = Ecr::start().await.unwrap();
        ecr.answer_always(answer.clone());
        let error = Plugin::for_ecr(&ecr).await.error().await;
        assert!(error.starts_with(&format!("{SUBJECT}the answer is none of AWS's: ")), "{answer:?}: {error}");
        assert!(error.ends_with("that no proxy answers in its place."), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_or_breaks_off_is_unreachable() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::Reset);
    let mut plugin = Plugin::start().await;
    plugin.configure(with(ecr_configuration(&ecr), json!({"maxRetries": 1}))).await.unwrap();
    let reset = plugin.error().await;
    let address = ecr.address();
    drop(ecr);
    let down = plugin.error().await;
    for error in [reset, down] {
        assert!(error.starts_with(&format!("{SUBJECT}{address} could not be reached: ")), "{error}");
        assert!(error.contains("Check the network, the proxy, the Region"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_region_reads_like_one() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::start().await;
    let mut configuration = ecr_configuration(&ecr);
    configuration.as_object_mut().unwrap().remove("region");
    plugin.configure(configuration).await.unwrap();
    let error = plugin.error().await;
    for part in ["registry 123456789012: no AWS Region", "aws:region", "AWS_REGION", "pulumi config set aws:region"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(ecr.connections(), 0);
}

#[tokio::test]
async fn missing_credentials_read_like_it() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::start().await;
    plugin.configure(json!({"region": "eu-west-1", "endpoints": [{"ecr": ecr.url()}]})).await.unwrap();
    let error = plugin.error().await;
    assert!(
        error.starts_with(&format!("{SUBJECT}no AWS credentials were found; looked, in this order, at: ")),
        "{error}"
    );
    assert!(error.contains("AWS_PROFILE") && error.contains("aws sso login"), "{error}");
    assert_eq!(ecr.connections(), 0);
}
