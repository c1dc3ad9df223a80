//! Regions: where they come from, and those that cannot be.

use serde_json::json;
use support::{ecr::Ecr, http::Server, plugin::GET_CREDENTIALS};

use crate::machine::{Machine, REGISTRY, calls, with};

#[tokio::test]
async fn the_first_source_that_names_a_region_wins() {
    let profile = "[default]\nregion = ap-south-1\n[profile p]\nregion = sa-east-1\n";
    let machine = || Machine::new().keys().config(profile);
    for (machine, more, expected) in [
        (
            machine().var("AWS_REGION", "eu-north-1").var("AWS_DEFAULT_REGION", "eu-south-1"),
            json!({"region": "us-west-2"}),
            "us-west-2",
        ),
        (machine().var("AWS_REGION", "eu-north-1").var("AWS_DEFAULT_REGION", "eu-south-1"), json!({}), "eu-north-1"),
        (machine().var("AWS_REGION", "").var("AWS_DEFAULT_REGION", "eu-south-1"), json!({}), "eu-south-1"),
        (machine(), json!({}), "ap-south-1"),
        (machine().var("AWS_PROFILE", "p"), json!({}), "sa-east-1"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let mut running = machine.configured(with(json!({"endpoints": [{"ecr": ecr.url()}]}), more)).await;
        assert_eq!(running.asked(&ecr).await.region, expected);
    }
}

#[tokio::test]
async fn the_profile_s_region_belongs_to_the_configured_profile() {
    let ecr = Ecr::start().await.unwrap();
    let keys = "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n";
    let machine =
        Machine::new().config(&format!("[default]\nregion = ap-south-1\n[profile p]\nregion = sa-east-1\n{keys}"));
    let configuration = json!({"profile": "p", "endpoints": [{"ecr": ecr.url()}]});
    assert_eq!(machine.configured(configuration).await.asked(&ecr).await.region, "sa-east-1");
}

#[tokio::test]
async fn no_region_names_the_places_and_asks_no_metadata_service_of_a_machine_with_keys() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), Server::start(|_| support::http::Reply::Never).await.unwrap());
    let machine = Machine::new()
        .without("AWS_EC2_METADATA_DISABLED")
        .var("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
        .var("AWS_PROFILE", "p")
        .config("[profile p]\n")
        .keys();
    let error = machine.error(json!({"endpoints": [{"ecr": ecr.url()}]})).await;
    let expected = "getCredentials for registry 123456789012: no AWS Region is configured: looked at aws:region, \
                    AWS_REGION, AWS_DEFAULT_REGION and the region of profile p. Set one, for example with `pulumi \
                    config set aws:region eu-west-1`.";
    assert_eq!(error, expected);
    assert!(metadata.asked().is_empty() && ecr.connections() == 0);
}

#[tokio::test]
async fn a_region_that_cannot_be_says_so_before_any_call() {
    const HIDDEN: &str = "what is given (not shown, since it does not look like one)";
    for (region, shown) in [
        ("eu-west1", "\"eu-west1\""),
        ("EU-WEST-1", "\"EU-WEST-1\""),
        ("eu west 1", "\"eu west 1\""),
        ("eu-west-1.example.com/", HIDDEN),
        ("a@b", HIDDEN),
        ("eu-west-1\n", HIDDEN),
    ] {
        let machine = Machine::new().keys();
        let mut running = machine.configured(json!({"region": "eu-west-1"})).await;
        let arguments = json!({"registryId": REGISTRY, "region": region});
        let status = running.plugin.invoke(GET_CREDENTIALS, arguments).await.map(drop).unwrap_err();
        let part = format!("{shown} is not the name of an AWS Region. Correct it, for example to eu-west-1.");
        assert!(status.message().ends_with(&part), "{}", status.message());
        let error = Machine::new().keys().var("AWS_REGION", region).error(json!({})).await;
        assert!(error.ends_with(&part), "{error}");
    }
}

#[tokio::test]
async fn an_emulator_may_name_its_region_as_it_likes() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = Machine::new().keys().configured(with(calls(&ecr), json!({"region": "local"}))).await;
    assert_eq!(running.asked(&ecr).await.region, "local");
}

#[tokio::test]
async fn only_an_endpoint_of_one_s_own_takes_a_name_of_another_form() {
    let ecr = Ecr::start().await.unwrap();
    // The official SDKs set it for every explicit provider.
    let skip = json!({"skipRegionValidation": "true", "region": "eu-west1"});
    let error = Machine::new().keys().error(skip.clone()).await;
    assert!(
        error.ends_with("\"eu-west1\" is not the name of an AWS Region. Correct it, for example to eu-west-1."),
        "{error}"
    );
    let machine = || Machine::new().keys().var("AWS_ENDPOINT_URL", ecr.url());
    assert_eq!(machine().configured(skip).await.asked(&ecr).await.region, "eu-west1");
    let validated = with(calls(&ecr), json!({"skipRegionValidation": false, "region": "local"}));
    let failures = machine().start().await.plugin.check_config(validated).await.unwrap().failures;
    assert_eq!(failures.iter().map(|failure| failure.property.as_str()).collect::<Vec<_>>(), ["region"]);
}

#[tokio::test]
async fn a_role_of_another_partition_is_named_before_any_call() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), support::sts::Sts::start().await.unwrap());
    let role = json!([{"roleArn": "arn:aws-cn:iam::111122223333:role/Beijing"}]);
    let more = json!({"assumeRoles": role, "endpoints": [{"sts": sts.url()}]});
    let error = Machine::new().keys().error(with(calls(&ecr), more.clone())).await;
    let expected = "eu-west-1 is in the partition aws, but the role arn:aws-cn:iam::111122223333:role/Beijing is in \
                    aws-cn. Use a role and a Region of one partition.";
    assert!(error.ends_with(expected), "{error}");
    assert!(sts.asked().is_empty() && ecr.connections() == 0);

    // The role's own partition, but a registry in another one.
    let configuration = with(with(calls(&ecr), more), json!({"region": "cn-north-1"}));
    let mut running = Machine::new().keys().configured(configuration).await;
    let arguments = json!({"registryId": REGISTRY, "region": "us-east-1"});
    let status = running.plugin.invoke(GET_CREDENTIALS, arguments).await.map(drop).unwrap_err();
    assert!(status.message().contains("us-east-1 is in the partition aws, but the role"), "{}", status.message());
    assert_eq!(ecr.connections(), 0);
}
