//! The instance's metadata service.

use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Asked, Reply, Server},
    moto::Moto,
};

use crate::machine::{Machine, REGISTRY, calls, with};

const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const INSTANCE_KEYS: &str = r#"{"Code": "Success", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "instance-secret",
    "Token": "instance-token", "Expiration": "2999-01-01T00:00:00Z"}"#;

/// The metadata service; the first version refuses requests with a token.
pub(super) async fn metadata(second_version: bool) -> Server {
    metadata_at("127.0.0.1:0", second_version).await
}

/// The same at this address.
pub(crate) async fn metadata_at(address: &str, second_version: bool) -> Server {
    Server::start_at(address, move |asked: &Asked| {
        let token = asked.headers.get("x-aws-ec2-metadata-token").map(String::as_str);
        match (asked.method.as_str(), asked.path.as_str()) {
            ("PUT", "/latest/api/token") if second_version => {
                Reply::WithHeader(200, "imds-token".to_owned(), ("x-aws-ec2-metadata-token-ttl-seconds", "21600"))
            }
            ("GET", path) if token == second_version.then_some("imds-token") => match path.strip_prefix(ROLE_PATH) {
                Some("") => Reply::Body(200, "web-server".to_owned()),
                Some("web-server") => Reply::Body(200, INSTANCE_KEYS.to_owned()),
                _ => Reply::Body(404, String::new()),
            },
            ("PUT", _) => Reply::Body(405, String::new()),
            _ => Reply::Body(401, String::new()),
        }
    })
    .await
    .unwrap()
}

pub(crate) fn instance(metadata: &Server) -> Machine {
    Machine::new().without("AWS_EC2_METADATA_DISABLED").var("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
}

#[tokio::test]
async fn an_instance_asks_both_versions_of_the_metadata_service() {
    for second_version in [true, false] {
        let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(second_version).await);
        let mut running = instance(&metadata).configured(calls(&ecr)).await;
        let asked = running.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("ASIAINSTANCE", "instance-token"));
        assert!(asked.is_signed_with("instance-secret"));
        assert_eq!(running.source().await, "the instance metadata service, for the role web-server");
    }
}

#[tokio::test]
async fn the_profile_that_is_configured_tells_where_the_metadata_service_is() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(true).await);
    let profile = format!("[profile p]\nec2_metadata_service_endpoint = {}\n", metadata.url());
    let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED").file("other", profile);
    let more = json!({"profile": "p", "sharedConfigFiles": [machine.path("other")]});
    let mut running = machine.configured(with(calls(&ecr), more)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIAINSTANCE");
}

#[tokio::test]
async fn the_configuration_and_then_the_environment_tell_where_the_metadata_service_is() {
    let metadata = metadata(true).await;
    let nowhere = "[default]\nec2_metadata_service_endpoint = http://127.0.0.1:1\n";
    let configured = instance(&metadata).var("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    for (machine, more) in [
        (configured, json!({"ec2MetadataServiceEndpoint": metadata.url()})),
        (instance(&metadata).config(nowhere), json!({})),
        // An endpoint wins over where the mode says that it is.
        (instance(&metadata), json!({"ec2MetadataServiceEndpointMode": "IPv6"})),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let mut running = machine.configured(with(calls(&ecr), more)).await;
        assert_eq!(running.asked(&ecr).await.access_key, "ASIAINSTANCE");
    }
}

#[tokio::test]
async fn the_metadata_service_s_first_version_can_be_disabled() {
    let variable: fn(Machine) -> Machine = |machine| machine.var("AWS_EC2_METADATA_V1_DISABLED", "TRUE");
    let profile: fn(Machine) -> Machine = |machine| machine.config("[default]\nec2_metadata_v1_disabled = true\n");
    for disable in [variable, profile] {
        let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(false).await);
        let error = disable(instance(&metadata)).error(calls(&ecr)).await;
        assert!(error.contains("the instance metadata service ("), "{error}");
        assert!(metadata.asked().iter().all(|asked| asked.method == "PUT"), "nothing is asked for without a token");
    }
}

#[tokio::test]
async fn settings_of_the_metadata_service_that_are_none_are_an_error() {
    for (name, value, problem) in [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "somewhere", "is not a URL"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5", "is neither IPv4 nor IPv6"),
        ("AWS_EC2_METADATA_V1_DISABLED", "perhaps", "is neither true nor false"),
        ("AWS_METADATA_URL", "somewhere", "is not a URL"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let error = Machine::new().without("AWS_EC2_METADATA_DISABLED").var(name, value).error(calls(&ecr)).await;
        assert!(error.contains(&format!("the environment variable {name} {problem}. Correct or unset it.")), "{error}");
    }
}

#[tokio::test]
async fn moto_s_metadata_service_is_understood() {
    let (ecr, moto) = (Ecr::start().await.unwrap(), Moto::start().await);
    let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED");
    let more = json!({"ec2MetadataServiceEndpoint": moto.url()});
    let mut running = machine.configured(with(calls(&ecr), more)).await;
    running.asked(&ecr).await;
    assert!(running.source().await.starts_with("the instance metadata service, for the role "));
}

#[tokio::test]
async fn the_metadata_service_is_not_asked_if_it_is_disabled() {
    let switches = [
        (vec![("AWS_EC2_METADATA_DISABLED", "true")], json!({}), false),
        (vec![("AWS_EC2_METADATA_DISABLED", "TRUE")], json!({}), false),
        (vec![("AWS_SKIP_METADATA_API_CHECK", "true")], json!({}), false),
        (vec![], json!({"skipMetadataApiCheck": true}), false),
        (vec![], json!({"skipMetadataApiCheck": "true"}), false),
        (vec![("AWS_EC2_METADATA_DISABLED", "true")], json!({"skipMetadataApiCheck": "false"}), true),
        (vec![("AWS_EC2_METADATA_DISABLED", "false")], json!({}), true),
    ];
    for (variables, more, is_asked) in switches {
        let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(true).await);
        let machine = variables.iter().fold(instance(&metadata), |machine, (name, value)| machine.var(name, value));
        let mut running = machine.configured(with(calls(&ecr), more.clone())).await;
        let result = running.plugin.get_credentials(REGISTRY).await;
        assert_eq!(result.is_ok(), is_asked, "{variables:?} {more}");
        assert_eq!(!metadata.asked().is_empty(), is_asked, "{variables:?} {more}");
    }
}

#[tokio::test]
async fn a_metadata_service_that_hangs_is_given_up() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), Server::start(|_| Reply::Never).await.unwrap());
    let error = instance(&metadata).error(with(calls(&ecr), json!({"maxRetries": 1}))).await;
    let part = format!("the instance metadata service ({} did not answer in time)", metadata.address());
    assert!(error.contains(&part), "{error}");
}

#[tokio::test]
async fn an_instance_without_a_role_says_so() {
    let ecr = Ecr::start().await.unwrap();
    let metadata = Server::start(|asked| match asked.method.as_str() {
        "PUT" => Reply::Body(200, "imds-token".to_owned()),
        _ => Reply::Body(404, String::new()),
    });
    let error = instance(&metadata.await.unwrap()).error(calls(&ecr)).await;
    assert!(
        error.contains("; the instance metadata service (it has no role for this instance). Set AWS_PROFILE"),
        "{error}"
    );
}

#[tokio::test]
async fn a_metadata_service_that_is_none_does_no_harm() {
    for body in ["<html>sign in to the hotel's network</html>", "", "two words", "../../x"] {
        let ecr = Ecr::start().await.unwrap();
        let reply = ("x-aws-ec2-metadata-token-ttl-seconds", "21600");
        let metadata = Server::start(move |_| Reply::WithHeader(200, body.to_owned(), reply)).await.unwrap();
        let mut running = instance(&metadata).configured(calls(&ecr)).await;
        let error = running.plugin.error().await;
        assert!(error.contains("the instance metadata service"), "{error}");
        running.plugin.client.get_plugin_info(()).await.expect("the plugin still runs");
    }
}

/// The same as other services of the kind write it.
const KEYS: &str = r#"{"Code": "Success", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "s", "Token": "t",
    "Expiration": "2999-01-01T00:00:00+00:00"}"#;

/// A metadata service of two roles, which knows its Region.
async fn metadata_with(keys: &'static str) -> Server {
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

/// An instance whose service is where `AWS_METADATA_URL` says.
fn instance_at_url(metadata: &Server) -> Machine {
    // Only `true` disables the service.
    Machine::new().var("AWS_EC2_METADATA_DISABLED", "1").var("AWS_METADATA_URL", metadata.url())
}

#[tokio::test]
async fn an_instance_is_asked_for_its_region_if_nothing_else_names_one() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata_with(KEYS).await);
    let nowhere = json!({"endpoints": [{"ecr": ecr.url()}]});
    let asked = instance_at_url(&metadata).configured(nowhere).await.asked(&ecr).await;
    assert_eq!((asked.access_key.as_str(), asked.region.as_str()), ("ASIAINSTANCE", "ap-south-1"));
    let asked = instance_at_url(&metadata).configured(calls(&ecr)).await.asked(&ecr).await;
    assert_eq!(asked.region, "eu-west-1");
    let documents = metadata.asked().into_iter().filter(|asked| asked.path.ends_with("document")).count();
    assert_eq!(documents, 1);
}

#[tokio::test]
async fn a_role_without_credentials_is_told_in_aws_s_words() {
    let refusal = r#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}"#;
    let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata_with(refusal).await);
    let error = instance_at_url(&metadata).error(calls(&ecr)).await;
    assert!(error.contains("AWS answered: EC2 cannot assume the role (AssumeRoleUnauthorizedAccess)."), "{error}");
}
