//! The container's service.

use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
};

use crate::machine::{Machine, calls, with};

pub(crate) const CONTAINER_KEYS: &str = r#"{"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "container-secret",
    "Token": "container-token", "Expiration": "2999-01-01T00:00:00Z"}"#;

#[tokio::test]
async fn a_container_asks_its_service() {
    let service = || Server::start(|_| Reply::Body(200, CONTAINER_KEYS.to_owned()));
    let machine = Machine::new().file("pod-token", "from-file");
    let token_file = machine.path("pod-token");
    for (machine, expected) in [
        (Machine::new().var("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable"), "from-variable"),
        (machine.var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_file), "from-file"),
        (Machine::new(), ""),
    ] {
        let (ecr, service) = (Ecr::start().await.unwrap(), service().await.unwrap());
        let machine = machine.var("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/role?x=1", service.url()));
        let mut running = machine.configured(calls(&ecr)).await;
        let asked = running.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("ASIACONTAINER", "container-token"));
        assert!(asked.is_signed_with("container-secret"));
        let [asked] = &service.asked()[..] else { panic!("one question") };
        assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/role?x=1", expected));
        assert_eq!(running.source().await, format!("the container's service at {}", service.url()));
    }
}

#[tokio::test]
async fn a_container_s_service_that_is_no_good_is_an_error() {
    for (name, value, part) in [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "127.0.0.1:1", "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/x", "FULL_URI names neither this machine nor the"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.1/x", "FULL_URI names neither this machine nor the"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://2130706433/x", "FULL_URI names neither this machine nor the"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x", "127.0.0.1:1 could not be reached: "),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "role", "RELATIVE_URI must begin with a slash"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let configuration = with(calls(&ecr), json!({"maxRetries": 1}));
        let mut running = Machine::new().var(name, value).configured(configuration).await;
        let error = running.plugin.error().await;
        assert!(error.contains(part), "{error}");
        running.plugin.client.get_plugin_info(()).await.expect("the plugin still runs");
    }
    let service = Server::start(|_| Reply::Body(200, r#"{"AccessKeyId": "to-hide"}"#.to_owned())).await.unwrap();
    let ecr = Ecr::start().await.unwrap();
    let error = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url()).error(calls(&ecr)).await;
    assert!(error.contains("its SecretAccessKey is missing") && !error.contains("to-hide"), "{error}");
}

#[tokio::test]
async fn a_container_s_service_that_stops_halfway_is_given_up() {
    let service = Server::start(|_| Reply::Half(200, CONTAINER_KEYS.to_owned())).await.unwrap();
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url());
    let error = machine.error(with(calls(&ecr), json!({"maxRetries": 1}))).await;
    let expected = format!("the container's service at {} did not answer in time. Try again", service.url());
    assert!(error.contains(&expected), "{error}");
}
