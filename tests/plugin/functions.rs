//! getCredentials: its arguments and results.

use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, password, token},
    plugin::{GET_CREDENTIALS, Plugin, command, ecr_configuration, results},
    values::{UNKNOWN, secret},
};

const REGISTRY: &str = "012345678901";

#[tokio::test]
async fn the_results_are_those_of_the_official_provider() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::TokenWith("expiresAt", json!(1_606_339_200.123)));
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let expected = json!({
        "authorizationToken": token(REGISTRY, 1),
        "expiresAt": "2020-11-25T21:20:00Z",
        "id": REGISTRY,
        "password": password(REGISTRY, 1),
        "proxyEndpoint": format!("https://{REGISTRY}.dkr.ecr.eu-west-1.amazonaws.com"),
        "registryId": REGISTRY,
        "userName": "AWS",
    });
    assert_eq!(plugin.get_credentials(REGISTRY).await.unwrap(), expected);
    assert_eq!(ecr.requests()[0].registry_ids, [REGISTRY]);
}

#[tokio::test]
async fn the_first_entry_counts_and_its_endpoint_is_not_touched() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::Body(
        r#"{"authorizationData": [
            {"authorizationToken": "QVdTOmZpcnN0", "expiresAt": 4102444800, "proxyEndpoint": "https://FIRST.example/v2/"},
            {"authorizationToken": "QVdTOnNlY29uZA==", "expiresAt": 0, "proxyEndpoint": "https://second.example"}]}"#,
    ));
    let results = Plugin::for_ecr(&ecr).await.get_credentials(REGISTRY).await.unwrap();
    assert_eq!(results["proxyEndpoint"], "https://FIRST.example/v2/");
    assert_eq!(results["password"], "first");
    assert_eq!(results["expiresAt"], "2100-01-01T00:00:00Z");
}

#[tokio::test]
async fn the_region_argument_wins_over_the_configuration() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let arguments = json!({"registryId": REGISTRY, "region": "us-west-2"});
    let results = results(plugin.invoke(GET_CREDENTIALS, arguments).await.unwrap());
    assert_eq!(results["proxyEndpoint"], format!("https://{REGISTRY}.dkr.ecr.us-west-2.amazonaws.com"));
    assert_eq!(ecr.requests()[0].region, "us-west-2");
}

/// YAML programs get stack configuration of digits alone as a number.
#[tokio::test]
async fn a_registry_id_may_be_a_whole_number() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let arguments = json!({"registryId": 123_456_789_012_u64});
    let results = results(plugin.invoke(GET_CREDENTIALS, arguments).await.unwrap());
    assert_eq!(results["id"], "123456789012");
    for (number, reason) in [
        (json!(12_345_678_901_u64), "write it as the string 012345678901"),
        (json!(123_456_789_012.5), "but is \"123456789012.5\""),
        (json!(1e20), "but is \"100000000000000000000\": it has 21 digits"),
        (json!(true), "but is \"true\""),
    ] {
        let response = plugin.invoke(GET_CREDENTIALS, json!({"registryId": number})).await.unwrap();
        assert!(response.failures[0].reason.contains(reason), "{:?}", response.failures);
    }
}

#[tokio::test]
async fn arguments_that_the_schema_does_not_allow_are_failures() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let unknown = UNKNOWN;
    let malformed = json!({"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"});
    for (arguments, property, reason) in [
        (json!({}), "registryId", "is missing, but the function needs it"),
        (json!({"registryId": null}), "registryId", "is null, but the function needs it"),
        (json!({"registryId": unknown}), "registryId", "must be a string, but is a value that is not known yet"),
        (json!({"registryId": [REGISTRY]}), "registryId", "must be a string, but is a list"),
        (json!({"registryId": secret(json!({}))}), "registryId", "must be a string, but is an object"),
        (json!({"registryId": malformed}), "registryId", "is malformed: a secret without a `value`"),
        (json!({"registryId": REGISTRY, "region": {}}), "region", "must be a string, but is an object"),
        (
            json!({"registryId": REGISTRY, "registryID": "1"}),
            "registryID",
            "is not an argument of aws:ecr/getCredentials:getCredentials, which has: region, registryId",
        ),
    ] {
        let response = plugin.invoke(GET_CREDENTIALS, arguments.clone()).await.unwrap();
        let failures: Vec<_> = response.failures.iter().map(|f| (f.property.as_str(), f.reason.as_str())).collect();
        assert_eq!(failures, [(property, reason)], "{arguments}");
        assert!(response.r#return.is_none());
    }
    assert_eq!(ecr.connections(), 0, "AWS was asked");
}

#[tokio::test]
async fn a_registry_id_that_is_none_is_explained() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    for (given, hint) in [
        ("", "but is \"\""),
        ("12345678901", "write it as the string 012345678901"),
        ("1234567890123", "it has 13 digits"),
        (" 123456789012", "white space around it"),
        ("my-repository", "looks like a repository's name"),
        ("team/app", "looks like a repository's name"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "in front of `.dkr.`, 123456789012"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/app", "in front of `.dkr-ecr.`, 123456789012"),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws", "in front of `.dkr-ecr-fips.`, 123456789012"),
        ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "in front of `.dkr-ecr.`, 123456789012"),
        ("https://123456789012.dkr.ecr.eu-west-1.amazonaws.com", "in front of `.dkr.`, 123456789012"),
        ("oci://123456789012.dkr.ecr.eu-west-1.amazonaws.com", "in front of `.dkr.`, 123456789012"),
        ("AWS@123456789012.dkr-ecr.eu-west-1.on.aws", "in front of `.dkr-ecr.`, 123456789012"),
        ("HTTPS://123456789012.DKR.ECR.EU-WEST-1.AMAZONAWS.COM", "in front of `.dkr.`, 123456789012"),
        ("my.dkr.example.com", "looks like a repository's name"),
        ("https://example.com/app", "that is a URL"),
        ("arn:aws:ecr:eu-west-1:123456789012:repository/app", "the fifth part of a repository's, 123456789012"),
        ("arn:aws:s3:::bucket", "the fifth part of a repository's"),
        ("1", "it has 1 digit; "),
        ("１２３４５６７８９０１２", "must be a registry id"),
    ] {
        let response = plugin.invoke(GET_CREDENTIALS, json!({"registryId": given})).await.unwrap();
        let [failure] = &response.failures[..] else { panic!("{given}: {:?}", response.failures) };
        assert_eq!(failure.property, "registryId");
        assert!(failure.reason.contains(&format!("is {given:?}")), "{}", failure.reason);
        assert!(failure.reason.contains(hint), "{}", failure.reason);
    }
    let response = plugin.invoke(GET_CREDENTIALS, json!({"registryId": "x".repeat(100_000)})).await.unwrap();
    assert!(response.failures[0].reason.len() < 500, "what is long is cut");
    assert_eq!(ecr.connections(), 0, "AWS was asked");
}

fn secrets(results: &Json) -> Vec<&str> {
    let results = results.as_object().unwrap().iter();
    results.filter(|(_, value)| value.is_object()).map(|(name, _)| name.as_str()).collect()
}

const ALL_RESULTS: [&str; 7] =
    ["authorizationToken", "expiresAt", "id", "password", "proxyEndpoint", "registryId", "userName"];

#[tokio::test]
async fn a_secret_argument_makes_the_results_secret() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let output = json!({
        "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": REGISTRY, "secret": true,
    });
    for argument in [secret(REGISTRY), output] {
        let response = plugin.invoke(GET_CREDENTIALS, json!({"registryId": argument})).await.unwrap();
        let results = results(response);
        assert_eq!(secrets(&results), ALL_RESULTS);
        assert_eq!(results["userName"], secret("AWS"));
        // The same results, as they are kept.
        assert_eq!(secrets(&plugin.get_credentials(REGISTRY).await.unwrap()), [""; 0]);
    }
}

#[tokio::test]
async fn token_and_password_are_secret_on_request() {
    let ecr = Ecr::start().await.unwrap();
    for (value, expected) in [("true", &["authorizationToken", "password"][..]), ("false", &[]), ("", &[])] {
        let mut command = command();
        command.env("PULUMI_AWS_ECR_SECRET_RESULTS", value);
        let mut plugin = Plugin::from_command(command).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        for _ in 0..2 {
            assert_eq!(secrets(&plugin.get_credentials(REGISTRY).await.unwrap()), expected, "{value}");
        }
    }
}

#[tokio::test]
async fn an_engine_that_takes_no_secrets_gets_none() {
    use pulumi_resource_aws::proto::pulumirpc::ConfigureRequest;
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::start().await;
    let args = Some(support::values::properties(ecr_configuration(&ecr)));
    plugin.client.configure(ConfigureRequest { args, ..Default::default() }).await.unwrap();
    let response = plugin.invoke(GET_CREDENTIALS, json!({"registryId": secret(REGISTRY)})).await.unwrap();
    assert_eq!(secrets(&results(response)), [""; 0]);
}
