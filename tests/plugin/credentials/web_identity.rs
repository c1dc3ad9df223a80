//! Tokens of OpenID Connect that are exchanged for credentials.

use std::time::Duration;

use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
    sts::{Sts, secret_key},
    values::secret,
};

use crate::machine::{Machine, calls, make_pipe, with};

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
    make_pipe(&pipe);
    let machine = machine.var("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Pod");
    let error = machine.var("AWS_WEB_IDENTITY_TOKEN_FILE", &pipe).error(calls(&ecr)).await;
    let part = format!("the web identity token in {pipe} gave no AWS credentials: the file cannot be read in time. ");
    assert!(error.contains(&part), "{error}");
}

/// AWS STS takes 20,000 characters.
#[tokio::test]
async fn no_part_of_a_long_web_identity_is_shown() {
    for (length, said) in [(20_000, "ends with [secret] (ValidationError)"), (70_000, "the file is longer than 64 KiB")]
    {
        let token: String = (0..length / 5).map(|number| format!("{number:05}")).collect();
        let sts = Server::start(|asked| {
            let token = asked.field("WebIdentityToken");
            let error =
                format!("<Code>ValidationError</Code><Message>ends with {}</Message>", &token[token.len() - 300..]);
            Reply::Body(400, format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"))
        });
        let (ecr, sts) = (Ecr::start().await.unwrap(), sts.await.unwrap());
        let machine = Machine::new().file("token", &token).var("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Pod");
        let path = machine.path("token");
        let machine = machine.var("AWS_WEB_IDENTITY_TOKEN_FILE", path);
        let error = machine.error(with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}))).await;
        assert!(error.contains(said), "{error}");
        assert!(!error.contains(&token[token.len() - 20..]), "{error}");
    }
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
