//! Settings of the environment and of profiles that make no sense: whatever they are, the plugin lives on.

use serde_json::json;
use support::{ecr::Ecr, proxy::Proxy};
use tokio::task::JoinSet;

use crate::machine::{Machine, REGISTRY};

/// What the AWS SDK for Rust and this plugin read, by the sources of both.
const VARIABLES: [&str; 61] = [
    "ALL_PROXY",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCOUNT_ID",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_DISABLE_CLOCK_SKEW_CORRECTION",
    "AWS_DISABLE_REQUEST_COMPRESSION",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_ENDPOINT_URL_STS",
    "AWS_EXECUTION_ENV",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LOGIN_CACHE_DIRECTORY",
    "AWS_MAX_ATTEMPTS",
    "AWS_NEW_RETRIES_2026",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_RETRY_MODE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SDK_UA_APP_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_SKIP_METADATA_API_CHECK",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PULUMI_AWS_ECR_CACHE_DIR",
    "PULUMI_AWS_ECR_SECRET_RESULTS",
    "PULUMI_DEBUG_GRPC",
    "SECRET_ACCESS_KEY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What profiles can say beside the lower-case forms of the variables.
const KEYS: [&str; 14] = [
    "aws_access_key_id",
    "aws_session_token",
    "ca_bundle",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "endpoint_url",
    "login_session",
    "mfa_serial",
    "role_arn",
    "services",
    "source_profile",
    "sso_session",
    "web_identity_token_file",
];

/// Asks for a token, whatever comes of it, and then whether the plugin still runs.
async fn outlives(machine: Machine, what: String) {
    let mut running = machine.configured(json!({"maxRetries": 1})).await;
    // Good or bad: what counts is an answer.
    if let Err(status) = running.plugin.get_credentials(REGISTRY).await {
        assert!(status.message().starts_with("getCredentials for registry"), "{what}: {}", status.message());
    }
    running.plugin.client.get_plugin_info(()).await.unwrap_or_else(|status| panic!("{what}: {status}"));
}

/// Tries them a few at a time.
async fn all_outlive(machines: impl Iterator<Item = (Machine, String)>) {
    let mut tried = JoinSet::new();
    for (machine, what) in machines {
        tried.spawn(outlives(machine, what));
        if tried.len() == 8 {
            tried.join_next().await.unwrap().unwrap();
        }
    }
    tried.join_all().await;
}

fn machine(proxy: &Proxy) -> Machine {
    Machine::new()
        .keys()
        .var("AWS_REGION", "eu-west-1")
        .var("HTTPS_PROXY", proxy.url())
        .var("HTTP_PROXY", proxy.url())
        .without("NO_PROXY")
}

#[tokio::test]
async fn no_variable_ends_the_plugin() {
    let proxy = Proxy::start().await.unwrap();
    let odd = ["", " ", "x", "-1", "/", "://", "http://", "a\u{7f}\u{e9} b", "true\r\n"];
    let machines = VARIABLES.iter().flat_map(|name| {
        let proxy = &proxy;
        odd.iter().map(move |value| (machine(proxy).var(name, value), format!("{name}={value:?}")))
    });
    all_outlive(machines).await;
}

#[tokio::test]
async fn no_property_of_a_profile_ends_the_plugin() {
    let proxy = Proxy::start().await.unwrap();
    let odd = ["", "x", "-1", "/", "://", "a\u{7f}\u{e9} b", "\n  x = y", "\n  ecr ="];
    let keys: Vec<_> = VARIABLES.iter().filter_map(|name| name.strip_prefix("AWS_")).map(str::to_lowercase).collect();
    let machines = keys.iter().map(String::as_str).chain(KEYS).flat_map(|key| {
        let proxy = &proxy;
        odd.iter().map(move |value| {
            let config = format!("[default]\n{key} = {value}\n[services x]\necr =\n  endpoint_url =\n");
            let machine = machine(proxy).without("AWS_ACCESS_KEY_ID").config(&config);
            (machine, format!("{key} = {value:?}"))
        })
    });
    all_outlive(machines).await;
}

#[tokio::test]
async fn an_empty_variable_is_as_good_as_none() {
    let ecr = Ecr::start().await.unwrap();
    let names = ["AWS_ENDPOINT_URL_ECR", "AWS_CONFIG_FILE", "AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS"];
    let machine = names.iter().fold(Machine::new().keys(), |machine, name| machine.var(name, ""));
    let machine = machine.var("AWS_ENDPOINT_URL", ecr.url()).config("[default]\nregion = eu-west-1\n");
    assert_eq!(machine.configured(json!({})).await.asked(&ecr).await.region, "eu-west-1");
}
