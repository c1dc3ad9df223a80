//! The sources of credentials: which is asked, what it is told, which one wins.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr},
    http::{Asked, Reply, Server},
    moto::Moto,
    sts::{Sts, secret_key, session_token},
    values::secret,
    within_deadline,
};

use crate::machine::{Machine, REGISTRY, Running, calls, with};

const KEYS: &str = "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = profile-secret\n";

/// What AWS says of credentials that are over.
const OVER: Answer =
    Answer::Error(400, "ExpiredTokenException", "The security token included in the request is expired");

#[tokio::test]
async fn static_keys_win_over_all_others() {
    let ecr = Ecr::start().await.unwrap();
    let keys =
        json!({"accessKey": secret("AKIDSTATIC"), "secretKey": secret("static-secret"), "token": "static-token"});
    let machine = Machine::new().keys().config(&format!("[default]\n{KEYS}"));
    let mut running = machine.configured(with(calls(&ecr), keys)).await;
    let asked = running.asked(&ecr).await;
    assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("AKIDSTATIC", "static-token"));
    assert!(asked.is_signed_with("static-secret"));
    assert_eq!(running.source().await, "the provider configuration (accessKey, secretKey)");
}

#[tokio::test]
async fn the_environment_wins_over_the_default_profile_and_that_of_aws_profile() {
    let ecr = Ecr::start().await.unwrap();
    let config = format!("[default]\n{KEYS}[profile other]\n{KEYS}");
    for machine in [Machine::new(), Machine::new().var("AWS_PROFILE", "other")] {
        let machine = machine.config(&config).keys().var("AWS_SESSION_TOKEN", "environment-token");
        let mut running = machine.configured(calls(&ecr)).await;
        let asked = running.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("AKIDENVIRONMENT", "environment-token"));
        assert!(asked.is_signed_with("environment-secret"));
        assert!(running.source().await.starts_with("the environment"));
    }
}

#[tokio::test]
async fn variables_that_older_sdks_read_count_where_those_of_today_are_not_set() {
    let ecr = Ecr::start().await.unwrap();
    let older = || Machine::new().var("AWS_ACCESS_KEY", "AKIDOLD").var("AWS_SECRET_KEY", "old-secret");
    for (machine, access_key, secret_key) in
        [(older(), "AKIDOLD", "old-secret"), (older().keys(), "AKIDENVIRONMENT", "environment-secret")]
    {
        let asked = machine.configured(calls(&ecr)).await.asked(&ecr).await;
        assert_eq!(asked.access_key, access_key);
        assert!(asked.is_signed_with(secret_key));
    }
    let config = format!("[profile old]\n{KEYS}[profile new]\n{}", KEYS.replace("AKIDPROFILE", "AKIDNEW"));
    let older = || Machine::new().config(&config).var("AWS_DEFAULT_PROFILE", "old");
    for (machine, access_key) in [
        (older(), "AKIDPROFILE"),
        (older().var("AWS_PROFILE", " "), "AKIDPROFILE"),
        (older().var("AWS_PROFILE", "new"), "AKIDNEW"),
    ] {
        assert_eq!(machine.configured(calls(&ecr)).await.asked(&ecr).await.access_key, access_key);
    }
}

#[tokio::test]
async fn a_configured_profile_wins_over_the_environment() {
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().config(&format!("[profile named]\n{KEYS}")).keys().var("AWS_PROFILE", "absent");
    let mut running = machine.configured(with(calls(&ecr), json!({"profile": "named"}))).await;
    let asked = running.asked(&ecr).await;
    assert_eq!(asked.access_key, "AKIDPROFILE");
    assert!(asked.is_signed_with("profile-secret"));
    assert_eq!(running.source().await, "profile named: keys of profile named");
}

#[tokio::test]
async fn shared_files_are_found_at_each_of_their_places() {
    let keys = format!("[default]\n{KEYS}");
    let machine = |path: &str| Machine::new().file(path, &keys);
    let at = |machine: Machine, name: &str, path: &str| {
        let path = machine.path(path);
        machine.var(name, path)
    };
    // What the configuration names is read in place of what the variable does.
    let configured = |key: &str, list: bool, variable: &str| {
        let machine =
            at(machine("given"), variable, "other").file("other", format!("{keys}aws_session_token = other\n"));
        let path = machine.path("given");
        (machine, if list { json!({key: [path]}) } else { json!({key: path}) })
    };
    for (machine, more) in [
        (machine(".aws/credentials"), json!({})),
        (machine(".aws/config"), json!({})),
        (at(machine("elsewhere"), "AWS_SHARED_CREDENTIALS_FILE", "elsewhere"), json!({})),
        (at(machine("elsewhere"), "AWS_CONFIG_FILE", "elsewhere"), json!({})),
        (machine("given"), json!({"sharedCredentialsFiles": ["~/given"]})),
        configured("sharedCredentialsFiles", true, "AWS_SHARED_CREDENTIALS_FILE"),
        configured("sharedConfigFiles", true, "AWS_CONFIG_FILE"),
        configured("sharedCredentialsFile", false, "AWS_SHARED_CREDENTIALS_FILE"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let mut running = machine.configured(with(calls(&ecr), more.clone())).await;
        let asked = running.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("AKIDPROFILE", ""), "{more}");
    }
}

#[tokio::test]
async fn of_several_shared_files_all_are_read_and_the_last_one_wins() {
    for (key, start) in [("sharedConfigFiles", "[profile p]"), ("sharedCredentialsFiles", "[p]")] {
        let ecr = Ecr::start().await.unwrap();
        let machine = Machine::new()
            .file("first", format!("{start}\naws_access_key_id = AKIDFIRST\naws_secret_access_key = first-secret\n"))
            .file("last", format!("{start}\naws_access_key_id = AKIDLAST\naws_secret_access_key = last-secret\n"));
        let files = json!([machine.path("first"), machine.path("last")]);
        let mut running = machine.configured(with(calls(&ecr), json!({"profile": "p", key: files}))).await;
        let asked = running.asked(&ecr).await;
        assert_eq!(asked.access_key, "AKIDLAST", "{key}");
        assert!(asked.is_signed_with("last-secret"), "{key}");
    }
}

#[tokio::test]
async fn quotes_around_a_property_are_not_part_of_it_but_those_of_a_command_are() {
    let ecr = Ecr::start().await.unwrap();
    let profile = format!(
        "[default]\nregion = \"sa-east-1\"\nendpoint_url = \"{}\"\naws_access_key_id = \"AKIDQUOTED\"\n\
         aws_secret_access_key = 'quoted-secret'\n",
        ecr.url()
    );
    let asked = Machine::new().config(&profile).configured(json!({})).await.asked(&ecr).await;
    assert_eq!((asked.access_key.as_str(), asked.region.as_str()), ("AKIDQUOTED", "sa-east-1"));
    assert!(asked.is_signed_with("quoted-secret"));

    let keys = r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "process-secret"}"#;
    let machine = Machine::new().file("a file", keys);
    let command = format!("[default]\ncredential_process = \"cat\" \"{}\"\n", machine.path("a file"));
    let asked = machine.config(&command).configured(calls(&ecr)).await.asked(&ecr).await;
    assert_eq!(asked.access_key, "AKIDPROCESS");
}

#[tokio::test]
async fn roles_of_profiles_are_assumed_along_their_sources() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let machine = Machine::new().config(&format!(
        "[profile top]\nrole_arn = arn:aws:iam::111122223333:role/Top\nsource_profile = middle\nexternal_id = 42\n\
         duration_seconds = 1800\nrole_session_name = me\n\
         [profile middle]\nrole_arn = arn:aws:iam::111122223333:role/Middle\nsource_profile = base\n\
         [profile base]\n{KEYS}"
    ));
    let configuration = with(calls(&ecr), json!({"profile": "top", "endpoints": [{"sts": sts.url()}]}));
    let mut running = machine.configured(configuration).await;
    let asked = running.asked(&ecr).await;
    assert_eq!(asked.access_key, "ASIATop");
    assert!(asked.is_signed_with(&secret_key("ASIATop")));
    let [first, second] = &sts.asked()[..] else { panic!("two roles") };
    assert_eq!((first.access_key(), second.access_key()), ("AKIDPROFILE", "ASIAMiddle"));
    assert!(first.is_signed_with("profile-secret") && second.is_signed_with(&secret_key("ASIAMiddle")));
    assert_eq!(second.header("x-amz-security-token"), session_token("ASIAMiddle"));
    let told = ["ExternalId", "DurationSeconds", "RoleSessionName"].map(|field| second.field(field));
    assert_eq!(told, ["42", "1800", "me"]);
    assert_eq!(
        running.source().await,
        "profile top: keys of profile base, then the role arn:aws:iam::111122223333:role/Middle, then the role \
         arn:aws:iam::111122223333:role/Top"
    );
}

#[tokio::test]
async fn a_role_of_a_profile_can_start_from_the_environment() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let role = "[profile p]\nrole_arn = arn:aws:iam::111122223333:role/P\ncredential_source = Environment\n";
    let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sts": sts.url()}]}));
    let mut running = Machine::new().config(role).keys().configured(configuration).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIAP");
    let [asked] = &sts.asked()[..] else { panic!("one role") };
    assert_eq!(asked.access_key(), "AKIDENVIRONMENT");
    assert!(asked.is_signed_with("environment-secret"));
    assert!(running.source().await.starts_with("profile p: the environment (AWS_ACCESS_KEY_ID, "));
}

#[tokio::test]
async fn a_role_of_a_profile_can_start_from_the_container_or_the_instance() {
    let service = Server::start(|_| Reply::Body(200, CONTAINER_KEYS.to_owned())).await.unwrap();
    let metadata = metadata(true).await;
    let container = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url());
    for (machine, source, base, secret, from) in [
        (container, "EcsContainer", "ASIACONTAINER", "container-secret", "the container's service at "),
        (
            instance(&metadata),
            "Ec2InstanceMetadata",
            "ASIAINSTANCE",
            "instance-secret",
            "the instance metadata service",
        ),
    ] {
        let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
        let role = format!("[profile p]\nrole_arn = arn:aws:iam::111122223333:role/P\ncredential_source = {source}\n");
        let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sts": sts.url()}]}));
        let mut running = machine.config(&role).configured(configuration).await;
        assert_eq!(running.asked(&ecr).await.access_key, "ASIAP");
        let [asked] = &sts.asked()[..] else { panic!("one role") };
        assert_eq!(asked.access_key(), base);
        assert!(asked.is_signed_with(secret));
        assert!(running.source().await.starts_with(&format!("profile p: {from}")));
    }
}

#[tokio::test]
async fn a_profile_can_name_a_web_identity() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let machine = Machine::new().file("token", "profile-token");
    let profile = format!(
        "[profile p]\nrole_arn = arn:aws:iam::111122223333:role/Web\nweb_identity_token_file = {}\n\
         role_session_name = me\n",
        machine.path("token")
    );
    let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sts": sts.url()}]}));
    let token = machine.path("token");
    let mut running = machine.config(&profile).configured(configuration).await;
    let asked = running.asked(&ecr).await;
    assert_eq!(asked.access_key, "ASIAWeb");
    assert!(asked.is_signed_with(&secret_key("ASIAWeb")));
    let [asked] = &sts.asked()[..] else { panic!("one exchange") };
    let told = ["Action", "WebIdentityToken", "RoleSessionName"].map(|field| asked.field(field));
    assert_eq!(told, ["AssumeRoleWithWebIdentity", "profile-token", "me"]);
    let source = format!("profile p: the web identity token in {token}, then the role ");
    assert!(running.source().await.starts_with(&source));
}

#[tokio::test]
async fn files_are_read_anew_after_a_failure_and_when_their_keys_are_over() {
    let ecr = Ecr::start().await.unwrap();
    let endpoints = json!({"endpoints": [{"ecr": ecr.url()}]});
    let running = Machine::new().file(".aws/sso", "").configured(endpoints).await;
    let path = running.path(".aws/config");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let (no_region, no_keys) = ("no AWS Region is configured", "no AWS credentials were found");
    let keys =
        |id: &str| format!("[default]\nregion = eu-west-1\naws_access_key_id = {id}\naws_secret_access_key = s\n");

    let mut plugin = running.plugin;
    assert!(plugin.error().await.contains(no_region));
    write("[default]\nregion = eu-west-1\n");
    assert!(plugin.error().await.contains(no_keys));
    write("[default]\nregion = eu-west-1\naws_access_key_id = AKIDFIRST\n");
    assert!(plugin.error().await.contains("aws_secret_access_key is missing"));
    write(&keys("AKIDFIRST"));
    plugin.get_credentials("000000000001").await.expect("keys that are there now");

    write(&keys("AKIDSECOND"));
    plugin.get_credentials("000000000002").await.expect("keys that are known");
    ecr.answer_next(OVER);
    assert!(plugin.error().await.contains("have expired"));
    plugin.get_credentials("000000000003").await.expect("new keys");
    let keys: Vec<_> = ecr.requests().into_iter().map(|asked| asked.access_key).collect();
    assert_eq!(keys, ["AKIDFIRST", "AKIDFIRST", "AKIDFIRST", "AKIDSECOND"]);
}

#[tokio::test]
async fn keys_that_are_over_do_not_take_newer_ones_along() {
    let ecr = Ecr::start().await.unwrap();
    let running = Machine::new().config("").configured(calls(&ecr)).await;
    let path = running.path(".aws/config");
    let write =
        |id: &str| std::fs::write(&path, format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = s\n"));
    let mut plugin = running.plugin;

    write("AKIDFIRST").unwrap();
    ecr.set_latency(Duration::from_secs(2));
    ecr.answer_next(OVER);
    let late = plugin.begin(json!({"registryId": "000000000001"}));
    ecr.wait_for_requests(1).await;
    ecr.set_latency(Duration::ZERO);
    ecr.answer_next(OVER);
    assert!(plugin.error().await.contains("have expired"));
    write("AKIDSECOND").unwrap();
    plugin.get_credentials("000000000002").await.expect("new keys");

    write("AKIDTHIRD").unwrap();
    let status = within_deadline("the late answer", late).await.unwrap().map(drop).unwrap_err();
    assert!(status.message().contains("have expired"), "{status}");
    plugin.get_credentials("000000000003").await.expect("keys that are known");
    let keys: Vec<_> = ecr.requests().into_iter().map(|asked| asked.access_key).collect();
    assert_eq!(keys, ["AKIDFIRST", "AKIDFIRST", "AKIDSECOND", "AKIDSECOND"]);
}

#[tokio::test]
async fn a_credential_process_hands_out_keys() {
    let ecr = Ecr::start().await.unwrap();
    let output = r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "process-secret",
        "SessionToken": "process-token", "Expiration": "2999-01-01T00:00:00Z"}"#;
    let machine =
        Machine::new().file("output.json", output).config("[default]\ncredential_process = cat ~/output.json");
    let mut running = machine.configured(calls(&ecr)).await;
    let asked = running.asked(&ecr).await;
    assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("AKIDPROCESS", "process-token"));
    assert!(asked.is_signed_with("process-secret"));
    assert_eq!(running.source().await, "profile default: the credential_process of profile default");
}

#[tokio::test]
async fn a_credential_process_that_fails_is_quoted_but_its_output_is_not() {
    for (command, part) in [
        ("sh -c 'echo to-hide; echo no vault >&2; exit 3'", "it ended with exit status: 3 and said: no vault."),
        ("echo to-hide", "its output is not a JSON object with Version 1."),
        ("cat /dev/zero", "its output is longer than 1 MiB, so it was ended."),
        (r#"echo '{"Version": 2, "AccessKeyId": "to-hide"}'"#, "its output is not a JSON object with Version 1."),
        (r#"echo '{"Version": 1, "AccessKeyId": ["to-hide"]}'"#, "its AccessKeyId is not text."),
        (
            r#"echo '{"Version": 1, "AccessKeyId": "to-hide", "SecretAccessKey": "s", "Expiration": "later"}'"#,
            "its Expiration is not a time.",
        ),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let machine = Machine::new().config(&format!("[default]\ncredential_process = {command}"));
        let error = machine.error(calls(&ecr)).await;
        let part = format!("the credential_process of profile default gave no AWS credentials: {part}");
        assert!(error.contains(&part), "{error}");
        assert!(!error.contains("to-hide"), "{error}");
    }
}

#[tokio::test]
async fn a_credential_process_may_say_much_to_stderr() {
    let ecr = Ecr::start().await.unwrap();
    let output = json!({"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "secret"}).to_string();
    let command = "head --bytes 3000000 /dev/zero >&2; cat ~/output.json";
    let machine = Machine::new().file("output.json", output);
    let mut running =
        machine.config(&format!("[default]\ncredential_process = {command}")).configured(calls(&ecr)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "AKIDPROCESS");
}

const HANGS: &str = "[default]\ncredential_process = sleep 1000 & echo $! > ~/child; wait";

/// Whether the process whose id is in the file runs.
pub(crate) fn runs(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    status.is_ok_and(|status| !status.contains(") Z "))
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    within_deadline(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_credential_process_that_hangs_is_ended_with_its_children() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = Machine::new().config(HANGS).configured(calls(&ecr)).await;
    let error = running.plugin.error().await;
    assert!(error.contains("it took longer than 60 seconds and was ended"), "{error}");
    let pid = std::fs::read_to_string(running.path("child")).unwrap();
    until("the child's end", || !runs(&pid)).await;
}

/// The id of the child of [`HANGS`], once it runs.
async fn child_of(running: &Running) -> String {
    let child = running.path("child");
    until("the child's start", || std::fs::read_to_string(&child).is_ok_and(|pid| pid.ends_with('\n'))).await;
    let pid = std::fs::read_to_string(&child).unwrap();
    assert!(runs(&pid));
    pid
}

#[tokio::test]
async fn the_end_of_the_plugin_ends_the_credential_process() {
    let ecr = Ecr::start().await.unwrap();
    let running = Machine::new().config(HANGS).configured(calls(&ecr)).await;
    let _call = running.plugin.begin(json!({"registryId": REGISTRY}));
    let pid = child_of(&running).await;
    running.plugin.signal("TERM").await;
    running.plugin.wait().await;
    until("the child's end", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_cancelled_call_ends_the_credential_process() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = Machine::new().config(HANGS).configured(calls(&ecr)).await;
    let call = running.plugin.begin(json!({"registryId": REGISTRY}));
    let pid = child_of(&running).await;
    running.plugin.client.cancel(()).await.unwrap();
    assert_eq!(call.await.unwrap().map(drop).unwrap_err().code(), tonic::Code::Cancelled);
    until("the child's end", || !runs(&pid)).await;
}

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

#[tokio::test]
async fn an_sso_session_that_is_over_names_the_command_that_renews_it() {
    let machine = || Machine::new().config(SSO_SESSION);
    for (machine, status, problem) in [
        (machine().file(SESSION_CACHE, sso_token("2020-01-01T00:00:00Z")), 200, "has expired"),
        (machine().file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z")), 401, "has expired"),
        (machine(), 200, "was not found: nobody has signed in on this machine"),
        (machine().file(SESSION_CACHE, "{"), 200, "is kept in a file that cannot be read or is not understood"),
        (machine().file(SESSION_CACHE, "{}"), 200, "is kept in a file that cannot be read or is not understood"),
    ] {
        let (ecr, portal) = (Ecr::start().await.unwrap(), portal(status).await);
        let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}));
        let error = machine.error(configuration).await;
        let expected = format!("the SSO session of profile p {problem}. Run `aws sso login --profile p`.");
        assert!(error.ends_with(&expected), "{expected}: {error}");
    }
}

#[tokio::test]
async fn a_web_identity_is_read_anew_when_its_credentials_are_over() {
    let ecr = Ecr::start().await.unwrap();
    let sts = Sts::with_lifetime(Duration::from_secs(5)).await.unwrap();
    let machine = Machine::new().file("token", "first-token\n");
    let token = machine.path("token");
    let machine = machine
        .var("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
        .var("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Pod")
        .var("AWS_ROLE_SESSION_NAME", "pod");
    let mut running = machine.configured(with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}))).await;
    let asked = running.asked(&ecr).await;
    assert_eq!(asked.access_key, "ASIAPod");
    assert!(asked.is_signed_with(&secret_key("ASIAPod")));
    std::fs::write(&token, "second-token").unwrap();
    let asked = running.plugin.get_credentials("210987654321").await;
    asked.expect("a token");
    let tokens: Vec<_> = sts.asked().iter().map(|asked| asked.field("WebIdentityToken")).collect();
    assert_eq!(tokens, ["first-token", "second-token"]);
    let [first, _] = &sts.asked()[..] else { panic!("two exchanges") };
    assert_eq!((first.field("RoleSessionName").as_str(), first.access_key()), ("pod", ""));
    assert!(running.source().await.starts_with(&format!("the web identity token in {token}, then the role")));
}

#[tokio::test]
async fn a_web_identity_that_cannot_be_read_to_its_end_is_given_up() {
    let (ecr, machine) = (Ecr::start().await.unwrap(), Machine::new());
    let pipe = machine.path("pipe");
    let made = tokio::process::Command::new("mkfifo").arg(&pipe).status().await.unwrap();
    assert!(made.success());
    let machine = machine.var("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Pod");
    let error = machine.var("AWS_WEB_IDENTITY_TOKEN_FILE", &pipe).error(calls(&ecr)).await;
    let part = format!("the web identity token in {pipe} gave no AWS credentials: the file cannot be read in time. ");
    assert!(error.contains(&part), "{error}");
}

#[tokio::test]
async fn a_web_identity_can_stand_in_the_configuration() {
    let role = "arn:aws:iam::111122223333:role/Ci";
    let file = Machine::new().file("token", "file-token");
    let path = file.path("token");
    let variables = Machine::new().file("token", "file-token").var("AWS_ROLE_ARN", role);
    let variable_path = variables.path("token");
    for (machine, identity, token) in [
        (Machine::new(), json!({"roleArn": role, "webIdentityToken": secret("inline-token")}), "inline-token"),
        (file, json!({"roleArn": role, "webIdentityTokenFile": path}), "file-token"),
        (variables.var("AWS_WEB_IDENTITY_TOKEN_FILE", variable_path), json!({}), "file-token"),
    ] {
        let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
        let identity =
            with(identity, json!({"duration": "1h", "policy": "{}", "policyArns": ["arn:aws:iam::aws:policy/X"]}));
        // It wins over the keys of the environment.
        let more = json!({"endpoints": [{"sts": sts.url()}], "assumeRoleWithWebIdentity": identity});
        let mut running = machine.keys().configured(with(calls(&ecr), more)).await;
        let asked = running.asked(&ecr).await;
        assert_eq!(asked.access_key, "ASIACi");
        assert!(asked.is_signed_with(&secret_key("ASIACi")));
        let [asked] = &sts.asked()[..] else { panic!("one exchange") };
        assert_eq!(asked.access_key(), "", "the token is all that says who asks");
        let told = ["WebIdentityToken", "RoleArn", "DurationSeconds", "Policy", "PolicyArns.member.1.arn"];
        assert_eq!(told.map(|field| asked.field(field)), [token, role, "3600", "{}", "arn:aws:iam::aws:policy/X"]);
        assert!(running.source().await.starts_with("the web identity token "));
    }
}

#[tokio::test]
async fn variables_complete_a_configured_web_identity_but_do_not_replace_it() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let machine = || {
        let machine = Machine::new().var("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Variable");
        machine.var("AWS_ROLE_SESSION_NAME", "variable").var("AWS_WEB_IDENTITY_TOKEN_FILE", "/absent")
    };
    let configured = json!({"roleArn": "arn:aws:iam::111122223333:role/Configured", "sessionName": "configured"});
    for (identity, access_key, session_name) in
        [(json!({}), "ASIAVariable", "variable"), (configured, "ASIAConfigured", "configured")]
    {
        let identity = with(identity, json!({"webIdentityToken": "inline-token"}));
        let more = json!({"endpoints": [{"sts": sts.url()}], "assumeRoleWithWebIdentity": identity});
        let mut running = machine().configured(with(calls(&ecr), more)).await;
        assert_eq!(running.asked(&ecr).await.access_key, access_key);
        let asked = sts.asked().pop().expect("an exchange");
        assert_eq!(asked.field("RoleSessionName"), session_name);
    }
}

#[tokio::test]
async fn roles_are_assumed_with_what_a_web_identity_is_exchanged_for() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let identity = json!({"roleArn": "arn:aws:iam::111122223333:role/Ci", "webIdentityToken": "inline-token"});
    let more = json!({"endpoints": [{"sts": sts.url()}], "assumeRoleWithWebIdentity": identity,
        "assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/Deploy"}]});
    let mut running = Machine::new().configured(with(calls(&ecr), more)).await;
    let asked = running.asked(&ecr).await;
    assert_eq!(asked.access_key, "ASIADeploy");
    assert!(asked.is_signed_with(&secret_key("ASIADeploy")));
    let [exchange, role] = &sts.asked()[..] else { panic!("an exchange and a role") };
    assert_eq!((exchange.access_key(), role.access_key()), ("", "ASIACi"));
    assert!(role.is_signed_with(&secret_key("ASIACi")));
    let source = "the web identity token of the configuration, then the role arn:aws:iam::111122223333:role/Ci, then the \
                  role arn:aws:iam::111122223333:role/Deploy";
    assert_eq!(running.source().await, source);
}

pub(crate) const CONTAINER_KEYS: &str = r#"{"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "container-secret",
    "Token": "container-token", "Expiration": "2999-01-01T00:00:00Z"}"#;

#[tokio::test]
async fn a_container_asks_its_service() {
    let service = || Server::start(|_| Reply::Body(200, CONTAINER_KEYS.to_owned()));
    let machine = Machine::new().file("pod-token", "from-file");
    let token_file = machine.path("pod-token");
    for (machine, expected) in [
        (Machine::new().var("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable"), "from-variable"),
        (machine.var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_file), "from-file"),
        (Machine::new(), ""),
    ] {
        let (ecr, service) = (Ecr::start().await.unwrap(), service().await.unwrap());
        let machine = machine.var("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/role?x=1", service.url()));
        let mut running = machine.configured(calls(&ecr)).await;
        let asked = running.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("ASIACONTAINER", "container-token"));
        assert!(asked.is_signed_with("container-secret"));
        let [asked] = &service.asked()[..] else { panic!("one question") };
        assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/role?x=1", expected));
        assert_eq!(running.source().await, format!("the container's service at {}/role", service.url()));
    }
}

#[tokio::test]
async fn a_container_s_service_that_is_no_good_is_an_error() {
    for (name, value, part) in [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "127.0.0.1:1", "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/x", "FULL_URI names neither this machine nor the"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x", "127.0.0.1:1 could not be reached: "),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "role", "RELATIVE_URI must begin with a slash"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let configuration = with(calls(&ecr), json!({"maxRetries": 1}));
        let mut running = Machine::new().var(name, value).configured(configuration).await;
        let error = running.plugin.error().await;
        assert!(error.contains(part), "{error}");
        running.plugin.client.get_plugin_info(()).await.expect("the plugin still runs");
    }
    let service = Server::start(|_| Reply::Body(200, r#"{"AccessKeyId": "to-hide"}"#.to_owned())).await.unwrap();
    let ecr = Ecr::start().await.unwrap();
    let error = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url()).error(calls(&ecr)).await;
    assert!(error.contains("its SecretAccessKey is missing") && !error.contains("to-hide"), "{error}");
}

#[tokio::test]
async fn a_container_s_service_that_stops_halfway_is_given_up() {
    let service = Server::start(|_| Reply::Half(200, CONTAINER_KEYS.to_owned())).await.unwrap();
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url());
    let error = machine.error(with(calls(&ecr), json!({"maxRetries": 1}))).await;
    let expected = format!("the container's service at {}/ did not answer in time. Try again", service.url());
    assert!(error.contains(&expected) || error.contains(&expected.replace("/ did", " did")), "{error}");
}

const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const INSTANCE_KEYS: &str = r#"{"Code": "Success", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "instance-secret",
    "Token": "instance-token", "Expiration": "2999-01-01T00:00:00Z"}"#;

/// The metadata service; the first version refuses requests with a token.
async fn metadata(second_version: bool) -> Server {
    metadata_at("127.0.0.1:0", second_version).await
}

/// The same at this address.
pub(crate) async fn metadata_at(address: &str, second_version: bool) -> Server {
    Server::start_at(address, move |asked: &Asked| {
        let token = asked.headers.get("x-aws-ec2-metadata-token").map(String::as_str);
        match (asked.method.as_str(), asked.path.as_str()) {
            ("PUT", "/latest/api/token") if second_version => {
                Reply::WithHeader(200, "imds-token".to_owned(), ("x-aws-ec2-metadata-token-ttl-seconds", "21600"))
            }
            ("GET", path) if token == second_version.then_some("imds-token") => match path.strip_prefix(ROLE_PATH) {
                Some("") => Reply::Body(200, "web-server".to_owned()),
                Some("web-server") => Reply::Body(200, INSTANCE_KEYS.to_owned()),
                _ => Reply::Body(404, String::new()),
            },
            ("PUT", _) => Reply::Body(405, String::new()),
            _ => Reply::Body(401, String::new()),
        }
    })
    .await
    .unwrap()
}

pub(crate) fn instance(metadata: &Server) -> Machine {
    Machine::new().without("AWS_EC2_METADATA_DISABLED").var("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
}

#[tokio::test]
async fn an_instance_asks_both_versions_of_the_metadata_service() {
    for second_version in [true, false] {
        let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(second_version).await);
        let mut running = instance(&metadata).configured(calls(&ecr)).await;
        let asked = running.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("ASIAINSTANCE", "instance-token"));
        assert!(asked.is_signed_with("instance-secret"));
        assert_eq!(running.source().await, "the instance metadata service, for the role web-server");
    }
}

#[tokio::test]
async fn the_profile_that_is_configured_tells_where_the_metadata_service_is() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(true).await);
    let profile = format!("[profile p]\nec2_metadata_service_endpoint = {}\n", metadata.url());
    let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED").file("other", profile);
    let more = json!({"profile": "p", "sharedConfigFiles": [machine.path("other")]});
    let mut running = machine.configured(with(calls(&ecr), more)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIAINSTANCE");
}

#[tokio::test]
async fn the_configuration_and_then_the_environment_tell_where_the_metadata_service_is() {
    let metadata = metadata(true).await;
    let nowhere = "[default]\nec2_metadata_service_endpoint = http://127.0.0.1:1\n";
    let configured = instance(&metadata).var("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    for (machine, more) in [
        (configured, json!({"ec2MetadataServiceEndpoint": metadata.url()})),
        (instance(&metadata).config(nowhere), json!({})),
        // An endpoint wins over where the mode says that it is.
        (instance(&metadata), json!({"ec2MetadataServiceEndpointMode": "IPv6"})),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let mut running = machine.configured(with(calls(&ecr), more)).await;
        assert_eq!(running.asked(&ecr).await.access_key, "ASIAINSTANCE");
    }
}

#[tokio::test]
async fn the_metadata_service_s_first_version_can_be_disabled() {
    let variable: fn(Machine) -> Machine = |machine| machine.var("AWS_EC2_METADATA_V1_DISABLED", "TRUE");
    let profile: fn(Machine) -> Machine = |machine| machine.config("[default]\nec2_metadata_v1_disabled = true\n");
    for disable in [variable, profile] {
        let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(false).await);
        let error = disable(instance(&metadata)).error(calls(&ecr)).await;
        assert!(error.contains("the instance metadata service ("), "{error}");
        assert!(metadata.asked().iter().all(|asked| asked.method == "PUT"), "nothing is asked for without a token");
    }
}

#[tokio::test]
async fn settings_of_the_metadata_service_that_are_none_are_an_error() {
    for (name, value, problem) in [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "somewhere", "is not a URL"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5", "is neither IPv4 nor IPv6"),
        ("AWS_EC2_METADATA_V1_DISABLED", "perhaps", "is neither true nor false"),
        ("AWS_METADATA_URL", "somewhere", "is not a URL"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let error = Machine::new().without("AWS_EC2_METADATA_DISABLED").var(name, value).error(calls(&ecr)).await;
        assert!(error.contains(&format!("the environment variable {name} {problem}. Correct or unset it.")), "{error}");
    }
}

#[tokio::test]
async fn moto_s_metadata_service_is_understood() {
    let (ecr, moto) = (Ecr::start().await.unwrap(), Moto::start().await);
    let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED");
    let more = json!({"ec2MetadataServiceEndpoint": moto.url()});
    let mut running = machine.configured(with(calls(&ecr), more)).await;
    running.asked(&ecr).await;
    assert!(running.source().await.starts_with("the instance metadata service, for the role "));
}

#[tokio::test]
async fn the_metadata_service_is_not_asked_if_it_is_disabled() {
    let switches = [
        (vec![("AWS_EC2_METADATA_DISABLED", "true")], json!({}), false),
        (vec![("AWS_EC2_METADATA_DISABLED", "TRUE")], json!({}), false),
        (vec![("AWS_SKIP_METADATA_API_CHECK", "true")], json!({}), false),
        (vec![], json!({"skipMetadataApiCheck": true}), false),
        (vec![], json!({"skipMetadataApiCheck": "true"}), false),
        (vec![("AWS_EC2_METADATA_DISABLED", "true")], json!({"skipMetadataApiCheck": "false"}), true),
        (vec![("AWS_EC2_METADATA_DISABLED", "false")], json!({}), true),
    ];
    for (variables, more, is_asked) in switches {
        let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata(true).await);
        let machine = variables.iter().fold(instance(&metadata), |machine, (name, value)| machine.var(name, value));
        let mut running = machine.configured(with(calls(&ecr), more.clone())).await;
        let result = running.plugin.get_credentials(REGISTRY).await;
        assert_eq!(result.is_ok(), is_asked, "{variables:?} {more}");
        assert_eq!(!metadata.asked().is_empty(), is_asked, "{variables:?} {more}");
    }
}

#[tokio::test]
async fn a_metadata_service_that_hangs_is_given_up() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), Server::start(|_| Reply::Never).await.unwrap());
    let error = instance(&metadata).error(with(calls(&ecr), json!({"maxRetries": 1}))).await;
    let part = format!("the instance metadata service ({} did not answer in time)", metadata.address());
    assert!(error.contains(&part), "{error}");
}

#[tokio::test]
async fn an_instance_without_a_role_says_so() {
    let ecr = Ecr::start().await.unwrap();
    let metadata = Server::start(|asked| match asked.method.as_str() {
        "PUT" => Reply::Body(200, "imds-token".to_owned()),
        _ => Reply::Body(404, String::new()),
    });
    let error = instance(&metadata.await.unwrap()).error(calls(&ecr)).await;
    assert!(
        error.contains("; the instance metadata service (it has no role for this instance). Set AWS_PROFILE"),
        "{error}"
    );
}

#[tokio::test]
async fn a_metadata_service_that_is_none_does_no_harm() {
    for body in ["<html>sign in to the hotel's network</html>", "", "two words", "../../x"] {
        let ecr = Ecr::start().await.unwrap();
        let reply = ("x-aws-ec2-metadata-token-ttl-seconds", "21600");
        let metadata = Server::start(move |_| Reply::WithHeader(200, body.to_owned(), reply)).await.unwrap();
        let mut running = instance(&metadata).configured(calls(&ecr)).await;
        let error = running.plugin.error().await;
        assert!(error.contains("the instance metadata service"), "{error}");
        running.plugin.client.get_plugin_info(()).await.expect("the plugin still runs");
    }
}

#[tokio::test]
async fn roles_are_assumed_in_order_with_all_that_is_configured() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let roles = json!([
        {"roleArn": "arn:aws:iam::111122223333:role/First"},
        {
            "roleArn": "arn:aws:iam::444455556666:role/Second", "duration": "1h30m", "externalId": "42",
            "policy": r#"{"Version": "2012-10-17"}"#, "policyArns": ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"],
            "sessionName": "me", "sourceIdentity": "you", "tags": {"Team": "a", "Stage": ""}, "transitiveTagKeys": ["Team"],
        },
    ]);
    // As text, typed, and as a secret, which the log does not show.
    let roles_text = roles.to_string();
    for roles in [json!(roles_text), roles.clone(), secret(roles_text.clone())] {
        let before = sts.asked().len();
        let more = json!({"endpoints": [{"sts": sts.url()}], "assumeRoles": roles});
        let mut running = Machine::new().keys().configured(with(calls(&ecr), more)).await;
        let asked = running.asked(&ecr).await;
        assert!(asked.is_signed_with(&secret_key("ASIASecond")));
        assert_eq!((asked.access_key.as_str(), asked.session_token), ("ASIASecond", session_token("ASIASecond")));
        let [first, second] = &sts.asked()[before..] else { panic!("two roles") };
        assert_eq!((first.access_key(), second.access_key()), ("AKIDENVIRONMENT", "ASIAFirst"));
        assert!(first.is_signed_with("environment-secret") && second.is_signed_with(&secret_key("ASIAFirst")));
        assert_eq!(second.header("x-amz-security-token"), session_token("ASIAFirst"));
        assert!(first.field("RoleSessionName").starts_with("pulumi-resource-aws-"));
        for (field, value) in [
            ("RoleArn", "arn:aws:iam::444455556666:role/Second"),
            ("DurationSeconds", "5400"),
            ("ExternalId", "42"),
            ("Policy", r#"{"Version": "2012-10-17"}"#),
            ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/A"),
            ("PolicyArns.member.2.arn", "arn:aws:iam::aws:policy/B"),
            ("RoleSessionName", "me"),
            ("SourceIdentity", "you"),
            ("Tags.member.1.Key", "Stage"),
            ("Tags.member.1.Value", ""),
            ("Tags.member.2.Key", "Team"),
            ("Tags.member.2.Value", "a"),
            ("TransitiveTagKeys.member.1", "Team"),
        ] {
            assert_eq!(second.field(field), value, "{field}");
        }
        let [first, second] = match roles == secret(roles_text.clone()) {
            true => ["[secret]"; 2],
            false => ["arn:aws:iam::111122223333:role/First", "arn:aws:iam::444455556666:role/Second"],
        };
        let source = format!(
            "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), then the role {first}, then the role {second}"
        );
        assert_eq!(running.source().await, source);
    }
}

#[tokio::test]
async fn the_older_form_of_one_role_is_understood() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let role = json!({"roleArn": "arn:aws:iam::111122223333:role/Old", "externalId": secret("42")});
    let more = json!({"endpoints": [{"sts": sts.url()}], "assumeRole": role, "stsRegion": "us-east-2"});
    let mut running = Machine::new().keys().configured(with(calls(&ecr), more)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIAOld");
    let [asked] = &sts.asked()[..] else { panic!("one role") };
    assert_eq!((asked.field("ExternalId").as_str(), asked.region()), ("42", "us-east-2"));
    assert!(asked.is_signed_with("environment-secret"));
}

#[tokio::test]
async fn moto_s_sts_and_ecr_are_understood() {
    let moto = Moto::start().await;
    let more = json!({
        "region": "eu-west-1",
        "endpoints": [{"ecr": moto.url(), "sts": moto.url()}],
        "assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/Any"}],
        "allowedAccountIds": ["111122223333"],
    });
    let mut running = Machine::new().keys().configured(more).await;
    let results = running.plugin.get_credentials(REGISTRY).await.expect("a token");
    assert_eq!(results["password"], format!("{REGISTRY}-auth-token"));
}

#[tokio::test]
async fn credentials_are_looked_up_once_and_again_when_they_are_over() {
    let ecr = Ecr::start().await.unwrap();
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let service = Server::start(move |_| {
        // The first credentials last, the second ones hardly.
        let year = if counted.fetch_add(1, Ordering::Relaxed) == 0 { "2999" } else { "2020" };
        Reply::Body(200, CONTAINER_KEYS.replace("2999", year))
    })
    .await
    .unwrap();
    let machine = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url());
    let mut running = machine.configured(calls(&ecr)).await;
    let calls = (1..=20).map(|number| running.plugin.begin(json!({"registryId": format!("{number:012}")})));
    for call in calls.collect::<Vec<_>>() {
        within_deadline("a call", call).await.unwrap().expect("a token");
    }
    running.source().await;
    assert_eq!((count.load(Ordering::Relaxed), running.look_ups()), (1, 1));

    ecr.answer_next(OVER);
    running.plugin.get_credentials("000000000101").await.expect_err("AWS says that the credentials are over");
    for registry in ["000000000102", "000000000103"] {
        running.plugin.get_credentials(registry).await.expect("a token");
    }
    assert_eq!(count.load(Ordering::Relaxed), 3, "once more after they were over, and each time if they are over");
}

#[tokio::test]
async fn without_any_source_all_are_named_in_order() {
    let ecr = Ecr::start().await.unwrap();
    let error = Machine::new().error(calls(&ecr)).await;
    let expected = "no AWS credentials were found; looked, in this order, at: the environment (AWS_ACCESS_KEY_ID is not \
                    set); a web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set); profile default (there is none in \
                    the shared AWS files); the container's service (neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor \
                    AWS_CONTAINER_CREDENTIALS_FULL_URI is set); the instance metadata service (disabled by \
                    AWS_EC2_METADATA_DISABLED). Set AWS_PROFILE";
    assert!(error.contains(expected), "{error}");
    // A configured profile leaves out what is asked before profiles.
    let machine = Machine::new().keys().config("[profile p]\nregion = eu-west-1\n");
    let machine =
        machine.without("AWS_EC2_METADATA_DISABLED").var("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    let error = machine.error(with(calls(&ecr), json!({"profile": "p", "maxRetries": 1}))).await;
    let expected = "looked, in this order, at: profile p (it has no credentials); the container's service (neither \
                    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set); the instance \
                    metadata service (127.0.0.1:1 could not be reached: ";
    assert!(error.contains(expected), "{error}");
    assert_eq!(ecr.connections(), 0);
}

#[tokio::test]
async fn a_profile_that_is_not_there_says_which_are_wherever_it_is_named() {
    let ecr = Ecr::start().await.unwrap();
    let machine = || Machine::new().config("[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-west-1\n");
    let nowhere = json!({"endpoints": [{"ecr": ecr.url()}]});
    for (machine, configuration) in [
        (machine(), with(calls(&ecr), json!({"profile": "absent"}))),
        (machine().var("AWS_PROFILE", "absent"), calls(&ecr)),
        // Other credentials may be of another account.
        (machine().var("AWS_PROFILE", "absent").keys(), calls(&ecr)),
        // It was to name the Region, too.
        (machine(), with(nowhere.clone(), json!({"profile": "absent"}))),
        (machine().var("AWS_PROFILE", "absent"), nowhere.clone()),
    ] {
        let error = machine.error(configuration.clone()).await;
        let expected =
            ": there is no profile absent in the shared AWS files, only: default, dev. Correct aws:profile, ";
        assert!(error.contains(expected), "{configuration}: {error}");
    }
}

#[tokio::test]
async fn a_profile_that_is_not_complete_says_what_is_missing() {
    for (profile, part) in [
        ("source_profile = q", "source_profile needs a role_arn"),
        ("role_arn = arn:aws:iam::1:role/x\ncredential_process = y\ncredential_source = Environment", "exclude"),
        ("role_arn = arn:aws:iam::1:role/x\nsource_profile = a\ncredential_source = Environment", "exclude each other"),
        (
            "role_arn = arn:aws:iam::1:role/x\nsource_profile = q\n[profile q]\nrole_arn = y\nsource_profile = p",
            "it has no credentials, and another profile refers to it",
        ),
        ("role_arn = arn:aws:iam::1:role/x\ncredential_source = Moon", "credential_source must be Environment"),
        ("aws_access_key_id = AKID", "aws_secret_access_key is missing"),
        ("aws_secret_access_key = x", "aws_access_key_id is missing"),
        ("web_identity_token_file = x", "needs a role_arn"),
        ("sso_session = none\nsso_account_id = 1\nsso_role_name = r", "there is no section [sso-session …]"),
        ("sso_start_url = https://x\nsso_account_id = 1\nsso_role_name = r", "sso_region is missing"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let machine = Machine::new().config(&format!("[profile p]\n{profile}\n"));
        let error = machine.error(with(calls(&ecr), json!({"profile": "p"}))).await;
        assert!(error.contains("is not complete: ") && error.contains(part), "{profile}: {error}");
    }
}

#[tokio::test]
async fn keys_that_no_header_can_hold_are_an_error_and_not_the_end() {
    let ecr = Ecr::start().await.unwrap();
    let process = r#"{"Version": 1, "AccessKeyId": "AKIDP\r", "SecretAccessKey": "hidden"}"#;
    let keys = json!({"accessKey": "AKIDS\n", "secretKey": "hidden"});
    let token = json!({"accessKey": "AKIDS", "secretKey": "hidden", "token": "hidden\u{7f}"});
    let profile = "[default]\nrole_arn = arn:aws:iam::111122223333:role/R\nsource_profile = base\n\
                   [profile base]\ncredential_process = cat ~/out\n";
    for (machine, configuration, source) in [
        (Machine::new(), with(calls(&ecr), keys), "the provider configuration"),
        (Machine::new(), with(calls(&ecr), token), "the provider configuration"),
        (
            Machine::new().var("AWS_ACCESS_KEY_ID", "AKIDE\r").var("AWS_SECRET_ACCESS_KEY", "hidden"),
            calls(&ecr),
            "the environment",
        ),
        (
            Machine::new().file("out", process).config("[default]\ncredential_process = cat ~/out"),
            calls(&ecr),
            "process",
        ),
        (Machine::new().file("out", process).config(profile), calls(&ecr), "process"),
    ] {
        let mut running = machine.start().await;
        running.plugin.configure(configuration).await.unwrap();
        let error = running.plugin.error().await;
        assert!(error.contains(source) && error.contains("gave no AWS credentials: a key or"), "{error}");
        assert!(!error.contains("hidden") && !error.contains("AKID"), "{error}");
        running.plugin.configure(with(calls(&ecr), json!({"accessKey": "AKIDS", "secretKey": "good"}))).await.unwrap();
        running.plugin.get_credentials(REGISTRY).await.expect("the plugin still runs");
    }
}

#[tokio::test]
async fn settings_of_retries_that_are_none_are_an_error_and_not_the_end() {
    let ecr = Ecr::start().await.unwrap();
    for (machine, expected) in [
        (Machine::new().keys().var("AWS_RETRY_MODE", "never"), "AWS_RETRY_MODE is neither standard nor adaptive"),
        (Machine::new().keys().var("AWS_MAX_ATTEMPTS", "many"), "AWS_MAX_ATTEMPTS is not a number of tries"),
        (Machine::new().keys().config("[default]\nretry_mode = never\n"), "its retry_mode is neither"),
        (Machine::new().keys().config("[default]\nmax_attempts = many\n"), "its max_attempts is not a number"),
    ] {
        let mut running = machine.start().await;
        running.plugin.configure(calls(&ecr)).await.unwrap();
        let error = running.plugin.error().await;
        assert!(error.contains(expected), "{error}");
        running.plugin.client.get_plugin_info(()).await.expect("the plugin still runs");
    }
    // The AWS CLI has one mode more, and what is empty or configured otherwise does not count.
    for (machine, more) in [
        (Machine::new().keys().var("AWS_RETRY_MODE", "legacy").var("AWS_MAX_ATTEMPTS", ""), json!({})),
        (Machine::new().keys().config("[default]\nretry_mode = legacy\n").var("AWS_RETRY_MODE", ""), json!({})),
        (Machine::new().keys().var("AWS_MAX_ATTEMPTS", "many"), json!({"maxRetries": 2})),
        (Machine::new().keys().var("AWS_RETRY_MODE", "never"), json!({"retryMode": "standard"})),
    ] {
        machine.configured(with(calls(&ecr), more)).await.asked(&ecr).await;
    }
}
