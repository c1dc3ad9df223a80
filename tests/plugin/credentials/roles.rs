//! Roles: of profiles, and those of the configuration.

use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
    moto::Moto,
    sts::{Sts, secret_key, session_token},
    values::secret,
};

use super::{
    KEYS,
    container::CONTAINER_KEYS,
    instance::{instance, metadata},
};
use crate::machine::{Machine, REGISTRY, calls, with};

#[tokio::test]
async fn roles_of_profiles_are_assumed_along_their_sources() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let machine = Machine::new().config(&format!(
        "[profile top]\nrole_arn = arn:aws:iam::111122223333:role/Top\nsource_profile = middle\nexternal_id = 42\n\
         duration_seconds = 1800\nrole_session_name = me\n\
         [profile middle]\nrole_arn = arn:aws:iam::111122223333:role/Middle\nsource_profile = base\n\
         [profile base]\n{KEYS}"
    ));
    let configuration = with(calls(&ecr), json!({"profile": "top", "endpoints": [{"sts": sts.url()}]}));
    let mut running = machine.configured(configuration).await;
    let asked = running.asked(&ecr).await;
    assert_eq!(asked.access_key, "ASIATop");
    assert!(asked.is_signed_with(&secret_key("ASIATop")));
    let [first, second] = &sts.asked()[..] else { panic!("two roles") };
    assert_eq!((first.access_key(), second.access_key()), ("AKIDPROFILE", "ASIAMiddle"));
    assert!(first.is_signed_with("profile-secret") && second.is_signed_with(&secret_key("ASIAMiddle")));
    assert_eq!(second.header("x-amz-security-token"), session_token("ASIAMiddle"));
    let told = ["ExternalId", "DurationSeconds", "RoleSessionName"].map(|field| second.field(field));
    assert_eq!(told, ["42", "1800", "me"]);
    assert_eq!(
        running.source().await,
        "profile top: keys of profile base, then the role arn:aws:iam::111122223333:role/Middle, then the role \
         arn:aws:iam::111122223333:role/Top"
    );
}

#[tokio::test]
async fn a_role_of_a_profile_can_start_from_the_environment() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let role = "[profile p]\nrole_arn = arn:aws:iam::111122223333:role/P\ncredential_source = Environment\n";
    let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sts": sts.url()}]}));
    let mut running = Machine::new().config(role).keys().configured(configuration).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIAP");
    let [asked] = &sts.asked()[..] else { panic!("one role") };
    assert_eq!(asked.access_key(), "AKIDENVIRONMENT");
    assert!(asked.is_signed_with("environment-secret"));
    assert!(running.source().await.starts_with("profile p: the environment (AWS_ACCESS_KEY_ID, "));
}

#[tokio::test]
async fn a_role_of_a_profile_can_start_from_the_container_or_the_instance() {
    let service = Server::start(|_| Reply::Body(200, CONTAINER_KEYS.to_owned())).await.unwrap();
    let metadata = metadata(true).await;
    let container = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url());
    for (machine, source, base, secret, from) in [
        (container, "EcsContainer", "ASIACONTAINER", "container-secret", "the container's service at "),
        (
            instance(&metadata),
            "Ec2InstanceMetadata",
            "ASIAINSTANCE",
            "instance-secret",
            "the instance metadata service",
        ),
    ] {
        let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
        let role = format!("[profile p]\nrole_arn = arn:aws:iam::111122223333:role/P\ncredential_source = {source}\n");
        let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sts": sts.url()}]}));
        let mut running = machine.config(&role).configured(configuration).await;
        assert_eq!(running.asked(&ecr).await.access_key, "ASIAP");
        let [asked] = &sts.asked()[..] else { panic!("one role") };
        assert_eq!(asked.access_key(), base);
        assert!(asked.is_signed_with(secret));
        assert!(running.source().await.starts_with(&format!("profile p: {from}")));
    }
}

#[tokio::test]
async fn roles_are_assumed_in_order_with_all_that_is_configured() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let roles = json!([
        {"roleArn": "arn:aws:iam::111122223333:role/First"},
        {
            "roleArn": "arn:aws:iam::444455556666:role/Second", "duration": "1h30m", "externalId": "42",
            "policy": r#"{"Version": "2012-10-17"}"#, "policyArns": ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"],
            "sessionName": "me", "sourceIdentity": "you", "tags": {"Team": "a", "Stage": ""}, "transitiveTagKeys": ["Team"],
        },
    ]);
    // As text, typed, and as a secret, which the log does not show.
    let roles_text = roles.to_string();
    for roles in [json!(roles_text), roles.clone(), secret(roles_text.clone())] {
        let before = sts.asked().len();
        let more = json!({"endpoints": [{"sts": sts.url()}], "assumeRoles": roles});
        let mut running = Machine::new().keys().configured(with(calls(&ecr), more)).await;
        let asked = running.asked(&ecr).await;
        assert!(asked.is_signed_with(&secret_key("ASIASecond")));
        assert_eq!((asked.access_key.as_str(), asked.session_token), ("ASIASecond", session_token("ASIASecond")));
        let [first, second] = &sts.asked()[before..] else { panic!("two roles") };
        assert_eq!((first.access_key(), second.access_key()), ("AKIDENVIRONMENT", "ASIAFirst"));
        assert!(first.is_signed_with("environment-secret") && second.is_signed_with(&secret_key("ASIAFirst")));
        assert_eq!(second.header("x-amz-security-token"), session_token("ASIAFirst"));
        assert!(first.field("RoleSessionName").starts_with("pulumi-resource-aws-"));
        for (field, value) in [
            ("RoleArn", "arn:aws:iam::444455556666:role/Second"),
            ("DurationSeconds", "5400"),
            ("ExternalId", "42"),
            ("Policy", r#"{"Version": "2012-10-17"}"#),
            ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/A"),
            ("PolicyArns.member.2.arn", "arn:aws:iam::aws:policy/B"),
            ("RoleSessionName", "me"),
            ("SourceIdentity", "you"),
            ("Tags.member.1.Key", "Stage"),
            ("Tags.member.1.Value", ""),
            ("Tags.member.2.Key", "Team"),
            ("Tags.member.2.Value", "a"),
            ("TransitiveTagKeys.member.1", "Team"),
        ] {
            assert_eq!(second.field(field), value, "{field}");
        }
        let [first, second] = match roles == secret(roles_text.clone()) {
            true => ["[secret]"; 2],
            false => ["arn:aws:iam::111122223333:role/First", "arn:aws:iam::444455556666:role/Second"],
        };
        let source = format!(
            "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), then the role {first}, then the role {second}"
        );
        assert_eq!(running.source().await, source);
    }
}

#[tokio::test]
async fn the_older_form_of_one_role_is_understood() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let role = json!({"roleArn": "arn:aws:iam::111122223333:role/Old", "externalId": secret("42")});
    let more = json!({"endpoints": [{"sts": sts.url()}], "assumeRole": role, "stsRegion": "us-east-2"});
    let mut running = Machine::new().keys().configured(with(calls(&ecr), more)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIAOld");
    let [asked] = &sts.asked()[..] else { panic!("one role") };
    assert_eq!((asked.field("ExternalId").as_str(), asked.region()), ("42", "us-east-2"));
    assert!(asked.is_signed_with("environment-secret"));
}

#[tokio::test]
async fn moto_s_sts_and_ecr_are_understood() {
    let moto = Moto::start().await;
    let more = json!({
        "region": "eu-west-1",
        "endpoints": [{"ecr": moto.url(), "sts": moto.url()}],
        "assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/Any"}],
        "allowedAccountIds": ["111122223333"],
    });
    let mut running = Machine::new().keys().configured(more).await;
    let results = running.plugin.get_credentials(REGISTRY).await.expect("a token");
    assert_eq!(results["password"], format!("{REGISTRY}-auth-token"));
}
