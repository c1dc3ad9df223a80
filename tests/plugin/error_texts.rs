//! Every way to fail, made to happen, against the table in `docs/troubleshooting.md`: each failure is one row of it, and
//! each row is a failure that happens.

use pulumi_resource_aws::packages::{AWS, AWS_ECR};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr},
    faults::matches,
    http::{Reply, Server},
    plugin::{GET_CREDENTIALS, served, serving},
    sts::{ACCOUNT, Sts},
    tls::{Authority, Tls},
};
use tokio::net::TcpStream;

use crate::{
    credentials::{SESSION_CACHE, SSO_SESSION, sso_token},
    machine::{Machine, calls, with},
};

const GET_REPOSITORY: &str = "aws:ecr/getRepository:getRepository";
const GET_REPOSITORIES: &str = "aws:ecr/getRepositories:getRepositories";
const GET_IMAGE: &str = "aws:ecr/getImage:getImage";
const GET_PUBLIC_TOKEN: &str = "aws:ecrpublic/getAuthorizationToken:getAuthorizationToken";

const TABLE: &str = include_str!("../../docs/troubleshooting.md");

/// A row: what happened and what to do, with `…` for anything.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    happened: &'static str,
    to_do: &'static str,
}

fn rows() -> Vec<Row> {
    let cells = TABLE.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    cells.skip(1).map(|(happened, to_do)| Row { happened, to_do }).collect()
}

impl Row {
    /// Whether `message` is this row, behind the words that name the call.
    fn is(&self, message: &str) -> bool {
        let (_, call) = message.split_once("get").unwrap_or_else(|| panic!("no function: {message}"));
        let (_, what) = call.split_once(": ").expect("a colon");
        let row = format!("{}. {}.", self.happened, self.to_do).replace("aws:", &format!("{}:", served().name));
        matches(&row, what)
    }
}

fn machine() -> Machine {
    Machine::new().keys()
}

/// The message for an answer of ECR, in a Region.
async fn answered(answer: Answer, region: &str) -> String {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(answer);
    machine().error(with(calls(&ecr), json!({"region": region, "maxRetries": 1}))).await
}

/// The message for an error of STS when a role is to be assumed.
async fn not_assumed(status: u16, code: &'static str, message: &'static str) -> String {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    sts.fail(status, code, message);
    let role = json!([{"roleArn": "arn:aws:iam::111122223333:role/Deploy"}]);
    let more = json!({"assumeRoles": role, "endpoints": [{"sts": sts.url()}], "maxRetries": 2});
    machine().error(with(calls(&ecr), more)).await
}

/// The message with a profile `p` of these lines.
async fn with_profile(lines: &str) -> String {
    let ecr = Ecr::start().await.unwrap();
    Machine::new().config(&format!("[profile p]\n{lines}\n")).error(with(calls(&ecr), json!({"profile": "p"}))).await
}

async fn with_configuration(more: Json) -> String {
    let ecr = Ecr::start().await.unwrap();
    machine().error(with(calls(&ecr), more)).await
}

/// Makes everything fail. Each entry names the row by the start of what happened, and a part that must be there.
async fn failures() -> Vec<(&'static str, &'static str, String)> {
    let ecr = Ecr::start().await.unwrap();
    let error = |code, message| Answer::Error(400, code, message);
    let mut all = vec![
        ("no AWS Region", "profile default", machine().error(json!({})).await),
        ("… is not the name", "\"eu-west1\"", machine().var("AWS_REGION", "eu-west1").error(json!({})).await),
        ("no AWS credentials", "AWS_ACCESS_KEY_ID is not set", Machine::new().error(calls(&ecr)).await),
        ("… gave no AWS", "credential_process of profile p", with_profile("credential_process = exit 7").await),
        (
            "profile …",
            "its source_profile names none of the profiles, which are: p. ",
            with_profile("source_profile = q\nrole_arn = arn:aws:iam::1:role/r").await,
        ),
        ("there is no profile", "only: none at all. ", with_configuration(json!({"profile": "absent"})).await),
        ("profile …", "aws_secret_access_key", with_profile("aws_access_key_id = AKID").await),
        (
            "the shared AWS file",
            "/dev/zero is longer than",
            with_configuration(json!({"sharedConfigFiles": ["/dev/zero"]})).await,
        ),
        (
            "the shared AWS file",
            "has more than 100000 lines",
            machine().config(&"[profile p]\nregion = eu-west-1\n".repeat(60_000)).error(calls(&ecr)).await,
        ),
        (
            "the environment variable",
            "SSL_CERT_FILE names a file that is longer than 4 MiB",
            machine()
                .var("SSL_CERT_FILE", "/dev/zero")
                .error(json!({"region": "eu-west-1", "endpoints": [{"ecr": "https://127.0.0.1:1"}]}))
                .await,
        ),
        ("the CA bundle", "/absent cannot be read", with_configuration(json!({"customCaBundle": "/absent"})).await),
        ("… asks for multi", "profile p", with_profile("role_arn = a\nsource_profile = p\nmfa_serial = m").await),
    ];
    let sso = "sso_start_url = https://x\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r";
    all.push(("the SSO session", "aws sso login --profile p", with_profile(sso).await));
    all.push(("the machine gives the plugin no", "(ulimit -n) is 20", without_open_files().await));
    let no_proxy = machine().var("HTTPS_PROXY", "socks5://x").error(json!({"region": "eu-west-1"})).await;
    all.push(("the environment variable", "HTTPS_PROXY", no_proxy));
    let login = with_profile("login_session = arn:aws:iam::1:user/u").await;
    all.push(("the login session", "aws login --profile p", login));
    let dual_stack = machine().var("AWS_USE_DUALSTACK_ENDPOINT", "true").error(calls(&ecr)).await;
    all.push(("the configuration leads", "Dualstack", dual_stack));
    let guarded = Sts::start().await.unwrap();
    let guard = json!({"forbiddenAccountIds": [ACCOUNT], "endpoints": [{"sts": guarded.url()}]});
    all.push(("the credentials belong", ACCOUNT, with_configuration(guard).await));
    let foreign = json!({"assumeRoles": [{"roleArn": "arn:aws-us-gov:iam::111122223333:role/r"}]});
    all.push(("… is in the partition", "aws-us-gov", with_configuration(foreign).await));
    all.push((
        "… could not be reached",
        "127.0.0.1:9",
        machine().error(json!({"region": "eu-west-1", "maxRetries": 1})).await,
    ));
    let down = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": [{"ecr": "http://127.0.0.1:1"}]});
    all.push(("… could not be reached", "127.0.0.1:1 could not be reached: ", machine().error(down).await));
    let tls = Tls::start(Authority::new("ours").certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let untrusted = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": [{"ecr": tls.url()}]});
    all.push(("no secure connection", "authority is not trusted", machine().error(untrusted).await));
    for (start, part, answer, region) in [
        ("AWS denied", "ecr:GetAuthorizationToken", error("AccessDeniedException", "not authorized"), "eu-west-1"),
        (
            "AWS denied",
            "by the VPC endpoint policy, too",
            error("AccessDeniedException", "not authorized because no VPC endpoint policy allows the action"),
            "eu-west-1",
        ),
        (
            "AWS denied",
            "out of the service control policy that denies it",
            error("AccessDeniedException", "not authorized with an explicit deny in a service control policy"),
            "eu-west-1",
        ),
        ("the AWS credentials have", "is expired", error("ExpiredTokenException", "token is expired"), "eu-west-1"),
        ("AWS does not accept", "is invalid", error("UnrecognizedClientException", "token is invalid"), "eu-west-1"),
        ("the credentials are not", "aws-cn", error("UnrecognizedClientException", "token is invalid"), "cn-north-1"),
        (
            "AWS refused the req",
            "now earlier",
            error("InvalidSignatureException", "Signature expired: now earlier"),
            "eu-west-1",
        ),
        ("AWS refused a", "registryIds", error("InvalidParameterException", "Invalid 'registryIds'"), "eu-west-1"),
        ("AWS throttled", "once", error("ThrottlingException", "Rate exceeded"), "eu-west-1"),
        ("AWS failed", "500", Answer::Html(500), "eu-west-1"),
        ("… did not answer", "127.0.0.1:", Answer::Never, "eu-west-1"),
        ("the answer is none", "", Answer::Html(200), "eu-west-1"),
        ("the answer has", "no authorization data", Answer::Body("{}"), "eu-west-1"),
        ("AWS answered", "something", error("OtherException", "something"), "eu-west-1"),
    ] {
        all.push((start, part, answered(answer, region).await));
    }
    for (start, part, function, arguments, answer) in [
        (
            "AWS did not find",
            "'absent'",
            GET_REPOSITORY,
            json!({"name": "absent"}),
            error("RepositoryNotFoundException", "'absent'"),
        ),
        (
            "… images match",
            "2 images",
            GET_IMAGE,
            json!({"repositoryName": "app", "mostRecent": false}),
            Answer::Body(r#"{"imageDetails": [{}, {}]}"#),
        ),
        ("AWS's list goes", "after 0 entries", GET_REPOSITORIES, json!({}), Answer::Body(r#"{"nextToken": "again"}"#)),
        ("Amazon ECR Public is", "aws-cn", GET_PUBLIC_TOKEN, json!({"region": "cn-north-1"}), Answer::Token),
    ] {
        let ecr = Ecr::start().await.unwrap();
        ecr.answer_always(answer);
        let mut running = machine().configured(calls(&ecr)).await;
        let result = running.plugin.call(function, arguments).await;
        all.push((start, part, result.map(drop).unwrap_err().message().to_owned()));
    }
    for (start, part, status, code, message) in [
        (
            "the role …",
            "sts:AssumeRole on the resource `arn:aws:iam::111122223333:role/Deploy`",
            403,
            "AccessDenied",
            "no",
        ),
        (
            "the role …",
            "on the role `arn:aws:iam::111122223333:role/Deploy` out of the policy",
            403,
            "AccessDenied",
            "u is not authorized to perform: sts:AssumeRole on resource: r with an explicit deny",
        ),
        ("… asks for multi", "role/Deploy", 403, "AccessDenied", "MultiFactorAuthentication failed"),
        ("the AWS credentials have", "over", 403, "ExpiredToken", "the token is over"),
        ("AWS does not accept", "invalid", 403, "InvalidClientTokenId", "the token is invalid"),
        ("AWS refused the req", "now earlier", 403, "SignatureDoesNotMatch", "Signature expired: now earlier"),
        ("AWS throttled", "2 times", 400, "Throttling", "Rate exceeded"),
        ("AWS failed", "internal", 500, "InternalFailure", "internal"),
    ] {
        all.push((start, part, not_assumed(status, code, message).await));
    }
    let over = identity_refused("ExpiredTokenException", "Token expired").await;
    all.push(("… gave no AWS", "no AWS credentials: Token expired", over));
    let untrusted = identity_refused("AccessDenied", "not authorized").await;
    all.push((
        "the role …",
        "sts:AssumeRoleWithWebIdentity on the resource `arn:aws:iam::111122223333:role/Ci`",
        untrusted,
    ));
    let absent = json!({"roleArn": "arn:aws:iam::111122223333:role/Ci", "webIdentityTokenFile": "/absent"});
    let absent = with_configuration(json!({"assumeRoleWithWebIdentity": absent})).await;
    all.push(("… gave no AWS", "in /absent gave no AWS credentials: the file cannot be read: ", absent));
    all.push(("… gave no AWS", "for the role Reader in the account 111122223333, gave", no_access_by_sso().await));
    all.push(("the answer is none", "", page_for_sts().await));
    all
}

/// The message for an error of STS when a web identity is to be exchanged.
async fn identity_refused(code: &'static str, message: &'static str) -> String {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    sts.fail(400, code, message);
    let identity = json!({"roleArn": "arn:aws:iam::111122223333:role/Ci", "webIdentityToken": "token"});
    let more = json!({"assumeRoleWithWebIdentity": identity, "endpoints": [{"sts": sts.url()}]});
    machine().error(with(calls(&ecr), more)).await
}

/// The message when somebody who has signed in may not use the profile's role.
async fn no_access_by_sso() -> String {
    let refusal = r#"{"message": "No access"}"#;
    let portal =
        Server::start(|_| Reply::WithHeader(403, refusal.to_owned(), ("x-amzn-errortype", "ForbiddenException")));
    let (ecr, portal) = (Ecr::start().await.unwrap(), portal.await.unwrap());
    let machine = Machine::new().config(SSO_SESSION).file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z"));
    machine.error(with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}))).await
}

/// The message when no more files can be opened.
async fn without_open_files() -> String {
    let ecr = Ecr::start().await.unwrap();
    let mut running = machine().open_files(20).configured(calls(&ecr)).await;
    let mut connections = Vec::new();
    for _ in 0..40 {
        connections.push(TcpStream::connect(("127.0.0.1", running.plugin.port)).await.unwrap());
    }
    running.engine.wait_for_line("can take no more connections for now").await;
    running.plugin.error().await
}

/// The message when a web page answers in place of STS.
async fn page_for_sts() -> String {
    let page = Server::start(|_| Reply::Body(200, "<html>sign in</html>".to_owned())).await.unwrap();
    let role = json!([{"roleArn": "arn:aws:iam::111122223333:role/Deploy"}]);
    with_configuration(json!({"assumeRoles": role, "endpoints": [{"sts": page.url()}]})).await
}

/// A word of the other package in `text`.
pub(crate) fn foreign(text: &str) -> Option<String> {
    let (own, other) = if served().name == AWS.name { (&AWS, &AWS_ECR) } else { (&AWS_ECR, &AWS) };
    let schema: Json = serde_json::from_str(include_str!("../../schema.json")).expect("a schema");
    let keys = schema["config"]["variables"].as_object().expect("keys").keys();
    let keys = keys.map(|key| format!("{}:{key}", other.name));
    let tokens = ["ecr/", "ecrpublic/", "index:"].map(|module| format!("{}:{module}", other.name));
    let text = text.replace(&own.executable(), "").replace("arn:aws:", "");
    let names = [other.executable(), format!(" {} plugin", other.name), format!("({})", other.version)];
    keys.chain(tokens).chain(names).find(|word| text.contains(word))
}

#[tokio::test]
async fn each_failure_is_one_row_of_the_table_and_each_row_happens() {
    serving(&AWS, table_holds()).await;
}

#[tokio::test]
async fn the_same_table_holds_for_the_package_of_its_own_in_its_own_words() {
    serving(&AWS_ECR, table_holds()).await;
}

async fn table_holds() {
    let rows = rows();
    assert!(rows.len() >= 25, "the table was found: {rows:#?}");
    let mut seen = Vec::new();
    for (start, part, message) in failures().await {
        let row: Vec<_> = rows.iter().filter(|row| row.is(&message)).collect();
        let [row] = row[..] else { panic!("{message:?} is not one row: {row:#?}") };
        assert!(row.happened.starts_with(start), "{message:?} is the row {row:?}, not {start:?}");
        assert!(message.contains(part), "{message:?} lacks {part:?}");
        assert_eq!(foreign(&message), None, "{message:?}");
        seen.push(row);
    }
    let never: Vec<_> = rows.iter().filter(|row| !seen.contains(row)).collect();
    assert!(never.is_empty(), "rows that no failure reaches: {never:#?}");
}

#[tokio::test]
async fn a_registry_id_that_cannot_be_one_reads_as_documented() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = machine().configured(calls(&ecr)).await;
    let response = running.plugin.invoke(GET_CREDENTIALS, json!({"registryId": "my-app"})).await.unwrap();
    let [failure] = &response.failures[..] else { panic!("{:?}", response.failures) };
    let message = format!("{} {}", failure.property, failure.reason);
    let (start, _) = message.split_once("my-app").expect("what was given");
    let documented = TABLE.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(documented.contains(&format!("`{start}…\"`")), "{message}");
}

#[tokio::test]
async fn no_two_rows_advise_the_same() {
    let mut advice: Vec<_> = rows().iter().map(|row| row.to_do).collect();
    let all = advice.len();
    advice.sort_unstable();
    advice.dedup();
    assert_eq!(advice.len(), all);
}
