//! What a machine can reach in a case, recorded: one server that answers as ECR, STS, IAM Identity Center, the services of
//! containers and instances do, and a proxy to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value as Json, json};
use support::{
    http::{Asked, Reply, Server},
    tls::{Authority, Tls},
};

use crate::{
    case::{Answer, Places},
    proxy::Proxy,
};

/// The authority that signs for every host of AWS.
static AUTHORITY: LazyLock<Arc<Authority>> = LazyLock::new(|| Arc::new(Authority::new("AWS, as these tests have it")));

/// The certificate of that authority, PEM.
pub(crate) fn authority() -> String {
    AUTHORITY.pem()
}

/// Everything on the network of one run.
pub(crate) struct Services {
    server: Server,
    other: Server,
    tls: Tls,
    proxy: Proxy,
}

impl Services {
    /// Starts all of it, to answer as usual but for `answers`.
    pub(crate) async fn start(answers: &[Answer]) -> io::Result<Self> {
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::new(Mutex::new(answers.to_vec()));
        let [server, other] = [answers.clone(), answers].map(|answers| {
            Server::start(move |asked| {
                let told = next(&mut answers.lock().unwrap_or_else(PoisonError::into_inner), asked);
                told.unwrap_or_else(|| usual(asked))
            })
        });
        let (server, other) = (server.await?, other.await?);
        let tls = Tls::for_every_host(AUTHORITY.clone(), server.address()).await?;
        let proxy = Proxy::start(server.address(), tls.address()).await?;
        Ok(Self { server, other, tls, proxy })
    }

    /// Where they are.
    pub(crate) fn places(&self) -> Vec<(&'static str, String)> {
        let other = self.other.address().to_string();
        let [aws, tls] = [self.server.address(), self.tls.address()].map(|address| address.to_string());
        vec![
            ("aws", aws),
            ("other", other),
            ("tls", tls),
            ("port", self.server.address().port().to_string()),
            ("proxy", self.proxy.address().to_string()),
        ]
    }

    /// The requests to ECR.
    pub(crate) fn asked_ecr(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| service(asked) == "ecr").collect()
    }

    /// What was asked, a line each, sorted and each once: how often a failing call is tried is not of interest.
    /// `given` is what the user wrote.
    pub(crate) fn seen(&self, places: &Places, given: &str) -> Vec<String> {
        let mut lines: Vec<_> = self.asked().iter().map(|asked| places.hide(&line(asked, given))).collect();
        lines.extend(self.proxy.heads().iter().map(|head| places.hide(head)));
        lines.sort();
        lines.dedup();
        lines
    }

    fn asked(&self) -> Vec<Asked> {
        [self.server.asked(), self.other.asked()].concat()
    }
}

fn next(answers: &mut [Answer], asked: &Asked) -> Option<Reply> {
    let request = format!("{} {}", asked.method, asked.path);
    let meant = |answer: &&mut Answer| answer.to == service(asked) || request.starts_with(&answer.to);
    let answer = answers.iter_mut().filter(|answer| answer.times != Some(0)).find(meant)?;
    answer.times = answer.times.map(|times| times - 1);
    let (status, body) = (answer.status, answer.body.clone());
    Some(match answer.header.clone() {
        Some((name, value)) => Reply::WithHeader(status, body, (name.leak(), value.leak())),
        None => Reply::Body(status, body),
    })
}

/// Which service is meant.
fn service(asked: &Asked) -> &'static str {
    let path = path(asked).1;
    let path = path.split('?').next().unwrap_or_default();
    match () {
        () if asked.header("x-amz-target").contains("ContainerRegistry") => "ecr",
        () if asked.body.contains("Action=") => "sts",
        () if path.ends_with("/federation/credentials") => "sso",
        () if path.ends_with("/v1/token") => "signin",
        () if path.contains("/latest/") => "instance",
        () if path.ends_with("/token") => "oidc",
        () if asked.method == "GET" => "container",
        () => "unknown",
    }
}

/// The host and the path with the query, and whether a proxy was asked for them.
fn path(asked: &Asked) -> (String, String, bool) {
    match asked.path.split_once("://").map(|(_, rest)| rest.split_once('/').unwrap_or((rest, ""))) {
        Some((host, path)) => (host.to_owned(), format!("/{path}"), true),
        None => (asked.header("host").to_owned(), asked.path.clone(), false),
    }
}

fn with_sorted_query(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let mut parameters: Vec<_> = query.split('&').collect();
    parameters.sort_unstable();
    // A blank is written in either way.
    format!("{path}?{}", parameters.join("&").replace('+', "%20"))
}

fn line(asked: &Asked, given: &str) -> String {
    let (host, path, by_proxy) = path(asked);
    let path = with_sorted_query(&path);
    let signed = match (asked.access_key(), asked.header("x-amz-security-token")) {
        ("", _) => "unsigned".to_owned(),
        (key, token) => format!("signed by {key} [{token}] for {}", asked.region()),
    };
    let what = match service(asked) {
        "ecr" => format!("{} {signed}", asked.body),
        "sts" => format!("{} {signed}", parameters(asked, given)),
        "sso" => asked.header("x-amz-sso_bearer_token").to_owned(),
        "oidc" | "signin" => serde_json::from_str::<Json>(&asked.body).unwrap_or_default().to_string(),
        "container" => format!("authorization {:?}", asked.header("authorization")),
        "instance" if asked.method == "GET" => {
            format!("token {:?}", asked.header("x-aws-ec2-metadata-token"))
        }
        _ => String::new(),
    };
    let proxy = match (by_proxy, asked.header("proxy-authorization")) {
        (true, authorization) => format!(" by the proxy as {:?}", basic(authorization)),
        (false, _) => String::new(),
    };
    format!("{}: {} {host}{path}{proxy} {what}", service(asked), asked.method)
}

/// A user and a password as they were told.
pub(crate) fn basic(header: &str) -> String {
    let decoded = header.strip_prefix("Basic ").and_then(|text| BASE64_STANDARD.decode(text).ok());
    decoded.map_or_else(|| header.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The parameters of a call of STS. A name of a session that nobody gave is made up anew each time.
fn parameters(asked: &Asked, given: &str) -> String {
    let names = asked.body.split('&').filter_map(|field| field.split_once('=')).map(|(name, _)| name);
    let mut parameters: BTreeMap<_, _> = names.map(|name| (name, asked.field(name))).collect();
    parameters.remove("Version");
    if let Some(name) = parameters.get_mut("RoleSessionName").filter(|name| !given.contains(name.as_str())) {
        "(made up)".clone_into(name);
    }
    let tags = take_tags(&mut parameters);
    let parameters = parameters.iter().map(|(name, value)| format!("{name}={value}"));
    parameters.chain(tags).collect::<Vec<_>>().join(" ")
}

/// The tags of a session. They are a map, which the SDK for Go sends in another order each time.
fn take_tags(parameters: &mut BTreeMap<&str, String>) -> BTreeSet<String> {
    let mut take = |number, part| parameters.remove(format!("Tags.member.{number}.{part}").as_str());
    (1..).map_while(|number| Some(format!("tag {}={}", take(number, "Key")?, take(number, "Value")?))).collect()
}

/// What a service answers if nothing else was said. Whatever is secret holds the word `hush`.
fn usual(asked: &Asked) -> Reply {
    let path = path(asked).1;
    let body = match service(asked) {
        "ecr" if !is_signed(asked) => {
            return Reply::Body(400, json!({"__type": "MissingAuthenticationTokenException"}).to_string());
        }
        "ecr" => json!({"authorizationData": [{
            "authorizationToken": BASE64_STANDARD.encode("AWS:hush-hush-password"),
            "expiresAt": 4_102_444_800_i64,
            "proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        }]}),
        "sts" => return Reply::Body(200, sts(asked)),
        "sso" => json!({"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "hush-hush-of-sso",
            "sessionToken": "hush-hush-token-of-sso", "expiration": 4_070_908_800_000_i64}}),
        "oidc" => json!({"accessToken": "hush-hush-renewed", "tokenType": "Bearer", "expiresIn": 28800,
            "refreshToken": "hush-hush-refresh-again"}),
        "signin" => json!({"accessToken": {"accessKeyId": "ASIALOGIN", "secretAccessKey": "hush-hush-of-login",
            "sessionToken": "hush-hush-token-of-login"}, "tokenType": "aws_sigv4", "expiresIn": 900,
            "refreshToken": "hush-hush-refresh-again"}),
        "instance" if asked.method == "PUT" => {
            return Reply::WithHeader(200, "imds-token".to_owned(), ("x-aws-ec2-metadata-token-ttl-seconds", "21600"));
        }
        "instance" => return instance(&path),
        "container" => json!({"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "hush-hush-of-container",
            "Token": "hush-hush-token-of-container", "Expiration": "2099-01-01T00:00:00Z"}),
        _ => return Reply::Body(404, String::new()),
    };
    Reply::Body(200, body.to_string())
}

/// Whether the request names an access key and a Region, as AWS checks before all else.
fn is_signed(asked: &Asked) -> bool {
    let key = asked.access_key();
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !asked.region().is_empty()
}

fn instance(path: &str) -> Reply {
    let credentials = "/latest/meta-data/iam/security-credentials/";
    let body = match path.strip_prefix(credentials) {
        Some("") => "machine".to_owned(),
        Some("machine") => json!({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAINSTANCE",
            "LastUpdated": "2026-01-01T00:00:00Z", "SecretAccessKey": "hush-hush-of-instance",
            "Token": "hush-hush-token-of-instance", "Expiration": "2099-01-01T00:00:00Z"})
        .to_string(),
        None if path == "/latest/dynamic/instance-identity/document" => {
            json!({"region": "ap-south-1", "accountId": "123456789012"}).to_string()
        }
        None if path == "/latest/meta-data/placement/region" => "ap-south-1".to_owned(),
        _ => return Reply::Body(404, String::new()),
    };
    Reply::Body(200, body)
}

fn sts(asked: &Asked) -> String {
    let action = asked.field("Action");
    let result = match action.as_str() {
        "GetCallerIdentity" => {
            "<Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>AIDA</UserId><Account>111122223333</Account>"
                .to_owned()
        }
        _ => {
            let role = asked.field("RoleArn");
            let key = format!("ASIA{}", role.rsplit('/').next().unwrap_or_default());
            format!(
                "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>hush-hush-of-{key}</SecretAccessKey>\
                 <SessionToken>hush-hush-token-of-{key}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
                 </Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/x/y</Arn>\
                 <AssumedRoleId>AROA:y</AssumedRoleId></AssumedRoleUser>"
            )
        }
    };
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}</{action}Result>\
         </{action}Response>"
    )
}
