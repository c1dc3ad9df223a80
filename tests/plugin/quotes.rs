//! What a server says is shown without secrets, in whatever spelling, and without what a terminal takes for a command.

use serde_json::json;
use support::{
    ecr::{Answer, Ecr},
    forms,
    http::{Reply, Server},
    plugin::{GET_CREDENTIALS, Plugin},
    values::secret,
};

use crate::machine::{Machine, REGISTRY, calls, with};

const SESSION: &str = "session/token+of=someone";

/// What no terminal is to get.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || ('\u{200b}'..='\u{200f}').contains(&character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
}

#[tokio::test]
async fn a_server_that_echoes_the_request_gives_nothing_away() {
    let server = Server::start(|asked| {
        let headers: Vec<_> = asked.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let message = format!("\u{202e}you\u{200b} sent {}", headers.join("\u{1b}[2J\n"));
        Reply::Body(400, json!({"__type": "OtherException", "message": message}).to_string())
    });
    let server = server.await.unwrap();
    let keys = json!({"region": "eu-west-1", "accessKey": "AKIDS", "secretKey": "static/secret", "token": SESSION,
        "endpoints": [{"ecr": server.url()}]});
    let error = Machine::new().error(keys).await;
    assert!(error.contains("you sent") && error.contains("[secret]"), "{error}");
    let signature = server.asked()[0].header("authorization").rsplit_once("Signature=").unwrap().1.to_owned();
    for hidden in [SESSION, &signature, "AWS4-HMAC", "SignedHeaders"] {
        assert!(!error.contains(hidden), "{hidden}: {error}");
    }
    assert!(!error.contains(is_unseen), "{error:?}");
}

#[tokio::test]
async fn no_spelling_of_a_secret_is_shown() {
    let hex: String = SESSION.bytes().map(|byte| format!("{byte:02x}")).collect();
    let spelled = forms(SESSION).into_iter().chain([hex, format!("{}AWS", forms("AWS:session/token+of=someone")[1])]);
    for spelled in spelled {
        let body = json!({"__type": "OtherException", "message": format!("it was {spelled} here")}).to_string();
        let server = Server::start(move |_| Reply::Body(400, body.clone())).await.unwrap();
        let keys = json!({"region": "eu-west-1", "accessKey": "AKIDS", "secretKey": "static/secret", "token": SESSION,
            "endpoints": [{"ecr": server.url()}]});
        let error = Machine::new().error(keys).await;
        assert!(error.contains("it was [secret] here"), "{spelled}: {error}");
    }
}

/// Gateways quote a header cut, and their logs have it encoded again.
#[tokio::test]
async fn no_part_of_a_secret_is_shown_and_none_that_is_encoded_twice() {
    let token = format!("IQoJb3JpZ2luX2VjEJr//////////wEaCWV1LXdlc3Qt{}", "abcdefGHIJ0123456789".repeat(10));
    let each = |spell: &dyn Fn(u8) -> String| token.bytes().map(spell).collect::<String>();
    let base64 = forms(&token)[1].clone();
    let lines: Vec<_> = base64.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
    for (said, shown) in [
        (format!("{}... (truncated)", &token[..token.len() - 1]), "[secret]... (truncated)"),
        (format!("{}[...]", &token[..100]), "[secret][...]"),
        (format!("...{}.", &token[10..]), "...[secret]."),
        (format!("...{}...", &token[90..120]), "...[secret]..."),
        (each(&|byte| format!("\\\\u{byte:04x}")), "[secret]"),
        (each(&|byte| format!("\\u{{{byte:x}}}")), "[secret]"),
        (each(&|byte| format!("&#x00000{byte:x};")), "[secret]"),
        (each(&|byte| format!("{}\u{1bca0}\u{2800}", char::from(byte))), "[secret]"),
        (forms(&base64)[1].clone(), "[secret]"),
        (lines.join("\"\n\""), "[secret]"),
    ] {
        let body = json!({"__type": "OtherException", "message": format!("it was: {said}")}).to_string();
        let server = Server::start(move |_| Reply::Body(400, body.clone())).await.unwrap();
        let keys = json!({"region": "eu-west-1", "accessKey": "AKIDS", "secretKey": "static/secret", "token": token,
            "endpoints": [{"ecr": server.url()}]});
        let error = Machine::new().error(keys).await;
        assert!(error.contains(&format!("it was: {shown} (OtherException)")), "{said}: {error}");
    }
}

/// CheckConfig does not show them, and no more does what comes later.
#[tokio::test]
async fn secrets_of_the_configuration_are_in_no_error_of_a_function() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::Error(
        400,
        "AccessDeniedException",
        "arn:aws:sts::999988887777:assumed-role/HiddenRole/x",
    ));
    let cases = [
        (json!({"profile": secret("hidden-profile")}), "hidden-profile"),
        (json!({"region": secret("xx-hidden-1")}), "xx-hidden-1"),
        (json!({"customCaBundle": secret("/hidden/bundle.pem")}), "/hidden/bundle.pem"),
        (json!({"sharedConfigFiles": [secret("/hidden\u{7f}/config")]}), "/hidden"),
        (json!({"endpoints": secret(json!([{"ecr": "http://127.0.0.1:9/hidden"}]).to_string())}), "127.0.0.1:9"),
        (
            json!({"httpProxy": secret("http://hidden-user:pw@127.0.0.1:10"),
            "endpoints": [{"ecr": "http://ecr.example"}]}),
            "127.0.0.1:10",
        ),
        (json!({"assumeRoles": [{"roleArn": secret("arn:aws-cn:iam::999988887777:role/HiddenRole")}]}), "HiddenRole"),
    ];
    for (configuration, hidden) in cases {
        let base = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": [{"ecr": ecr.url()}]});
        let mut merged = base;
        for (key, value) in configuration.as_object().unwrap() {
            merged[key] = value.clone();
        }
        let mut running = Machine::new().keys().argument("-v=9").configured(merged).await;
        let Err(status) = running.plugin.get_credentials(REGISTRY).await else { continue };
        assert!(!status.message().contains(hidden), "{hidden}: {status:?}");
        running.plugin.signal("TERM").await;
        let (_, _, stderr) = running.plugin.wait().await;
        assert!(!stderr.contains(hidden), "{hidden}: {stderr}");
    }
}

#[tokio::test]
async fn what_a_user_typed_is_escaped_and_bounded() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = Machine::new().keys().configured(json!({})).await;
    let error = async |plugin: &mut Plugin, region: String| {
        let arguments = json!({"registryId": REGISTRY, "region": region});
        plugin.invoke(GET_CREDENTIALS, arguments).await.map(drop).unwrap_err().message().to_owned()
    };
    let escaped = error(&mut running.plugin, "eu\u{1b}[2J\u{202e}".to_owned()).await;
    assert!(escaped.contains("is not the name of an AWS Region") && !escaped.contains(is_unseen), "{escaped:?}");
    let long = error(&mut running.plugin, "r".repeat(9000)).await;
    assert!(long.contains("is not the name of an AWS Region") && long.len() < 1000, "{long}");
    // An endpoint of one's own may name its Regions as it likes.
    running.plugin.configure(with(calls(&ecr), json!({}))).await.unwrap();
    ecr.answer_always(Answer::Error(400, "OtherException", "no"));
    let own = error(&mut running.plugin, "r".repeat(9000)).await;
    assert!(own.len() < 1000, "{own}");
    let token = format!("aws:x/{}\u{202e}:y", "t".repeat(9000));
    let status = running.plugin.invoke(&token, json!({})).await.map(drop).unwrap_err();
    assert!(status.message().contains("has no function aws:x/ttt") && status.message().len() < 2000, "{status:?}");
}
