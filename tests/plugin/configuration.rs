//! The provider configuration: its forms, its contradictions, and what is ignored.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr},
    proxy::Proxy,
    sts::{ACCOUNT, Sts},
    tls::{Authority, Tls},
    values::{UNKNOWN, json as plain, output, secret},
};

use crate::{
    credentials::metadata_at,
    machine::{Machine, calls, with},
};

/// The failures of CheckConfig, by property.
async fn failures(configuration: Json) -> BTreeMap<String, String> {
    let mut running = Machine::new().start().await;
    let response = running.plugin.check_config(configuration).await.unwrap();
    response.failures.into_iter().map(|failure| (failure.property, failure.reason)).collect()
}

/// All that the official provider knows and its value, typed, as text and as the schema's type names it.
fn everything(ecr: &str) -> Vec<(&'static str, Json)> {
    vec![
        ("accessKey", json!("AKIDEXAMPLE")),
        ("allowedAccountIds", json!([])),
        ("assumeRole", json!(null)),
        ("assumeRoles", json!([])),
        ("assumeRoleWithWebIdentity", json!(null)),
        ("customCaBundle", json!("")),
        ("defaultTags", json!({"tags": {"a": "b"}})),
        ("ec2MetadataServiceEndpoint", json!("http://127.0.0.1:1")),
        ("ec2MetadataServiceEndpointMode", json!("IPv4")),
        ("endpoints", json!([{"ecr": ecr, "s3": "http://127.0.0.1:1"}])),
        ("forbiddenAccountIds", json!([])),
        ("httpProxy", json!("http://127.0.0.1:1")),
        ("httpsProxy", json!("http://127.0.0.1:1")),
        ("ignoreTags", json!({"keys": ["k"], "keyPrefixes": ["p"]})),
        ("insecure", json!(false)),
        ("maxRetries", json!(2)),
        ("noProxy", json!("example.com")),
        ("profile", json!("named")),
        ("region", json!("eu-west-1")),
        ("retryMode", json!("adaptive")),
        ("s3ForcePathStyle", json!(true)),
        ("s3UsEast1RegionalEndpoint", json!("legacy")),
        ("s3UsePathStyle", json!(true)),
        ("secretKey", json!("dummy")),
        ("sharedConfigFiles", json!([])),
        ("sharedCredentialsFile", json!("")),
        ("sharedCredentialsFiles", json!([])),
        ("skipCredentialsValidation", json!(true)),
        ("skipGetEc2Platforms", json!(true)),
        ("skipMetadataApiCheck", json!(true)),
        ("skipRegionValidation", json!(true)),
        ("skipRequestingAccountId", json!(true)),
        ("stsRegion", json!("us-east-1")),
        ("tagPolicyCompliance", json!("warning")),
        ("token", json!("dummy")),
        ("tokenBucketRateLimiterCapacity", json!(10)),
        ("useDualstackEndpoint", json!(false)),
        ("useFipsEndpoint", json!(false)),
        ("userAgents", json!(["product/1.0"])),
    ]
}

/// How a value arrives: typed, as text, as a secret, as an output, and with secrets or outputs inside, in text too.
type Form = fn(&Json) -> Json;

const FORMS: [Form; 8] = [
    Json::clone,
    |value| json!(text(value)),
    |value| secret(text(value)),
    |value| output(value.clone(), true),
    |value| output(text(value), false),
    |value| around_leaves(value, secret),
    |value| around_leaves(value, |leaf| output(leaf, true)),
    |value| if value.is_string() { value.clone() } else { json!(text(&around_leaves(value, secret))) },
];

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn around_leaves(value: &Json, wrap: fn(Json) -> Json) -> Json {
    match value {
        Json::Array(values) => values.iter().map(|value| around_leaves(value, wrap)).collect(),
        Json::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), around_leaves(value, wrap))).collect(),
        Json::Null => Json::Null,
        leaf => wrap(leaf.clone()),
    }
}

/// A configuration with all its values in one form.
fn in_form(form: Form, configuration: &Json) -> Json {
    configuration.as_object().unwrap().iter().map(|(key, value)| (key.clone(), form(value))).collect()
}

#[tokio::test]
async fn every_key_is_taken_typed_as_text_and_secret() {
    let ecr = Ecr::start().await.unwrap();
    let known: Json = serde_json::from_str(include_str!("../../schema.json")).unwrap();
    let keys = everything(&ecr.url());
    let names: Vec<_> = known["config"]["variables"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut tried: Vec<_> = keys.iter().map(|(key, _)| *key).collect();
    tried.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(tried, sorted, "the test tries all keys of the schema");

    for form in FORMS {
        let configuration: Json = keys.iter().map(|(key, value)| ((*key).to_owned(), form(value))).collect();
        assert_eq!(failures(configuration.clone()).await, BTreeMap::new(), "{configuration}");
        let mut running = Machine::new().config("[profile named]\n").configured(configuration).await;
        assert_eq!(running.asked(&ecr).await.access_key, "AKIDEXAMPLE");
    }
}

#[tokio::test]
async fn keys_roles_and_guards_have_their_effect_in_each_form() {
    for form in FORMS {
        let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
        let role = json!({"roleArn": "arn:aws:iam::111122223333:role/R", "duration": "1h", "tags": {"Team": "a"},
            "policyArns": ["arn:aws:iam::aws:policy/A"], "transitiveTagKeys": ["Team"]});
        let configuration = json!({"region": "us-west-2", "stsRegion": "us-east-2", "accessKey": "AKIDSTATIC",
            "secretKey": "static-secret", "token": "static-token", "assumeRoles": [role],
            "allowedAccountIds": [ACCOUNT], "userAgents": ["product/1.0"], "endpoints": [{"ecr": ecr.url(), "sts": sts.url()}]});
        let asked = Machine::new().configured(in_form(form, &configuration)).await.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.region.as_str()), ("ASIAR", "us-west-2"));
        let [role, identity] = &sts.asked()[..] else { panic!("a role and whose it is") };
        assert_eq!((role.access_key(), role.region()), ("AKIDSTATIC", "us-east-2"));
        assert!(role.is_signed_with("static-secret"));
        assert_eq!(role.header("x-amz-security-token"), "static-token");
        let fields =
            ["DurationSeconds", "Tags.member.1.Value", "PolicyArns.member.1.arn", "TransitiveTagKeys.member.1"];
        assert_eq!(fields.map(|field| role.field(field)), ["3600", "a", "arn:aws:iam::aws:policy/A", "Team"]);
        assert_eq!(identity.field("Action"), "GetCallerIdentity");
        for asked in [role, identity] {
            let agent = asked.header("user-agent");
            assert!(agent.contains("lib/pulumi-resource-aws/") && agent.ends_with(" product/1.0"), "{agent}");
        }
    }
}

#[tokio::test]
async fn files_trust_and_user_agents_have_their_effect_in_each_form() {
    let authority = Authority::new("ours");
    for form in FORMS {
        let ecr = Ecr::start().await.unwrap();
        let tls = Tls::start(authority.certificate("127.0.0.1"), ecr.address()).await.unwrap();
        let machine = Machine::new()
            .file("config", "[profile p]\nregion = sa-east-1\n")
            .file("credentials", "[p]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n")
            .file("ca.pem", authority.pem());
        let configuration = json!({"profile": "p", "sharedConfigFiles": [machine.path("config")],
            "sharedCredentialsFiles": [machine.path("credentials")], "customCaBundle": machine.path("ca.pem"),
            "userAgents": ["product/1.0", "other/2"], "endpoints": [{"ecr": tls.url()}]});
        let asked = machine.configured(in_form(form, &configuration)).await.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.region.as_str()), ("AKIDPROFILE", "sa-east-1"));
        assert!(asked.user_agent.ends_with(" product/1.0 other/2"), "{}", asked.user_agent);
    }
}

#[tokio::test]
async fn a_web_identity_and_the_metadata_service_have_their_effect_in_each_form() {
    let metadata = metadata_at("127.0.0.1:0", true).await;
    for form in FORMS {
        let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
        let identity = json!({"roleArn": "arn:aws:iam::111122223333:role/Ci", "webIdentityToken": "inline-token",
            "duration": "1h", "policyArns": ["arn:aws:iam::aws:policy/A"]});
        let more = json!({"assumeRoleWithWebIdentity": identity, "endpoints": [{"sts": sts.url()}]});
        let configuration = in_form(form, &with(calls(&ecr), more));
        assert_eq!(Machine::new().configured(configuration).await.asked(&ecr).await.access_key, "ASIACi");
        let [asked] = &sts.asked()[..] else { panic!("one exchange") };
        let fields = ["WebIdentityToken", "DurationSeconds", "PolicyArns.member.1.arn"];
        assert_eq!(fields.map(|field| asked.field(field)), ["inline-token", "3600", "arn:aws:iam::aws:policy/A"]);

        let more = json!({"skipMetadataApiCheck": false, "ec2MetadataServiceEndpoint": metadata.url()});
        let mut running = Machine::new().configured(in_form(form, &with(calls(&ecr), more))).await;
        assert_eq!(running.asked(&ecr).await.access_key, "ASIAINSTANCE");
    }
}

#[tokio::test]
async fn hosts_proxies_and_tries_have_their_effect_in_each_form() {
    for form in FORMS {
        let (proxy, ecr) = (Proxy::start().await.unwrap(), Ecr::start().await.unwrap());
        let configuration = json!({"region": "us-east-1", "useFipsEndpoint": true, "useDualstackEndpoint": true,
            "httpsProxy": proxy.url(), "maxRetries": 1});
        Machine::new().keys().error(in_form(form, &configuration)).await;
        assert_eq!(proxy.targets(), ["ecr-fips.us-east-1.api.aws:443"]);

        let asked = proxy.heads().len();
        let configuration = json!({"region": "us-east-1", "httpProxy": proxy.url(), "noProxy": "other.example,0.0.0.0",
            "maxRetries": 1, "endpoints": [{"ecr": "http://0.0.0.0:1"}]});
        Machine::new().keys().without("NO_PROXY").error(in_form(form, &configuration)).await;
        assert_eq!(proxy.heads().len(), asked);

        ecr.answer_always(Answer::Error(400, "ThrottlingException", "Rate exceeded"));
        let more = json!({"maxRetries": 2, "retryMode": "standard", "tokenBucketRateLimiterCapacity": 100});
        Machine::new().keys().error(in_form(form, &with(calls(&ecr), more))).await;
        assert_eq!(ecr.requests().len(), 2);
    }
}

#[tokio::test]
async fn the_schema_names_the_variables_of_the_environment_and_defaults() {
    let schema: Json = serde_json::from_str(include_str!("../../schema.json")).unwrap();
    assert_eq!(schema["config"]["variables"], schema["provider"]["inputProperties"]);
    for (key, names) in [
        ("region", json!(["AWS_REGION", "AWS_DEFAULT_REGION"])),
        ("profile", json!(["AWS_PROFILE"])),
        ("customCaBundle", json!(["AWS_CA_BUNDLE"])),
        ("retryMode", json!(["AWS_RETRY_MODE"])),
        ("useFipsEndpoint", json!(["AWS_USE_FIPS_ENDPOINT"])),
        ("useDualstackEndpoint", json!(["AWS_USE_DUALSTACK_ENDPOINT"])),
        ("ec2MetadataServiceEndpoint", json!(["AWS_EC2_METADATA_SERVICE_ENDPOINT"])),
        ("ec2MetadataServiceEndpointMode", json!(["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"])),
        ("skipMetadataApiCheck", json!(["AWS_SKIP_METADATA_API_CHECK"])),
    ] {
        assert_eq!(schema["config"]["variables"][key]["defaultInfo"]["environment"], names, "{key}");
    }
    // Those that nothing in the environment or a profile stands for have their default.
    for key in ["insecure", "skipCredentialsValidation", "skipRequestingAccountId"] {
        assert_eq!(schema["config"]["variables"][key]["default"], false, "{key}");
    }
    // Keys have none: SDKs would copy the variables' values into the state.
    for key in ["accessKey", "secretKey", "token"] {
        assert_eq!(schema["config"]["variables"][key]["defaultInfo"], Json::Null, "{key}");
        assert_eq!(schema["config"]["variables"][key]["secret"], true, "{key}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let role = "arn:aws:iam::111122223333:role/r";
    let wrong = json!({
        "accessKey": "AKIDEXAMPLE",
        "region": "eu west1",
        "stsRegion": "evil.example/",
        "assumeRole": {"roleArn": role},
        "assumeRoles": [{"duration": "1h"}, {"roleArn": "r", "duration": "10m"}],
        "assumeRoleWithWebIdentity": {"roleArn": "r", "webIdentityToken": "t", "webIdentityTokenFile": "f", "duration": "x"},
        "endpoints": [{"sts": "localhost:4566"}],
        "httpProxy": "socks5://user:to-hide@127.0.0.1:1",
        "httpsProxy": "to-hide",
        "insecure": "true",
        "maxRetries": -1,
        "retryMode": "legacy",
        "tokenBucketRateLimiterCapacity": -5,
        "ec2MetadataServiceEndpoint": "somewhere",
        "ec2MetadataServiceEndpointMode": "IPv5",
        "allowedAccountIds": ["123"],
        "forbiddenAccountIds": ["111122223333"],
        "sharedCredentialsFile": "a",
        "sharedCredentialsFiles": ["b"],
        "userAgents": ["two\nlines"],
    });
    let failures = failures(wrong).await;
    let expected = [
        ("secretKey", "is missing, but accessKey is set"),
        ("region", "must be an AWS Region such as eu-west-1, but is \"eu west1\""),
        ("stsRegion", "must be an AWS Region"),
        ("assumeRole", "is the older name of assumeRoles"),
        ("assumeRoles[0].roleArn", "is missing"),
        ("assumeRoles[1].roleArn", "must be a role's ARN"),
        ("assumeRoles[1].duration", "must be a time from 15m to 12h"),
        ("assumeRoleWithWebIdentity.roleArn", "must be a role's ARN"),
        ("assumeRoleWithWebIdentity.duration", "must be a time"),
        ("assumeRoleWithWebIdentity.webIdentityToken", "excludes webIdentityTokenFile"),
        ("endpoints[0].sts", "must be a URL such as"),
        ("httpProxy", "names a SOCKS proxy, which is not supported"),
        ("httpsProxy", "must be the URL of an HTTP proxy"),
        ("insecure", "is not supported: certificates are always verified. Set customCaBundle"),
        ("maxRetries", "must be a number from 0 on, but is -1"),
        ("retryMode", "must be standard or adaptive"),
        ("tokenBucketRateLimiterCapacity", "must be a number from 0 on"),
        ("ec2MetadataServiceEndpoint", "must be a URL"),
        ("ec2MetadataServiceEndpointMode", "must be IPv4 or IPv6"),
        ("allowedAccountIds[0]", "must be the 12 digits"),
        ("forbiddenAccountIds", "excludes allowedAccountIds"),
        ("sharedCredentialsFile", "is the older name"),
        ("userAgents[0]", "must be printable ASCII"),
    ];
    for (property, start) in expected {
        let reason = failures.get(property).unwrap_or_else(|| panic!("no failure of {property}: {failures:#?}"));
        assert!(reason.starts_with(start), "{property} {reason}");
        assert!(!reason.contains("to-hide"), "{reason}");
    }
    assert_eq!(failures.len(), expected.len(), "{failures:#?}");
}

#[tokio::test]
async fn wrong_types_are_failures_of_their_property() {
    let failures = failures(json!({
        "region": ["eu-west-1"],
        "maxRetries": "many",
        "insecure": "perhaps",
        "endpoints": "[{\"ecr\": 1.5}]",
        "assumeRoles": "{",
        "allowedAccountIds": {"a": 1},
        // What contradicts itself is said at the same time; that the key of a pair is missing is not, it is only wrong.
        "accessKey": ["AKIDEXAMPLE"],
        "secretKey": "s",
        "retryMode": "never",
    }))
    .await;
    let properties: Vec<_> = failures.keys().map(String::as_str).collect();
    let expected = [
        "accessKey",
        "allowedAccountIds",
        "assumeRoles",
        "endpoints[0].ecr",
        "insecure",
        "maxRetries",
        "region",
        "retryMode",
    ];
    assert_eq!(properties, expected, "{failures:#?}");
}

#[tokio::test]
async fn keys_that_are_not_known_yet_contradict_nothing() {
    let failures = failures(json!({
        "accessKey": UNKNOWN,
        "secretKey": "s",
        "assumeRoles": [{"roleArn": UNKNOWN}],
        "maxRetries": -1,
    }))
    .await;
    assert_eq!(failures.keys().collect::<Vec<_>>(), ["maxRetries"], "{failures:#?}");
}

#[tokio::test]
async fn endpoints_exclude_dual_stack() {
    let both = json!({"endpoints": [{"ecr": "http://127.0.0.1:1"}], "useDualstackEndpoint": true});
    assert_eq!(failures(both).await.keys().collect::<Vec<_>>(), ["useDualstackEndpoint"]);
}

#[tokio::test]
async fn unknown_keys_are_a_debug_line_and_nothing_else() {
    let ecr = Ecr::start().await.unwrap();
    let more = json!({"notOurs": "x", "accessKey": "AKIDEXAMPLE", "secretKey": "s",
        "defaultTags": {"tags": {"a": "b"}, "unknownInside": true}});
    let mut running = Machine::new().configured(with(calls(&ecr), more)).await;
    running.asked(&ecr).await;
    for key in ["aws:notOurs", "aws:defaultTags.unknownInside"] {
        let severity = running.engine.wait_for_line(key).await;
        assert_eq!(severity.as_str_name(), "DEBUG");
    }
}

#[tokio::test]
async fn check_config_gives_back_what_it_got_and_nothing_of_the_environment() {
    let machine = Machine::new()
        .keys()
        .var("AWS_SESSION_TOKEN", "environment-token")
        .var("AWS_REGION", "eu-west-1")
        .var("AWS_PROFILE", "named");
    let mut running = machine.start().await;
    let given = json!({"maxRetries": "2", "secretKey": secret("s"), "accessKey": "AKIDEXAMPLE", "notOurs": "x"});
    let response = running.plugin.check_config(given.clone()).await.unwrap();
    assert_eq!(plain(response.inputs.unwrap()), given);
    let response = running.plugin.check_config(json!({})).await.unwrap();
    assert_eq!(plain(response.inputs.unwrap()), json!({}));
}

#[tokio::test]
async fn empty_text_is_as_good_as_none() {
    let ecr = Ecr::start().await.unwrap();
    let more = json!({"accessKey": "", "secretKey": " ", "profile": "", "customCaBundle": "", "httpProxy": ""});
    let mut running = Machine::new().keys().configured(with(calls(&ecr), more)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "AKIDENVIRONMENT");
}

/// Calls keep the configuration that they began with.
#[tokio::test]
async fn a_property_of_the_configuration_has_a_bound() {
    let role = |length| json!([{"roleArn": "arn:aws:iam::123456789012:role/x", "externalId": "x".repeat(length)}]);
    let mut running = Machine::new().keys().start().await;
    for (length, wrong) in [(60_000, false), (70_000, true)] {
        let configuration = json!({"region": "eu-west-1", "assumeRoles": role(length)});
        let failures = running.plugin.check_config(configuration.clone()).await.unwrap().failures;
        assert_eq!(failures.iter().any(|failure| failure.reason == "is longer than 64 KiB"), wrong, "{failures:?}");
        let refused = running.plugin.configure(configuration).await.err();
        assert_eq!(refused.is_some_and(|status| status.message().contains("aws:assumeRoles is longer")), wrong);
    }
}
