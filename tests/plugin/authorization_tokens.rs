//! The functions that return authorization tokens: their results, and the calls that they share.

use serde_json::json;
use support::{
    ecr::{Answer, Ecr, OWN_REGISTRY, password, token},
    plugin::{GET_CREDENTIALS, Plugin, command, ecr_configuration},
};

const GET_TOKEN: &str = "aws:ecr/getAuthorizationToken:getAuthorizationToken";
const GET_PUBLIC_TOKEN: &str = "aws:ecrpublic/getAuthorizationToken:getAuthorizationToken";
const REGISTRY: &str = "012345678901";

#[tokio::test]
async fn a_token_for_a_registry() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::TokenWith("expiresAt", json!(4_102_444_800.9)));
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let expected = json!({
        "authorizationToken": token(REGISTRY, 1),
        "expiresAt": "2100-01-01T00:00:00Z",
        "id": "us-west-2",
        "password": password(REGISTRY, 1),
        "proxyEndpoint": format!("https://{REGISTRY}.dkr.ecr.us-west-2.amazonaws.com"),
        "region": "us-west-2",
        "registryId": REGISTRY,
        "userName": "AWS",
    });
    let arguments = json!({"registryId": REGISTRY, "region": "us-west-2"});
    assert_eq!(plugin.call(GET_TOKEN, arguments).await.unwrap(), expected);
    assert_eq!(ecr.requests()[0].registry_ids, [REGISTRY]);
}

#[tokio::test]
async fn without_a_registry_it_is_the_caller_s_own() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let results = plugin.call(GET_TOKEN, json!({})).await.unwrap();
    assert_eq!(results["password"], password(OWN_REGISTRY, 1));
    assert_eq!((&results["id"], &results["region"]), (&json!("eu-west-1"), &json!("eu-west-1")));
    assert!(results.get("registryId").is_none(), "nothing was given: {results}");
    assert!(ecr.requests()[0].body["registryIds"].is_null());
    let empty = plugin.call(GET_TOKEN, json!({"registryId": ""})).await.unwrap();
    assert_eq!((&empty, ecr.requests().len()), (&results, 1), "empty text is as good as none");
}

#[tokio::test]
async fn the_public_token_is_of_us_east_1() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::TokenWith("expiresAt", json!(4_102_444_800_u32)));
    let mut plugin = Plugin::for_ecr(&ecr).await;
    for region in ["eu-west-1", "us-west-2"] {
        let expected = json!({
            "authorizationToken": token("public", 1),
            "expiresAt": "2100-01-01T00:00:00Z",
            "id": region,
            "password": password("public", 1),
            "region": region,
            "userName": "AWS",
        });
        assert_eq!(plugin.call(GET_PUBLIC_TOKEN, json!({"region": region})).await.unwrap(), expected);
    }
    let [request] = &ecr.requests()[..] else { panic!("one call: {:?}", ecr.requests()) };
    assert_eq!((request.service, request.region.as_str()), ("ecr-public", "us-east-1"));
    let error = plugin.call(GET_PUBLIC_TOKEN, json!({"region": "cn-north-1"})).await.unwrap_err();
    let start = "getAuthorizationToken for Amazon ECR Public in cn-north-1: Amazon ECR Public is not in the partition";
    assert!(error.message().starts_with(start), "{error}");
}

#[tokio::test]
async fn a_denied_public_token_names_the_permission_that_is_missing() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    for (message, action) in [
        ("denied", "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken"),
        ("u is not authorized to perform: sts:GetServiceBearerToken on resource: *", "sts:GetServiceBearerToken"),
        ("u is not authorized to perform: ecr-public:GetAuthorizationToken", "ecr-public:GetAuthorizationToken"),
    ] {
        ecr.answer_next(Answer::Error(400, "AccessDeniedException", message));
        let error = plugin.call(GET_PUBLIC_TOKEN, json!({})).await.unwrap_err();
        let end = format!(". Allow these credentials the action {action} on the resource `*`.");
        assert!(error.message().ends_with(&end), "{error}");
    }
}

#[tokio::test]
async fn functions_share_a_token_where_the_answer_is_the_same() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let arguments = json!({"registryId": REGISTRY});
    for function in [GET_TOKEN, GET_CREDENTIALS, GET_TOKEN] {
        let results = plugin.call(function, arguments.clone()).await.unwrap();
        assert_eq!(results["authorizationToken"], token(REGISTRY, 1));
    }
    assert_eq!(ecr.requests().len(), 1);
    for (function, arguments) in [
        (GET_TOKEN, json!({})),
        (GET_PUBLIC_TOKEN, json!({})),
        (GET_TOKEN, json!({"registryId": REGISTRY, "region": "us-west-2"})),
    ] {
        let requests = ecr.requests().len();
        for _ in 0..2 {
            plugin.call(function, arguments.clone()).await.unwrap();
        }
        assert_eq!(ecr.requests().len(), requests + 1, "{function} {arguments}");
    }
}

#[tokio::test]
async fn the_caller_s_own_registry_is_the_same_by_its_id() {
    let ecr = Ecr::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = async || {
        let mut command = command();
        command.env("PULUMI_AWS_ECR_CACHE_DIR", folder.path().join("tokens"));
        let mut plugin = Plugin::from_command(command).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        plugin
    };
    let mut plugin = start().await;
    plugin.call(GET_TOKEN, json!({})).await.unwrap();
    for plugin in [&mut plugin, &mut start().await] {
        let results = plugin.call(GET_CREDENTIALS, json!({"registryId": OWN_REGISTRY})).await.unwrap();
        assert_eq!(results["authorizationToken"], token(OWN_REGISTRY, 1));
        plugin.call(GET_TOKEN, json!({})).await.unwrap();
    }
    assert_eq!(ecr.requests().len(), 1);
}

#[tokio::test]
async fn functions_in_flight_share_a_call() {
    let ecr = Ecr::start().await.unwrap();
    // Long enough for others to join a call.
    ecr.set_latency(std::time::Duration::from_millis(500));
    let plugin = Plugin::for_ecr(&ecr).await;
    let calls = [GET_TOKEN, GET_CREDENTIALS, GET_TOKEN, GET_CREDENTIALS]
        .map(|function| plugin.begin_call(function, json!({"registryId": REGISTRY})));
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(ecr.requests().len(), 1);
}

#[tokio::test]
async fn processes_share_the_tokens_of_all_functions() {
    let ecr = Ecr::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for function in [GET_TOKEN, GET_CREDENTIALS, GET_PUBLIC_TOKEN, GET_PUBLIC_TOKEN] {
        let mut command = command();
        command.env("PULUMI_AWS_ECR_CACHE_DIR", folder.path().join("tokens"));
        let mut plugin = Plugin::from_command(command).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        let arguments = if function == GET_PUBLIC_TOKEN { json!({}) } else { json!({"registryId": REGISTRY}) };
        plugin.call(function, arguments).await.unwrap();
    }
    assert_eq!(ecr.requests().len(), 2, "one for each registry");
}
