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

use crate::{
    credentials::until,
    machine::{Machine, REGISTRY, Running, calls, with},
};

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

/// Of parts without number, and of one value that is as long as answers may be.
#[tokio::test]
async fn a_list_that_goes_on_is_given_up_within_bounds_of_memory() {
    let value = "a".repeat(8_000_000);
    for (function, more, field, entry, sees) in [
        ("ecr/getImages:getImages", json!({}), "imageIds", "{}", "after 209000 entries"),
        ("ecr/getImages:getImages", json!({}), "imageIds", "{\"imageTag\":\"a\"}", "after 3 entries"),
        ("ecr/getImage:getImage", json!({"mostRecent": true}), "imageDetails", "{}", "after 209000 entries"),
        ("ecrpublic/getImages:getImages", json!({}), "imageDetails", "{}", "after 95000 entries"),
    ] {
        let entries = match entry {
            "{}" => vec![entry; 19_000].join(","),
            entry => entry.replace("\"a\"", &format!("\"{value}\"")),
        };
        let page = format!("{{\"nextToken\":\"x\",\"{field}\":[{entries}]}}");
        let server = Server::start(move |_| Reply::Body(200, page.clone())).await.unwrap();
        let endpoints = json!([{"ecr": server.url(), "ecrpublic": server.url()}]);
        let mut running =
            Machine::new().keys().configured(json!({"region": "us-east-1", "endpoints": endpoints})).await;
        let arguments = with(json!({"repositoryName": "app"}), more);
        let error = running.plugin.invoke(&format!("aws:{function}"), arguments).await.map(drop).unwrap_err();
        assert!(error.message().contains(&format!("AWS's list goes on {sees}")), "{error:?}");
        let peak = peak_memory(&running.plugin);
        assert!(peak < MAX_MEMORY_KB, "{function}: {peak} kB");
    }
}

#[tokio::test]
async fn a_list_of_nothings_that_ends_does_not_grow_in_memory() {
    for (function, field) in
        [("ecr/getRepositories:getRepositories", "repositories"), ("ecrpublic/getImages:getImages", "imageDetails")]
    {
        let entries = vec!["{}"; 19_900].join(",");
        let server = Server::start(move |asked| {
            let pages: usize = asked.body.split('"').find_map(|part| part.parse().ok()).unwrap_or_default();
            let next = if pages == 4 { String::new() } else { format!("\"nextToken\":\"{}\",", pages + 1) };
            Reply::Body(200, format!("{{{next}\"{field}\":[{entries}]}}"))
        });
        let server = server.await.unwrap();
        let endpoints = json!([{"ecr": server.url(), "ecrpublic": server.url()}]);
        let mut running =
            Machine::new().keys().configured(json!({"region": "us-east-1", "endpoints": endpoints})).await;
        let arguments = json!({"repositoryName": "app"});
        let arguments = if field == "repositories" { json!({}) } else { arguments };
        running.plugin.invoke(&format!("aws:{function}"), arguments).await.expect("a list");
        assert_eq!(server.asked().len(), 5);
        let peak = peak_memory(&running.plugin);
        assert!(peak < MAX_MEMORY_KB, "{function}: {peak} kB");
    }
}

/// In Go's normal form each of these characters has six.
#[tokio::test]
async fn a_policy_is_no_longer_than_any_of_aws_s() {
    for (policy, is_policy) in [("&".repeat(8_000_000), false), ("&".repeat(100_000), true)] {
        let template = json!({"prefix": "app", "lifecyclePolicy": json!({"rules": policy}).to_string()});
        let body = json!({"repositoryCreationTemplates": [template]}).to_string();
        let server = Server::start(move |_| Reply::Body(200, body.clone())).await.unwrap();
        let mut running = plugin_of(&server).await;
        let function = "aws:ecr/getRepositoryCreationTemplate:getRepositoryCreationTemplate";
        let results = running.plugin.invoke(function, json!({"prefix": "app"})).await;
        match results {
            Ok(_) => assert!(is_policy),
            Err(error) => {
                assert!(
                    !is_policy && error.message().contains("a policy that is longer than any of AWS's"),
                    "{error:?}"
                );
            }
        }
        let peak = peak_memory(&running.plugin);
        assert!(peak < MAX_MEMORY_KB, "{peak} kB");
    }
}

#[tokio::test]
async fn xml_of_many_attributes_does_not_grow_in_memory() {
    let body = format!("<AssumeRoleResponse {}></AssumeRoleResponse>", "a=\"\" ".repeat(1_000_000));
    let sts = Server::start(move |_| Reply::Body(200, body.clone())).await.unwrap();
    let role = json!([{"roleArn": "arn:aws:iam::111122223333:role/r"}]);
    let configuration = json!({"region": "eu-west-1", "assumeRoles": role, "endpoints": [{"sts": sts.url()}]});
    let mut running = Machine::new().keys().configured(configuration).await;
    let error = running.plugin.error().await;
    assert!(error.contains("it has more than 200000 parts, or 20000 objects"), "{error}");
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

/// Eight that stop behind what an ordinary answer has.
#[tokio::test]
async fn long_answers_that_stop_hold_up_no_others() {
    let long = |tag: &str| format!("{{\"imageIds\":[{{\"imageTag\":\"{}\"}}]}}", tag.repeat(100_000));
    let server = Server::start(move |asked| match asked.body.contains("stops") {
        true => Reply::Half(200, long("a")),
        false => Reply::Body(200, long("b")),
    });
    let server = server.await.unwrap();
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": server.url()}]});
    let mut running = Machine::new().keys().configured(configuration).await;
    let function = "aws:ecr/getImages:getImages";
    let name = |name, number| json!({"repositoryName": format!("{name}{number}")});
    let stopped: Vec<_> = (0..8).map(|number| running.plugin.begin_call(function, name("stops", number))).collect();
    until("eight questions", || server.asked().len() == 8).await;
    for number in 0..8 {
        running.plugin.invoke(function, name("goes-on", number)).await.expect("a list");
    }
    assert_eq!(server.asked().len(), 16, "none of those that stopped was given up meanwhile");
    assert!(stopped.iter().all(|call| !call.is_finished()));
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
async fn long_answers_share_what_room_there_is() {
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
