//! The sources of credentials: which is asked, what it is told, which one wins.

mod container;
mod instance;
mod login;
mod processes;
mod roles;
mod shared_files;
mod sso;
mod web_identity;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use support::{
    ecr::{Answer, Ecr},
    http::{Reply, Server},
    values::secret,
    within_deadline,
};

pub(crate) use self::{
    container::CONTAINER_KEYS,
    instance::{instance, metadata_at},
    processes::{runs, until},
    sso::{SESSION_CACHE, SSO_SESSION, issuer, portal, sso_token, sso_token_to_renew},
};
use crate::machine::{Machine, REGISTRY, calls, with};

const KEYS: &str = "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = profile-secret\n";

/// What AWS says of credentials that are over.
const OVER: Answer =
    Answer::Error(400, "ExpiredTokenException", "The security token included in the request is expired");

#[tokio::test]
async fn static_keys_win_over_all_others() {
    let ecr = Ecr::start().await.unwrap();
    let keys =
        json!({"accessKey": secret("AKIDSTATIC"), "secretKey": secret("static-secret"), "token": "static-token"});
    let machine = Machine::new().keys().config(&format!("[default]\n{KEYS}"));
    let mut running = machine.configured(with(calls(&ecr), keys)).await;
    let asked = running.asked(&ecr).await;
    assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("AKIDSTATIC", "static-token"));
    assert!(asked.is_signed_with("static-secret"));
    assert_eq!(running.source().await, "the provider configuration (accessKey, secretKey)");
}

#[tokio::test]
async fn the_environment_wins_over_the_default_profile_and_that_of_aws_profile() {
    let ecr = Ecr::start().await.unwrap();
    let config = format!("[default]\n{KEYS}[profile other]\n{KEYS}");
    for machine in [Machine::new(), Machine::new().var("AWS_PROFILE", "other")] {
        let machine = machine.config(&config).keys().var("AWS_SESSION_TOKEN", "environment-token");
        let mut running = machine.configured(calls(&ecr)).await;
        let asked = running.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("AKIDENVIRONMENT", "environment-token"));
        assert!(asked.is_signed_with("environment-secret"));
        assert!(running.source().await.starts_with("the environment"));
    }
}

#[tokio::test]
async fn variables_that_older_sdks_read_count_where_those_of_today_are_not_set() {
    let ecr = Ecr::start().await.unwrap();
    let older = || Machine::new().var("AWS_ACCESS_KEY", "AKIDOLD").var("AWS_SECRET_KEY", "old-secret");
    for (machine, access_key, secret_key) in
        [(older(), "AKIDOLD", "old-secret"), (older().keys(), "AKIDENVIRONMENT", "environment-secret")]
    {
        let asked = machine.configured(calls(&ecr)).await.asked(&ecr).await;
        assert_eq!(asked.access_key, access_key);
        assert!(asked.is_signed_with(secret_key));
    }
    let config = format!("[profile old]\n{KEYS}[profile new]\n{}", KEYS.replace("AKIDPROFILE", "AKIDNEW"));
    let older = || Machine::new().config(&config).var("AWS_DEFAULT_PROFILE", "old");
    for (machine, access_key) in [
        (older(), "AKIDPROFILE"),
        (older().var("AWS_PROFILE", " "), "AKIDPROFILE"),
        (older().var("AWS_PROFILE", "new"), "AKIDNEW"),
    ] {
        assert_eq!(machine.configured(calls(&ecr)).await.asked(&ecr).await.access_key, access_key);
    }
}

#[tokio::test]
async fn a_configured_profile_wins_over_the_environment() {
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().config(&format!("[profile named]\n{KEYS}")).keys().var("AWS_PROFILE", "absent");
    let mut running = machine.configured(with(calls(&ecr), json!({"profile": "named"}))).await;
    let asked = running.asked(&ecr).await;
    assert_eq!(asked.access_key, "AKIDPROFILE");
    assert!(asked.is_signed_with("profile-secret"));
    assert_eq!(running.source().await, "profile named: keys of profile named");
}

#[tokio::test]
async fn keys_that_are_over_do_not_take_newer_ones_along() {
    let ecr = Ecr::start().await.unwrap();
    let running = Machine::new().config("").configured(calls(&ecr)).await;
    let path = running.path(".aws/config");
    let write =
        |id: &str| std::fs::write(&path, format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = s\n"));
    let mut plugin = running.plugin;

    write("AKIDFIRST").unwrap();
    ecr.set_latency(Duration::from_secs(2));
    ecr.answer_next(OVER);
    let late = plugin.begin(json!({"registryId": "000000000001"}));
    ecr.wait_for_requests(1).await;
    ecr.set_latency(Duration::ZERO);
    ecr.answer_next(OVER);
    assert!(plugin.error().await.contains("have expired"));
    write("AKIDSECOND").unwrap();
    plugin.get_credentials("000000000002").await.expect("new keys");

    write("AKIDTHIRD").unwrap();
    let status = within_deadline("the late answer", late).await.unwrap().map(drop).unwrap_err();
    assert!(status.message().contains("have expired"), "{status}");
    plugin.get_credentials("000000000003").await.expect("keys that are known");
    let keys: Vec<_> = ecr.requests().into_iter().map(|asked| asked.access_key).collect();
    assert_eq!(keys, ["AKIDFIRST", "AKIDFIRST", "AKIDSECOND", "AKIDSECOND"]);
}

#[tokio::test]
async fn credentials_are_looked_up_once_and_again_when_they_are_over() {
    let ecr = Ecr::start().await.unwrap();
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let service = Server::start(move |_| {
        // The first credentials last, the second ones hardly.
        let year = if counted.fetch_add(1, Ordering::Relaxed) == 0 { "2999" } else { "2020" };
        Reply::Body(200, CONTAINER_KEYS.replace("2999", year))
    })
    .await
    .unwrap();
    let machine = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url());
    let mut running = machine.configured(calls(&ecr)).await;
    let calls = (1..=20).map(|number| running.plugin.begin(json!({"registryId": format!("{number:012}")})));
    for call in calls.collect::<Vec<_>>() {
        within_deadline("a call", call).await.unwrap().expect("a token");
    }
    running.source().await;
    assert_eq!((count.load(Ordering::Relaxed), running.look_ups()), (1, 1));

    ecr.answer_next(OVER);
    running.plugin.get_credentials("000000000101").await.expect_err("AWS says that the credentials are over");
    for registry in ["000000000102", "000000000103"] {
        running.plugin.get_credentials(registry).await.expect("a token");
    }
    assert_eq!(count.load(Ordering::Relaxed), 3, "once more after they were over, and each time if they are over");
}

#[tokio::test]
async fn without_any_source_all_are_named_in_order() {
    let ecr = Ecr::start().await.unwrap();
    let error = Machine::new().error(calls(&ecr)).await;
    let expected = "no AWS credentials were found; looked, in this order, at: the environment (AWS_ACCESS_KEY_ID is not \
                    set); a web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set); profile default (there is none in \
                    the shared AWS files); the container's service (neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor \
                    AWS_CONTAINER_CREDENTIALS_FULL_URI is set); the instance metadata service (disabled by \
                    AWS_EC2_METADATA_DISABLED). Set AWS_PROFILE";
    assert!(error.contains(expected), "{error}");
    // A configured profile leaves out what is asked before profiles.
    let machine = Machine::new().keys().config("[profile p]\nregion = eu-west-1\n");
    let machine =
        machine.without("AWS_EC2_METADATA_DISABLED").var("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    let error = machine.error(with(calls(&ecr), json!({"profile": "p", "maxRetries": 1}))).await;
    let expected = "looked, in this order, at: profile p (it has no credentials); the container's service (neither \
                    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set); the instance \
                    metadata service (127.0.0.1:1 could not be reached: ";
    assert!(error.contains(expected), "{error}");
    assert_eq!(ecr.connections(), 0);
}

#[tokio::test]
async fn keys_that_no_header_can_hold_are_an_error_and_not_the_end() {
    let ecr = Ecr::start().await.unwrap();
    let process = r#"{"Version": 1, "AccessKeyId": "AKIDP\r", "SecretAccessKey": "hidden"}"#;
    let keys = json!({"accessKey": "AKIDS\n", "secretKey": "hidden"});
    let token = json!({"accessKey": "AKIDS", "secretKey": "hidden", "token": "hidden\u{7f}"});
    let profile = "[default]\nrole_arn = arn:aws:iam::111122223333:role/R\nsource_profile = base\n\
                   [profile base]\ncredential_process = cat ~/out\n";
    for (machine, configuration, source) in [
        (Machine::new(), with(calls(&ecr), keys), "the provider configuration"),
        (Machine::new(), with(calls(&ecr), token), "the provider configuration"),
        (
            Machine::new().var("AWS_ACCESS_KEY_ID", "AKIDE\r").var("AWS_SECRET_ACCESS_KEY", "hidden"),
            calls(&ecr),
            "the environment",
        ),
        (
            Machine::new().file("out", process).config("[default]\ncredential_process = cat ~/out"),
            calls(&ecr),
            "process",
        ),
        (Machine::new().file("out", process).config(profile), calls(&ecr), "process"),
    ] {
        let mut running = machine.start().await;
        running.plugin.configure(configuration).await.unwrap();
        let error = running.plugin.error().await;
        assert!(error.contains(source) && error.contains("gave no AWS credentials: a key or"), "{error}");
        assert!(!error.contains("hidden") && !error.contains("AKID"), "{error}");
        running.plugin.configure(with(calls(&ecr), json!({"accessKey": "AKIDS", "secretKey": "good"}))).await.unwrap();
        running.plugin.get_credentials(REGISTRY).await.expect("the plugin still runs");
    }
}

#[tokio::test]
async fn settings_of_retries_that_are_none_are_an_error_and_not_the_end() {
    let ecr = Ecr::start().await.unwrap();
    for (machine, expected) in [
        (Machine::new().keys().var("AWS_RETRY_MODE", "never"), "AWS_RETRY_MODE is neither standard nor adaptive"),
        (Machine::new().keys().var("AWS_MAX_ATTEMPTS", "many"), "AWS_MAX_ATTEMPTS is not a number of tries"),
        (Machine::new().keys().config("[default]\nretry_mode = never\n"), "its retry_mode is neither"),
        (Machine::new().keys().config("[default]\nmax_attempts = many\n"), "its max_attempts is not a number"),
    ] {
        let mut running = machine.start().await;
        running.plugin.configure(calls(&ecr)).await.unwrap();
        let error = running.plugin.error().await;
        assert!(error.contains(expected), "{error}");
        running.plugin.client.get_plugin_info(()).await.expect("the plugin still runs");
    }
    // The AWS CLI has one mode more, and what is empty or configured otherwise does not count.
    for (machine, more) in [
        (Machine::new().keys().var("AWS_RETRY_MODE", "legacy").var("AWS_MAX_ATTEMPTS", ""), json!({})),
        (Machine::new().keys().config("[default]\nretry_mode = legacy\n").var("AWS_RETRY_MODE", ""), json!({})),
        (Machine::new().keys().var("AWS_MAX_ATTEMPTS", "many"), json!({"maxRetries": 2})),
        (Machine::new().keys().var("AWS_RETRY_MODE", "never"), json!({"retryMode": "standard"})),
    ] {
        machine.configured(with(calls(&ecr), more)).await.asked(&ecr).await;
    }
}
