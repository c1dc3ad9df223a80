//! Sessions of IAM Identity Center.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use serde_json::{Value as Json, json};
use support::{
    ecr::Ecr,
    http::{Reply, Server},
};

use crate::{
    machine::{Machine, calls, with},
    servers::{MAX_MEMORY_KB, peak_memory},
};

/// The name of the file in which `aws sso login` caches the token of the session `dev`: SHA-1 of the name.
pub(crate) const SESSION_CACHE: &str = ".aws/sso/cache/34c6fceca75e456f25e7e99531e2425c6c1de443.json";
/// The same for the start URL, as older profiles have it.
const START_URL_CACHE: &str = ".aws/sso/cache/f078383ba3af0299a6070552d4566114303d9284.json";

pub(crate) const SSO_SESSION: &str = "[profile p]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = Reader\n\
                           [sso-session dev]\nsso_region = eu-west-1\nsso_start_url = https://dev.awsapps.example/start\n";
const SSO_OLD: &str = "[profile p]\nsso_start_url = https://dev.awsapps.example/start\nsso_region = eu-west-1\n\
                       sso_account_id = 111122223333\nsso_role_name = Reader\n";

pub(crate) fn sso_token(expires_at: &str) -> String {
    let token = json!({"accessToken": "sso-token", "expiresAt": expires_at, "region": "eu-west-1",
        "startUrl": "https://dev.awsapps.example/start"});
    token.to_string()
}

/// The service that exchanges tokens for credentials.
pub(crate) async fn portal(status: u16) -> Server {
    Server::start(move |_| match status {
        200 => Reply::Body(
            200,
            json!({"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "sso-secret", "sessionToken": "t",
                "expiration": 4_102_444_800_000_u64}})
            .to_string(),
        ),
        status => Reply::WithHeader(
            status,
            json!({"message": "Session token not found or invalid"}).to_string(),
            ("x-amzn-errortype", "UnauthorizedException"),
        ),
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn an_sso_token_is_exchanged_for_credentials() {
    for (config, cache) in [(SSO_SESSION, SESSION_CACHE), (SSO_OLD, START_URL_CACHE)] {
        let (ecr, portal) = (Ecr::start().await.unwrap(), portal(200).await);
        let machine = Machine::new().config(config).file(cache, sso_token("2999-01-01T00:00:00Z"));
        let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}));
        let mut running = machine.configured(configuration).await;
        let asked = running.asked(&ecr).await;
        assert_eq!(asked.access_key, "ASIASSO");
        assert!(asked.is_signed_with("sso-secret"));
        let [asked] = &portal.asked()[..] else { panic!("one exchange") };
        assert_eq!(asked.header("x-amz-sso_bearer_token"), "sso-token");
        assert!(asked.path.contains("role_name=Reader") && asked.path.contains("account_id=111122223333"));
        assert!(running.source().await.contains("SSO, the role Reader in the account 111122223333"));
    }
}

/// A token that is over, with what it takes to renew it.
pub(crate) fn sso_token_to_renew(registration_expires_at: &str) -> String {
    let mut token: Json = serde_json::from_str(&sso_token("2020-01-01T00:00:00Z")).unwrap();
    token["clientId"] = "client".into();
    token["clientSecret"] = "client-secret".into();
    token["registrationExpiresAt"] = registration_expires_at.into();
    token["refreshToken"] = "refresh-token".into();
    token.to_string()
}

/// The service that renews tokens.
pub(crate) async fn issuer(status: u16) -> Server {
    let renewed = json!({"accessToken": "renewed-token", "refreshToken": "next-refresh-token", "expiresIn": 3600});
    let refused = json!({"error": "invalid_grant", "error_description": "the session is over"});
    Server::start(move |_| match status {
        200 => Reply::Body(200, renewed.to_string()),
        status => Reply::WithHeader(status, refused.to_string(), ("x-amzn-errortype", "InvalidGrantException")),
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn an_sso_token_that_is_over_is_renewed_and_kept_for_others() {
    let (ecr, portal, issuer) = (Ecr::start().await.unwrap(), portal(200).await, issuer(200).await);
    let machine = Machine::new().config(SSO_SESSION).file(SESSION_CACHE, sso_token_to_renew("2999-01-01T00:00:00Z"));
    let machine = machine.var("AWS_ENDPOINT_URL_SSO_OIDC", issuer.url());
    let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}));
    let mut running = machine.configured(configuration).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIASSO");
    let ([renewal], [exchange]) = (&issuer.asked()[..], &portal.asked()[..]) else { panic!("one of each") };
    let told: Json = serde_json::from_str(&renewal.body).unwrap();
    let expected = json!({"clientId": "client", "clientSecret": "client-secret", "grantType": "refresh_token",
        "refreshToken": "refresh-token"});
    assert_eq!(told, expected);
    assert!(renewal.header("user-agent").contains("lib/pulumi-resource-aws/"));
    assert_eq!(exchange.header("x-amz-sso_bearer_token"), "renewed-token");
    let kept: Json = serde_json::from_slice(&std::fs::read(running.path(SESSION_CACHE)).unwrap()).unwrap();
    assert_eq!((&kept["accessToken"], &kept["refreshToken"]), (&json!("renewed-token"), &json!("next-refresh-token")));
}

#[tokio::test]
async fn an_sso_token_that_cannot_be_renewed_is_over() {
    for (status, told, renewals) in [(400, "clientId", 1), (200, "noClientId", 0)] {
        let (ecr, portal, issuer) = (Ecr::start().await.unwrap(), portal(401).await, issuer(status).await);
        let machine = Machine::new().config(SSO_SESSION);
        let cached = sso_token_to_renew("2999-01-01T00:00:00Z").replace("clientId", told);
        let machine = machine.file(SESSION_CACHE, cached);
        let machine = machine.var("AWS_ENDPOINT_URL_SSO_OIDC", issuer.url());
        let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}));
        let error = machine.error(configuration).await;
        assert!(
            error.ends_with("the SSO session of profile p has expired. Run `aws sso login --profile p`."),
            "{error}"
        );
        assert_eq!(issuer.asked().len(), renewals);
    }
}

/// Not every system has a time for them.
#[tokio::test]
async fn credentials_serve_whatever_end_the_sso_portal_tells() {
    let ecr = Ecr::start().await.unwrap();
    let ends = Arc::new(Mutex::new(0));
    let told = ends.clone();
    let portal = Server::start(move |_| {
        let keys = json!({"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t",
            "expiration": *told.lock().unwrap()}});
        Reply::Body(200, keys.to_string())
    });
    let portal = portal.await.unwrap();
    let machine = Machine::new().config(SSO_SESSION).file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z"));
    let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}));
    let mut running = machine.start().await;
    for end in [i64::MIN, -1, 0, i64::MAX] {
        *ends.lock().unwrap() = end;
        running.plugin.configure(configuration.clone()).await.unwrap();
        assert_eq!(running.asked(&ecr).await.access_key, "ASIASSO", "{end}");
    }
}

#[tokio::test]
async fn the_sso_portal_can_be_named_by_the_environment_and_is_called_as_others_are() {
    let ecr = Ecr::start().await.unwrap();
    let count = AtomicU32::new(0);
    let keys = json!({"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t",
        "expiration": 4_102_444_800_000_u64}});
    let portal = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Body(429, "{}".to_owned()),
        _ => Reply::Body(200, keys.to_string()),
    });
    let portal = portal.await.unwrap();
    let machine = Machine::new().config(SSO_SESSION).file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z"));
    let machine = machine.var("AWS_ENDPOINT_URL_SSO", portal.url());
    let more = json!({"profile": "p", "userAgents": ["tool/1.0"]});
    let mut running = machine.configured(with(calls(&ecr), more)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIASSO");
    let asked = portal.asked();
    assert_eq!(asked.len(), 2, "HTTP status 429 is tried again");
    for asked in asked {
        let product = format!("lib/pulumi-resource-aws/{}", pulumi_resource_aws::VERSION);
        let agent = asked.header("user-agent");
        assert!(agent.contains(&product) && agent.ends_with(" tool/1.0"), "{agent}");
    }
}

/// In memory its members would be a hundred times as long.
#[tokio::test]
async fn a_cache_file_that_is_longer_than_any_is_not_understood() {
    let members = vec!["{\"\":0}"; 400_000].join(",");
    let token = sso_token("2999-01-01T00:00:00Z").replacen('{', &format!("{{\"more\":[{members}],"), 1);
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().config(SSO_SESSION).file(SESSION_CACHE, token);
    let mut running = machine.configured(with(calls(&ecr), json!({"profile": "p"}))).await;
    let error = running.plugin.error().await;
    assert!(error.contains("is kept in a file that cannot be read or is not understood"), "{error}");
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

#[tokio::test]
async fn an_sso_session_that_is_over_names_the_command_that_renews_it() {
    let machine = || Machine::new().config(SSO_SESSION);
    for (machine, status, problem) in [
        (machine().file(SESSION_CACHE, sso_token("2020-01-01T00:00:00Z")), 200, "has expired"),
        (machine().file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z")), 401, "has expired"),
        (machine(), 200, "was not found: nobody has signed in on this machine"),
        (machine().file(SESSION_CACHE, "{"), 200, "is kept in a file that cannot be read or is not understood"),
        (machine().file(SESSION_CACHE, "{}"), 200, "is kept in a file that cannot be read or is not understood"),
        (
            machine().file(SESSION_CACHE, r#"{"accessToken": "a\nb", "expiresAt": "2999-01-01T00:00:00Z"}"#),
            200,
            "is kept in a file that cannot be read or is not understood",
        ),
    ] {
        let (ecr, portal) = (Ecr::start().await.unwrap(), portal(status).await);
        let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}));
        let error = machine.error(configuration).await;
        let expected = format!("the SSO session of profile p {problem}. Run `aws sso login --profile p`.");
        assert!(error.ends_with(&expected), "{expected}: {error}");
    }
}
