//! Whatever a server answers, the plugin serves the next call: answers have bounds, and nothing in them ends it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
    plugin::{GET_CREDENTIALS, Plugin},
    tls::{Authority, Tls},
};

use crate::machine::{Machine, REGISTRY, Running, calls, with};

/// More than this is never kept in memory at once.
pub(crate) const MAX_MEMORY_KB: u64 = 64 * 1024;

/// The most memory that a process had, in kB.
pub(crate) fn peak_memory(plugin: &Plugin) -> u64 {
    plugin.status("VmHWM:")
}

/// A plugin with keys that takes `server` for ECR and tries twice.
async fn plugin_of(server: &Server) -> Running {
    let configuration = json!({"region": "eu-west-1", "maxRetries": 2, "endpoints": [{"ecr": server.url()}]});
    Machine::new().keys().configured(configuration).await
}

#[tokio::test]
async fn an_answer_of_many_small_parts_does_not_grow_in_memory() {
    for (entries, expected) in
        [(19_000, "the answer has no authorization token"), (99_000, "it has more than 200000 parts, or 20000 objects")]
    {
        let body = format!("{{\"authorizationData\":[{}]}}", vec!["{}"; entries].join(","));
        let server = Server::start(move |_| Reply::Body(200, body.clone())).await.unwrap();
        let mut running = plugin_of(&server).await;
        let error = running.plugin.error().await;
        assert!(error.contains(expected), "{error}");
        let peak = peak_memory(&running.plugin);
        assert!(peak < MAX_MEMORY_KB, "{peak} kB");
    }
}

#[tokio::test]
async fn a_list_that_goes_on_is_given_up_within_bounds_of_memory() {
    let page = |field: &str| format!("{{\"nextToken\":\"x\",\"{field}\":[{}]}}", vec!["{}"; 19_000].join(","));
    let (ids, images) = (page("imageIds"), page("imageDetails"));
    let server = Server::start(move |asked| {
        let is_ids = asked.header("x-amz-target").ends_with(".ListImages");
        Reply::Body(200, if is_ids { ids.clone() } else { images.clone() })
    });
    let server = server.await.unwrap();
    let mut running = plugin_of(&server).await;
    for (function, more) in
        [("aws:ecr/getImages:getImages", json!({})), ("aws:ecr/getImage:getImage", json!({"mostRecent": true}))]
    {
        let arguments = with(json!({"repositoryName": "app"}), more);
        let error = running.plugin.invoke(function, arguments).await.map(drop).unwrap_err();
        assert!(error.message().contains("AWS's list goes on after 209000 entries"), "{error:?}");
    }
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

#[tokio::test]
async fn a_token_that_is_far_too_long_is_none() {
    let token = BASE64_STANDARD.encode(format!("AWS:{}", "p".repeat(5 << 20)));
    let body = format!(
        "{{\"authorizationData\":[{{\"authorizationToken\":\"{token}\",\"expiresAt\":4070908800,\"proxyEndpoint\":\"https://x\"}}]}}"
    );
    let server = Server::start(move |_| Reply::Body(200, body.clone())).await.unwrap();
    let mut running = plugin_of(&server).await;
    let error = running.plugin.error().await;
    assert!(error.contains("an authorization token that is longer than any of AWS's"), "{error}");
}

/// The connection is good, and there is a token behind it.
#[tokio::test]
async fn an_answer_without_an_end_by_http2_has_the_same_bound() {
    let token = BASE64_STANDARD.encode("AWS:password");
    let data = json!({"authorizationToken": token, "expiresAt": 4_070_908_800_u64, "proxyEndpoint": "https://x"});
    let answer = json!({"authorizationData": [data]}).to_string();
    let server = Server::start(move |_| Reply::Body(200, answer.clone())).await.unwrap();
    let authority = Authority::new("ours");
    let tls = Tls::start_http2(authority.certificate("127.0.0.1"), server.address()).await.unwrap();
    let machine = Machine::new().keys().file("ca.pem", authority.pem());
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": tls.url()}],
        "customCaBundle": machine.path("ca.pem")});
    let mut running = machine.configured(configuration).await;
    server.answer_next(1, Reply::Endless(200, " "));
    let error = running.plugin.error().await;
    assert!(error.contains("it is longer than 8 MiB"), "{error}");
    running.plugin.get_credentials(REGISTRY).await.expect("the next call works");
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

/// Bodies of 6 MiB, asked for in four Regions at the same time.
#[tokio::test]
async fn long_answers_are_taken_one_at_a_time() {
    let body = format!("{{\"x\":\"{}\"}}", "y".repeat(6 << 20));
    let server = Server::start(move |_| Reply::Body(200, body.clone())).await.unwrap();
    let running = plugin_of(&server).await;
    let calls = (0..32).map(|number| {
        let arguments = json!({"registryId": format!("{number:012}"), "region": format!("eu-west-{}", number % 4 + 1)});
        running.plugin.begin(arguments)
    });
    for call in join_all(calls.collect::<Vec<_>>()).await {
        let error = call.unwrap().map(drop).unwrap_err();
        assert!(error.message().contains("no authorization data"), "{error:?}");
    }
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

/// To look for one text in the other takes as long as the product of their lengths: without a bound, minutes.
#[tokio::test]
async fn secrets_that_a_server_makes_up_keep_nobody_waiting() {
    let (text, almost) = ("a".repeat(60_000), "a".repeat(60_000) + "b");
    let keys = json!({"Code": "Failed", "Message": text, "SecretAccessKey": almost, "Token": format!("{almost}b")})
        .to_string();
    let server = Server::start(move |asked| match (asked.method.as_str(), asked.path.ends_with('/')) {
        ("PUT", _) => Reply::Body(404, String::new()),
        (_, true) => Reply::Body(200, "role".to_owned()),
        _ => Reply::Body(200, keys.clone()),
    });
    let (server, ecr) = (server.await.unwrap(), Ecr::start().await.unwrap());
    let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED");
    let machine = machine.var("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url());
    let mut running = machine.configured(calls(&ecr)).await;
    let error = running.plugin.get_credentials(REGISTRY).await.expect_err("no credentials");
    assert!(error.message().contains("AWS answered: "), "{error:?}");
}

#[tokio::test]
async fn nothing_that_the_metadata_service_answers_ends_the_plugin() {
    const LIFE: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    let long_name = "r".repeat(1 << 20);
    let cases: [(Reply, Reply, &str); 4] = [
        (
            Reply::Bytes(200, b"token".to_vec(), vec![(LIFE, "9223372036854775807")]),
            Reply::Body(200, "role".to_owned()),
            "",
        ),
        (
            Reply::Bytes(200, vec![b't', 0xff], vec![(LIFE, "21600")]),
            Reply::Body(200, "role".to_owned()),
            // It is asked without one, as its first version.
            "",
        ),
        (
            Reply::Bytes(200, b"token".to_vec(), vec![(LIFE, "21600")]),
            Reply::Body(200, long_name),
            "it does not name a role",
        ),
        (Reply::Endless(200, "t"), Reply::Body(200, "role".to_owned()), "it is longer than 8 MiB"),
    ];
    for (token, role, problem) in cases {
        let keys = r#"{"AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "s", "Token": "t"}"#;
        let server = Server::start(move |asked| match (asked.method.as_str(), asked.path.ends_with('/')) {
            ("PUT", _) => token.clone(),
            (_, true) => role.clone(),
            _ => Reply::Body(200, keys.to_owned()),
        });
        let (server, ecr) = (server.await.unwrap(), Ecr::start().await.unwrap());
        let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED");
        let machine = machine.var("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url());
        let mut running = machine.configured(calls(&ecr)).await;
        let result = running.plugin.get_credentials(REGISTRY).await;
        match problem {
            "" => drop(result.expect("credentials")),
            problem => {
                let error = result.expect_err("no credentials").message().to_owned();
                assert!(error.contains(problem), "{problem}: {error}");
            }
        }
        running.plugin.client.get_plugin_info(()).await.expect("it is served");
    }
}

#[tokio::test]
async fn regions_leave_little_behind() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = Machine::new().keys().configured(calls(&ecr)).await;
    let mut ask = async |regions: std::ops::Range<u32>| {
        for number in regions {
            let arguments = json!({"registryId": REGISTRY, "region": format!("xx-{number}")});
            running.plugin.invoke(GET_CREDENTIALS, arguments).await.expect("a token");
        }
        running.plugin.status("VmRSS:")
    };
    // Answers are remembered for the first few hundred.
    let (before, after) = (ask(0..400).await, ask(400..800).await);
    assert!(after < before + 400 * 8, "{before} kB became {after} kB");
}
