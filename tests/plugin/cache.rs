//! Tokens that are served more than once, and calls that are shared.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pulumi_resource_aws::proto::pulumirpc::InvokeResponse;
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, token},
    plugin::{Plugin, ecr_configuration, results},
};
use tokio::task::JoinHandle;
use tonic::Status;

const REGISTRY: &str = "123456789012";

/// Long enough for others to join a call; whoever is too late makes no test fail.
const LATENCY: Duration = Duration::from_millis(500);

fn get(plugin: &Plugin, registry_id: &str) -> JoinHandle<Result<InvokeResponse, Status>> {
    plugin.begin(json!({"registryId": registry_id}))
}

async fn token_of(call: JoinHandle<Result<InvokeResponse, Status>>) -> Json {
    let response = support::within_deadline("a call", call).await.unwrap().unwrap();
    results(response)["authorizationToken"].clone()
}

/// Unix time, in seconds from now.
fn from_now(seconds: u64) -> Json {
    (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + seconds).into()
}

#[tokio::test]
async fn a_token_is_served_again() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let first = plugin.get_credentials(REGISTRY).await.unwrap();
    for _ in 0..3 {
        assert_eq!(plugin.get_credentials(REGISTRY).await.unwrap(), first);
    }
    assert_eq!(ecr.requests().len(), 1);
}

#[tokio::test]
async fn a_token_is_for_one_registry_region_and_configuration() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    for (number, arguments) in [
        json!({"registryId": REGISTRY}),
        json!({"registryId": "000000000012"}),
        json!({"registryId": REGISTRY, "region": "us-west-2"}),
    ]
    .into_iter()
    .enumerate()
    {
        for _ in 0..2 {
            let registry = arguments["registryId"].as_str().unwrap();
            assert_eq!(token_of(plugin.begin(arguments.clone())).await, token(registry, number + 1));
        }
    }
    let mut configuration = ecr_configuration(&ecr);
    configuration["accessKey"] = "AKIDANOTHER".into();
    plugin.configure(configuration).await.unwrap();
    assert_eq!(token_of(get(&plugin, REGISTRY)).await, token(REGISTRY, 4));
    assert_eq!(ecr.requests()[3].access_key, "AKIDANOTHER");
}

#[tokio::test]
async fn the_configured_region_and_the_same_as_an_argument_are_one() {
    let ecr = Ecr::start().await.unwrap();
    let plugin = Plugin::for_ecr(&ecr).await;
    for arguments in [json!({"registryId": REGISTRY}), json!({"registryId": REGISTRY, "region": "eu-west-1"})] {
        assert_eq!(token_of(plugin.begin(arguments)).await, token(REGISTRY, 1));
    }
}

#[tokio::test]
async fn equal_invokes_in_flight_share_one_call() {
    let ecr = Ecr::start().await.unwrap();
    ecr.set_latency(LATENCY);
    let plugin = Plugin::for_ecr(&ecr).await;
    let calls: Vec<_> = (0..1000).map(|_| get(&plugin, REGISTRY)).collect();
    for call in calls {
        assert_eq!(token_of(call).await, token(REGISTRY, 1));
    }
    assert_eq!(ecr.requests().len(), 1);
}

#[tokio::test]
async fn a_shared_call_outlives_the_first_caller() {
    let ecr = Ecr::start().await.unwrap();
    ecr.set_latency(LATENCY);
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let first = get(&plugin, REGISTRY);
    ecr.wait_for_requests(1).await;
    let second = get(&plugin, REGISTRY);
    // Calls are taken up in the order in which they arrive: once a later one is answered, the second has joined.
    plugin.client.get_plugin_info(()).await.unwrap();
    first.abort();
    assert_eq!(token_of(second).await, token(REGISTRY, 1));
    assert_eq!(token_of(get(&plugin, REGISTRY)).await, token(REGISTRY, 1));
    assert_eq!((ecr.requests().len(), ecr.connections()), (1, 1));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_aborted() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::Never);
    let plugin = Plugin::for_ecr(&ecr).await;
    let calls = [get(&plugin, REGISTRY), get(&plugin, REGISTRY)];
    ecr.wait_for_requests(1).await;
    for call in calls {
        call.abort();
    }
    ecr.wait_for_closed_connections().await;
    assert_eq!(token_of(get(&plugin, REGISTRY)).await, token(REGISTRY, 2));
}

#[tokio::test]
async fn the_engine_s_cancel_aborts_the_call_and_what_comes_after_is_answered() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::Never);
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let calls: Vec<_> = (0..10).map(|_| get(&plugin, REGISTRY)).collect();
    ecr.wait_for_requests(1).await;
    plugin.client.get_plugin_info(()).await.unwrap();
    plugin.client.cancel(()).await.unwrap();
    for call in calls {
        let status = support::within_deadline("a cancelled call", call).await.unwrap().map(drop).unwrap_err();
        assert_eq!(status.code(), tonic::Code::Cancelled);
    }
    ecr.wait_for_closed_connections().await;
    assert_eq!(token_of(get(&plugin, REGISTRY)).await, token(REGISTRY, 2));
}

#[tokio::test]
async fn a_thousand_calls_that_the_engine_gives_up_harm_no_other() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::Never);
    let plugin = Plugin::for_ecr(&ecr).await;
    let calls: Vec<_> = (0..1000).map(|_| get(&plugin, REGISTRY)).collect();
    ecr.wait_for_requests(1).await;
    for call in calls {
        call.abort();
    }
    ecr.wait_for_closed_connections().await;
    // The same connection: too many resets would have ended it.
    assert_eq!(token_of(get(&plugin, REGISTRY)).await, token(REGISTRY, 2));
}

#[tokio::test]
async fn a_failure_is_shared_but_not_remembered() {
    let ecr = Ecr::start().await.unwrap();
    ecr.set_latency(LATENCY);
    for bad in [
        Answer::Error(400, "AccessDeniedException", "no"),
        Answer::TokenWith("authorizationToken", json!("not base64 of a name and a password")),
        Answer::TokenWith("expiresAt", json!(1e17)),
    ] {
        ecr.answer_next(bad);
        let mut plugin = Plugin::for_ecr(&ecr).await;
        let requests = ecr.requests().len();
        let calls: Vec<_> = (0..10).map(|_| get(&plugin, REGISTRY)).collect();
        for call in calls {
            assert!(support::within_deadline("a call", call).await.unwrap().is_err());
        }
        assert_eq!(ecr.requests().len(), requests + 1);
        plugin.get_credentials(REGISTRY).await.unwrap();
        assert_eq!(ecr.requests().len(), requests + 2);
    }
}

#[tokio::test]
async fn a_token_at_its_end_is_not_served_again() {
    let ecr = Ecr::start().await.unwrap();
    for expires_at in [json!(1_420_070_400), from_now(0), from_now(4 * 60), json!(-1)] {
        let mut plugin = Plugin::for_ecr(&ecr).await;
        let requests = ecr.requests().len();
        for number in 1..=2 {
            ecr.answer_next(Answer::TokenWith("expiresAt", expires_at.clone()));
            plugin.get_credentials(REGISTRY).await.unwrap();
            assert_eq!(ecr.requests().len(), requests + number, "{expires_at}");
        }
    }
}

#[tokio::test]
async fn a_token_is_served_until_it_is_near_its_end() {
    let ecr = Ecr::start().await.unwrap();
    // Five minutes before its end a token is not served any more.
    ecr.answer_next(Answer::TokenWith("expiresAt", from_now(5 * 60 + 3)));
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let first = plugin.get_credentials(REGISTRY).await.unwrap();
    let replaced = async {
        while plugin.get_credentials(REGISTRY).await.unwrap() == first {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    support::within_deadline("the token's replacement", replaced).await;
    assert_eq!(ecr.requests().len(), 2);
}

#[tokio::test]
async fn calls_and_connections_to_aws_are_bounded() {
    let ecr = Ecr::start().await.unwrap();
    // Long enough for all that may be in flight to arrive on a busy machine, too.
    ecr.set_latency(Duration::from_secs(3));
    let plugin = Plugin::for_ecr(&ecr).await;
    let calls: Vec<_> = (0..1000).map(|number| get(&plugin, &format!("{number:012}"))).collect();
    ecr.wait_for_requests(32).await;
    ecr.set_latency(Duration::ZERO);
    for call in calls {
        token_of(call).await;
    }
    assert_eq!(ecr.requests().len(), 1000);
    assert_eq!(ecr.most_in_flight(), 32);
    // A call may come before the connection of the last one is back in the pool, and open another.
    assert!(ecr.connections() <= 64, "{} connections", ecr.connections());
}
