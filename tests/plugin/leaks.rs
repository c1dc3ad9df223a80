//! No secret that credentials are made from or that is handed out shows up in a log, an error or CheckConfig's answer.

use prost::Message as _;
use pulumi_resource_aws::packages::{AWS, AWS_ECR};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, password, token},
    forms,
    http::{Reply, Server},
    plugin::serving,
    sts::{Sts, secret_key, session_token},
    values::secret,
};

use crate::{
    credentials::{SESSION_CACHE, SSO_SESSION, issuer, metadata_at, portal, sso_token_to_renew},
    error_texts::foreign,
    machine::{Machine, REGISTRY, calls, with},
};

/// What tells a secret from an object.
const SECRET: &str = "4dabf18193072939515e22adb298388d";

#[tokio::test]
async fn no_source_of_credentials_leaks() {
    serving(&AWS, nothing_leaks()).await;
}

#[tokio::test]
async fn none_of_the_other_package_s_does_and_its_log_has_its_own_words() {
    serving(&AWS_ECR, nothing_leaks()).await;
}

/// The same with what is in secrets.
fn without_secrets(json: Json) -> Json {
    match json {
        Json::Object(mut object) if object.contains_key(SECRET) => object.remove("value").expect("a value"),
        Json::Object(object) => object.into_iter().map(|(key, value)| (key, without_secrets(value))).collect(),
        Json::Array(values) => values.into_iter().map(without_secrets).collect(),
        json => json,
    }
}

async fn nothing_leaks() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let container = r#"{"AccessKeyId": "ASIAC", "SecretAccessKey": "container/secret", "Token": "container+session",
        "Expiration": "2999-01-01T00:00:00Z"}"#;
    let service = Server::start(|_| Reply::Body(200, container.to_owned())).await.unwrap();
    let (portal, issuer, metadata) = (portal(200).await, issuer(200).await, metadata_at("127.0.0.1:0", true).await);
    let process = r#"{"Version": 1, "AccessKeyId": "AKIDP", "SecretAccessKey": "process/secret"}"#;
    let role = json!([{"roleArn": "arn:aws:iam::111122223333:role/R", "externalId": secret("external/id")}]);
    let assumed = with(calls(&ecr), json!({"assumeRoles": role, "endpoints": [{"sts": sts.url()}]}));
    let identity = json!({"roleArn": "arn:aws:iam::111122223333:role/W", "webIdentityToken": secret("web/identity")});
    let profile = "[default]\naws_access_key_id = AKIDF\naws_secret_access_key = profile/secret\n";
    let machines = || {
        [
            (
                Machine::new()
                    .var("AWS_ACCESS_KEY_ID", "AKIDE")
                    .var("AWS_SECRET_ACCESS_KEY", "environment/secret")
                    .var("AWS_SESSION_TOKEN", "environment/session")
                    .var("PULUMI_AWS_ECR_CACHE_DIR", "/proc/no-folder"),
                assumed.clone(),
            ),
            (
                Machine::new(),
                with(
                    assumed.clone(),
                    json!({"accessKey": "AKIDS", "secretKey": secret("static/secret"), "token": secret("static/session"),
                "httpsProxy": "http://user:proxy%2Fsecret@127.0.0.1:9"}),
                ),
            ),
            (
                Machine::new(),
                with(calls(&ecr), json!({"assumeRoleWithWebIdentity": identity, "endpoints": [{"sts": sts.url()}]})),
            ),
            (Machine::new().config(profile), calls(&ecr)),
            (Machine::new().file("out", process).config("[default]\ncredential_process = cat ~/out"), calls(&ecr)),
            (
                Machine::new()
                    .var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url())
                    .var("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container/authorization"),
                calls(&ecr),
            ),
            (
                Machine::new()
                    .config(SSO_SESSION)
                    .file(SESSION_CACHE, sso_token_to_renew("2999-01-01T00:00:00Z"))
                    .var("AWS_ENDPOINT_URL_SSO", portal.url())
                    .var("AWS_ENDPOINT_URL_SSO_OIDC", issuer.url()),
                with(calls(&ecr), json!({"profile": "p"})),
            ),
            (
                Machine::new()
                    .without("AWS_EC2_METADATA_DISABLED")
                    .var("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url()),
                calls(&ecr),
            ),
        ]
    };
    let secrets = [
        "environment/secret",
        "environment/session",
        "static/secret",
        "static/session",
        "proxy/secret",
        "external/id",
        "web/identity",
        "profile/secret",
        "process/secret",
        "container/secret",
        "container+session",
        "container/authorization",
        "sso-token",
        "client-secret",
        "refresh-token",
        "renewed-token",
        "sso-secret",
        "imds-token",
        "instance-secret",
        "instance-token",
    ];
    let mut secrets: Vec<_> = secrets.map(str::to_owned).to_vec();
    secrets.extend(["ASIAR", "ASIAW"].iter().flat_map(|key| [secret_key(key), session_token(key)]));

    let mut shown = Vec::new();
    for (mut machine, configuration) in machines() {
        // Text of a command line is no secret to the engine; AWS STS is not always there to say whose credentials they are.
        let configuration = with(without_secrets(configuration), json!({"maxRetries": 1}));
        for arguments in [&["--registry", REGISTRY][..], &["--registry", REGISTRY, "--json"], &[]] {
            let number = ecr.requests().len() + 1;
            let (code, stdout, stderr) = machine.doctor(&configuration, arguments).await;
            assert_eq!(code, 0, "{stdout}{stderr}");
            secrets.extend([password(REGISTRY, number), token(REGISTRY, number)]);
            shown.extend([stdout, stderr]);
        }
    }
    for (machine, configuration) in machines() {
        let mut running = machine.argument("-v=9").start().await;
        let checked = running.plugin.check_config(json!({"region": "eu-west-1"})).await.unwrap();
        shown.push(String::from_utf8_lossy(&checked.encode_to_vec()).into_owned());
        running.plugin.configure(configuration).await.unwrap();
        let number = ecr.requests().len() + 1;
        running.plugin.get_credentials(REGISTRY).await.expect("a token");
        secrets.extend([password(REGISTRY, number), token(REGISTRY, number)]);
        ecr.answer_next(Answer::Error(400, "AccessDeniedException", "no"));
        let status = running.plugin.get_credentials("000000000001").await.map(drop).unwrap_err();
        shown.push(status.to_string());
        running.source().await;
        shown.extend(running.engine.log().into_iter().map(|(_, line)| line));
        running.plugin.signal("TERM").await;
        let (_, stdout, stderr) = running.plugin.wait().await;
        shown.extend([stdout, stderr]);
    }
    for secret in secrets.iter().flat_map(|secret| forms(secret)) {
        let leak = shown.iter().find(|text| text.contains(&secret));
        assert!(leak.is_none(), "{secret} is shown: {leak:?}");
    }
    for told in ["AWS credentials come from", "/proc/no-folder"] {
        assert!(shown.iter().any(|text| text.contains(told)), "the log was read: {told}");
    }
    for text in shown {
        assert_eq!(foreign(&text), None, "{text}");
    }
}

#[tokio::test]
async fn what_aws_quotes_of_a_request_is_not_shown() {
    let message = "The signature\u{1b}[2J does not match static/secret or static/session.\n\nThe Canonical String for \
                   this request should have been\n'POST\nx-amz-security-token:static/session'";
    for code in ["InvalidSignatureException", "AccessDeniedException", "InvalidParameterException", "OtherException"] {
        let ecr = Ecr::start().await.unwrap();
        ecr.answer_always(Answer::Error(400, code, message));
        let keys =
            json!({"accessKey": "AKIDS", "secretKey": secret("static/secret"), "token": secret("static/session")});
        let error = Machine::new().error(with(calls(&ecr), keys)).await;
        let expected = format!("The signature [2J does not match [secret] or [secret]. ({code})");
        assert!(error.contains(&expected), "{error}");
        assert!(!error.contains("static/") && !error.contains(char::is_control), "{error}");
    }
}
