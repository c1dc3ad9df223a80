//! Nothing that is secret is shown, at any level.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use pulumi_resource_aws::proto::pulumirpc::PluginAttach;
use serde_json::json;
use support::{
    ecr::{Answer, Ecr, password, token},
    engine::Engine,
    http::{Reply, Server},
    plugin::{GET_CREDENTIALS, Plugin, command, ecr_configuration},
    values::secret,
};

use crate::machine::{Machine, calls};

#[tokio::test]
async fn no_secret_is_logged_printed_or_put_into_an_error() {
    let ecr = Ecr::start().await.unwrap();
    let engine = Engine::start().await.unwrap();
    let mut command = command();
    command.args(["-v=9", "--logtostderr"]).env("RUST_LOG", "trace").env("AWS_SESSION_TOKEN", "dummy-env-token");
    let mut plugin = Plugin::from_command(command).await;
    plugin.client.attach(PluginAttach { address: engine.address() }).await.unwrap();
    let mut configuration = ecr_configuration(&ecr);
    configuration["token"] = "dummy-session-token".into();
    configuration["maxRetries"] = 2.into();
    configuration["notOurs"] = "dummy-other-secret".into();
    plugin.configure(configuration).await.unwrap();

    let mut shown = Vec::new();
    plugin.get_credentials("000000000012").await.unwrap();
    for answer in [
        Answer::TokenWith("authorizationToken", json!("c3RhbmQtaW4tcGFzc3dvcmQtbGVha2Vk")),
        Answer::TokenWith("proxyEndpoint", json!(null)),
        Answer::Error(400, "AccessDeniedException", "denied"),
        Answer::Html(500),
    ] {
        ecr.answer_always(answer);
        shown.push(plugin.error().await);
    }
    let invalid = json!({"accessKey": "AKIDEXAMPLE", "token": "dummy-session-token", "insecure": "dummy-secret-key"});
    shown.extend(plugin.check_config(invalid.clone()).await.unwrap().failures.into_iter().map(|f| f.reason));
    shown.push(plugin.configure(invalid).await.unwrap_err().to_string());

    engine.wait_for_line("aws:notOurs").await;
    shown.extend(engine.log().into_iter().map(|(_, line)| line).chain(engine.status()));
    plugin.signal("TERM").await;
    let (_, stdout, stderr) = plugin.wait().await;
    shown.extend([stdout, stderr]);

    let secrets = [
        "dummy-secret-key".to_owned(),
        "dummy-session-token".to_owned(),
        "dummy-env-token".to_owned(),
        "dummy-other-secret".to_owned(),
        "c3RhbmQtaW4tcGFzc3dvcmQtbGVha2Vk".to_owned(),
        "stand-in-password".to_owned(),
        "AWS4-HMAC-SHA256".to_owned(),
        password("000000000012", 1),
        token("000000000012", 1),
    ];
    for secret in secrets {
        let leak = shown.iter().find(|text| text.contains(&secret));
        assert!(leak.is_none(), "{secret} is shown: {leak:?}");
    }
    assert!(shown.iter().any(|text| text.contains("aws:notOurs")), "the log was read");
}

#[tokio::test]
async fn an_error_does_not_show_a_secret_argument() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    for given in ["my-repository", "12345678901", "210987654321.dkr.ecr.eu-west-1.amazonaws.com/app"] {
        let response = plugin.invoke(GET_CREDENTIALS, json!({"registryId": secret(given)})).await.unwrap();
        let [failure] = &response.failures[..] else { panic!("{:?}", response.failures) };
        assert_eq!(
            failure.reason,
            "is not valid; it is not shown, since it is secret. The registry's id: the 12 digits of the AWS account \
             that owns it."
        );
    }
    ecr.answer_always(Answer::Error(400, "InvalidParameterException", "Invalid parameter: 210987654321"));
    let arguments = json!({"registryId": secret("210987654321"), "region": "eu-north-1"});
    let status = plugin.invoke(GET_CREDENTIALS, arguments).await.map(drop).unwrap_err();
    let expected = "getCredentials for registry [secret] in [secret]: ";
    assert!(status.message().starts_with(expected) && !status.message().contains("210987654321"), "{status:?}");
}

#[tokio::test]
async fn the_log_does_not_show_a_secret_argument() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = Machine::new().keys().configured(calls(&ecr)).await;
    ecr.answer_next(Answer::Error(500, "ServerException", "what of 210987654321?"));
    let arguments = json!({"registryId": secret("210987654321")});
    running.plugin.invoke(GET_CREDENTIALS, arguments).await.map(drop).unwrap();
    running.engine.wait_for_line("what of [secret]? (ServerException)").await;
    let log = running.engine.log();
    assert!(log.iter().all(|(_, line)| !line.contains("210987654321")), "{log:?}");
}

/// A call goes on with the configuration with which it began.
#[tokio::test]
async fn the_log_does_not_show_a_secret_of_the_configuration_before() {
    let before =
        json!({"region": "eu-west-1", "endpoints": json!([{"ecr": secret("http://127.0.0.1:1")}]).to_string()});
    let mut running = Machine::new().keys().configured(before).await;
    let call = running.plugin.begin(json!({"registryId": "123456789012"}));
    running.engine.wait_for_line("try 1 failed").await;
    running.plugin.configure(json!({"region": "eu-west-1"})).await.unwrap();
    let tries = running.engine.log().len();
    for number in 2..=5 {
        running.engine.wait_for_line(&format!("try {number} failed")).await;
    }
    assert!(running.engine.log().len() > tries, "none failed since");
    running.plugin.client.cancel(()).await.unwrap();
    call.await.unwrap().map(drop).unwrap_err();
    let log = running.engine.log();
    assert!(log.iter().all(|(_, line)| !line.contains("127.0.0.1:1 ")), "{log:?}");
}

/// Of the proxy that refuses a request, and says what it was told.
#[tokio::test]
async fn an_error_does_not_show_the_password_of_the_environment_s_proxy() {
    let told = format!(r#"{{"__type": "X", "message": "you are {}"}}"#, BASE64_STANDARD.encode("joe:hunter2secret"));
    let ecr = Server::start(move |_| Reply::Body(400, told.clone())).await.unwrap();
    let machine = Machine::new().keys().var("HTTPS_PROXY", "http://joe:hunter2secret@127.0.0.1:9");
    let error = machine.error(json!({"region": "eu-west-1", "endpoints": [{"ecr": ecr.url()}]})).await;
    assert!(error.contains("you are [secret] (X)"), "{error}");
}

/// As it is set and as it is sent, whether the configuration has it or the environment, marked as a secret or not.
#[tokio::test]
async fn an_error_does_not_show_the_password_that_a_proxy_is_sent() {
    for (url, word) in [
        ("http://joe:hunter2secret@", "hunter2secret"),
        ("http://joe:hunter2%21secret@", "hunter2!secret"),
        ("http://joe:pw@", "pw"),
    ] {
        let proxy = Server::start(|asked| {
            let sent = asked.header("proxy-authorization").trim_start_matches("Basic ").to_owned();
            let clear = String::from_utf8(BASE64_STANDARD.decode(&sent).unwrap()).unwrap();
            let password = clear.split_once(':').unwrap().1;
            Reply::Body(
                400,
                json!({"__type": "X", "message": format!("Basic {sent}; {clear}; {password}")}).to_string(),
            )
        });
        let proxy = proxy.await.unwrap();
        let url = format!("{url}{}", proxy.url().trim_start_matches("http://"));
        let configurations = [
            (json!({"httpProxy": url}), ""),
            (json!({"httpProxy": secret(url.as_str())}), ""),
            (json!({}), "HTTP_PROXY"),
            (json!({}), "ALL_PROXY"),
        ];
        for (mut configuration, variable) in configurations {
            configuration["region"] = json!("eu-west-1");
            configuration["endpoints"] = json!([{"ecr": "http://ecr.example"}]);
            let machine = Machine::new().keys().without("HTTP_PROXY");
            let machine = if variable.is_empty() { machine } else { machine.var(variable, &url) };
            let error = machine.error(configuration).await;
            assert!(error.contains("Basic [secret]; [secret]; [secret]"), "{variable} {word}: {error}");
        }
    }
}

#[tokio::test]
async fn a_failure_does_not_show_a_secret_of_the_configuration() {
    let mut plugin = Plugin::start().await;
    let news = json!({
        "region": secret("not/a/region"),
        "stsRegion": "eu west 1",
        "endpoints": json!([{"ecr": secret("ftp://hidden.example")}]).to_string(),
        "ec2MetadataServiceEndpoint": "ftp://user:hidden-password@127.0.0.1",
    });
    let failures = plugin.check_config(news.clone()).await.unwrap().failures;
    let reason = |property: &str| &failures.iter().find(|failure| failure.property == property).unwrap().reason;
    assert!(reason("region").starts_with("is not valid; it is not shown, since it is secret. AWS Region"));
    assert!(reason("endpoints[0].ecr").starts_with("is not valid; it is not shown, since it is secret. URLs"));
    assert!(reason("stsRegion").contains("eu west 1"), "what is no secret is shown");
    let status = plugin.configure(news).await.unwrap_err();
    for text in failures.iter().map(|failure| failure.reason.as_str()).chain([status.message()]) {
        assert!(!text.contains("hidden") && !text.contains("\"not/a/region\""), "{text}");
    }
}
