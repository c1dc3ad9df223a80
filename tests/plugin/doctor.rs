//! `doctor`: it tells what an Invoke does, fails with the same sentence, and never shows a secret.

use std::{collections::BTreeSet, time::UNIX_EPOCH};

use pulumi_resource_aws::packages::{AWS, AWS_ECR};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, password, token},
    forms,
    http::{Reply, Server},
    plugin::{command, served, serving},
    proxy::Proxy,
    sts::{ACCOUNT, Sts},
};

use crate::{
    error_texts::foreign,
    machine::{Machine, REGISTRY, calls, with},
};

const PAGE: &str = include_str!("../../docs/doctor.md");

/// The first cells of the page's table below a heading.
fn rows(heading: &str) -> BTreeSet<String> {
    let (_, table) = PAGE.split_once(&format!("| {heading} | |\n|---|---|\n")).expect("a table");
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.split_once(" | "));
    rows.map(|(cell, _)| cell.trim_matches('`').to_owned()).collect()
}

/// The report for machines.
async fn report(machine: &mut Machine, configuration: &Json, arguments: &[&str]) -> Json {
    let (code, stdout, stderr) = machine.doctor(configuration, &[arguments, &["--json"]].concat()).await;
    assert_eq!(stderr, "");
    let report: Json = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!(report["exitCode"], code);
    report
}

fn text(report: &Json, step: &str) -> String {
    let steps = report["steps"].as_array().expect("a list").iter().filter(|line| line["step"] == step);
    steps.map(|line| line["text"].as_str().expect("text")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn it_tells_each_step_of_a_call() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let mut machine = Machine::new().keys().config("[profile p]\nregion = eu-west-1\n").var("AWS_PROFILE", "p");
    let configuration = json!({"endpoints": [{"ecr": ecr.url(), "sts": sts.url()}], "colour": "blue"});
    let report = report(&mut machine, &configuration, &["--registry", REGISTRY]).await;
    assert_eq!((&report["exitCode"], &report["error"]), (&json!(0), &Json::Null));
    assert_eq!((&report["package"], &report["version"]), (&json!(AWS.name), &json!(AWS.version)));
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/stand-in");
    assert_eq!(report["identity"], json!({"account": ACCOUNT, "arn": arn}));
    let host = ecr.url().replace("http://", "");
    for (step, told) in [
        ("configuration", "aws:colour is not a key that this plugin knows".to_owned()),
        ("files", format!("{} was read", machine.path(".aws/config"))),
        ("profile", "p, by AWS_PROFILE".to_owned()),
        ("region", "eu-west-1, by region of profile p".to_owned()),
        ("trust", "the certificate authorities of this system".to_owned()),
        ("endpoint", format!("ecr: {}, by aws:endpoints", ecr.url())),
        ("proxy", format!("none for {host}: it is this machine")),
        ("credentials", "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)".to_owned()),
        ("token", report["token"]["proxyEndpoint"].as_str().expect("a URL").to_owned()),
        ("token", report["token"]["expiresAt"].as_str().expect("a date").to_owned()),
        ("identity", format!("{arn}, in the account {ACCOUNT}")),
        ("clock", "this machine's".to_owned()),
    ] {
        assert!(text(&report, step).contains(&told), "{step}: {told}: {report}");
    }
    let (code, stdout, _) = machine.doctor(&configuration, &["--registry", REGISTRY]).await;
    assert_eq!(code, 0);
    assert!(stdout.ends_with("well: an Invoke of getCredentials finds what it needs\n"), "{stdout}");
    assert_eq!(ecr.requests().len(), 2, "one call a run");
}

#[tokio::test]
async fn without_a_registry_nothing_is_called() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let role = json!([{"roleArn": "arn:aws:iam::111122223333:role/Deploy"}]);
    let roles = with(calls(&ecr), json!({"assumeRoles": role, "endpoints": [{"sts": sts.url()}]}));
    let mut machine = Machine::new().config("[default]\ncredential_process = touch ~/ran\n");
    let told = report(&mut machine, &roles, &[]).await;
    let source = "credentials would come from profile default: the credential_process of profile default, then the role \
                  arn:aws:iam::111122223333:role/Deploy";
    assert_eq!((&told["exitCode"], text(&told, "source").as_str()), (&json!(0), source));
    assert_eq!((ecr.requests().len(), sts.asked().len()), (0, 0));
    assert!(!std::path::Path::new(&machine.path("ran")).exists(), "the command was run");

    let mut machine = Machine::new().keys();
    let told = report(&mut machine, &json!({"useFipsEndpoint": true}), &["--region", "us-east-1"]).await;
    assert_eq!(text(&told, "proxy"), "http://127.0.0.1:9 for api.ecr-fips.us-east-1.amazonaws.com:443, by HTTPS_PROXY");
    assert_eq!(text(&told, "region"), "us-east-1, by the argument region");
}

/// Ways to fail, and their exit codes.
async fn ways(ecr: &Ecr) -> Vec<(i32, Machine, Json)> {
    let keys = || Machine::new().keys();
    let one = || with(calls(ecr), json!({"maxRetries": 1}));
    vec![
        (4, keys(), json!({})),
        (4, Machine::new(), one()),
        (4, keys().var("AWS_REGION", "eu-west1"), json!({})),
        (4, keys(), with(one(), json!({"customCaBundle": "/absent"}))),
        (4, keys(), with(one(), json!({"profile": "absent"}))),
        (4, Machine::new().config("[default]\ncredential_process = exit 7\n"), one()),
        (4, keys().var("AWS_USE_DUALSTACK_ENDPOINT", "true"), one()),
        (4, keys().var("HTTPS_PROXY", "what://is this"), json!({"region": "eu-west-1", "maxRetries": 1})),
        (5, keys(), one()),
        (5, keys(), json!({"region": "eu-west-1", "maxRetries": 1})),
    ]
}

async fn fails_as_an_invoke_does() {
    let ecr = Ecr::start().await.unwrap();
    let message = "User: arn:aws:iam::1:user/u is not authorized to perform: ecr:GetAuthorizationToken on resource: *";
    ecr.answer_always(Answer::Error(400, "AccessDeniedException", message));
    for (code, mut machine, configuration) in ways(&ecr).await {
        let told = report(&mut machine, &configuration, &["--registry", REGISTRY]).await;
        let sentence = told["error"].as_str().expect("a sentence").to_owned();
        assert_eq!(told["exitCode"], code, "{told}");
        assert_eq!(sentence, machine.error(configuration).await);
        assert_eq!(foreign(&told.to_string()), None, "{told}");
    }
    let mut machine = Machine::new().keys();
    let contradiction = json!({"accessKey": "AKID"});
    let told = report(&mut machine, &contradiction, &[]).await;
    assert_eq!(told["exitCode"], 3);
    let refused = machine.start().await.plugin.configure(contradiction).await.unwrap_err();
    assert_eq!(told["error"], refused.message());
    let told = report(&mut Machine::new(), &json!({}), &["--registry", "12"]).await;
    assert_eq!(told["exitCode"], 2);
    assert!(told["error"].as_str().unwrap().starts_with("registryId must be a registry id"), "{told}");
}

#[tokio::test]
async fn it_fails_with_the_sentence_of_the_call() {
    serving(&AWS, fails_as_an_invoke_does()).await;
}

#[tokio::test]
async fn the_other_package_s_fails_in_its_own_words() {
    serving(&AWS_ECR, fails_as_an_invoke_does()).await;
}

#[tokio::test]
async fn what_this_machine_knows_to_fail_fails_without_a_registry() {
    const SSO: &str = "[default]\nsso_start_url = https://sso.example.com/start\nsso_region = eu-west-1\n\
                       sso_account_id = 111122223333\nsso_role_name = Deploy\n";
    let role = "role_arn = arn:aws:iam::111122223333:role/Deploy";
    let web_identity = format!("[default]\n{role}\nweb_identity_token_file = /absent\n");
    let region = json!({"region": "eu-west-1", "maxRetries": 1});
    for mut machine in [
        Machine::new(),
        Machine::new().config(SSO),
        Machine::new().config("[default]\nlogin_session = arn:aws:iam::111122223333:user/u\n"),
        Machine::new().config(&web_identity),
        Machine::new().keys().var("HTTPS_PROXY", "what://is this"),
    ] {
        let told = report(&mut machine, &region, &[]).await;
        assert_eq!(told["exitCode"], 4, "{told}");
        let sentence = machine.error(region.clone()).await.replace(&format!("registry {REGISTRY}"), "a registry");
        assert_eq!(told["error"], sentence);
    }
    let (code, stdout, _) = Machine::new().keys().doctor(&region, &[]).await;
    assert_eq!(code, 0);
    assert!(stdout.ends_with("well: nothing is wrong up to the first call, which --registry ID makes\n"), "{stdout}");
}

#[tokio::test]
async fn whoever_is_denied_reads_who_that_is() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    ecr.answer_always(Answer::Error(400, "AccessDeniedException", "no"));
    let configuration = with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}));
    let told = report(&mut Machine::new().keys(), &configuration, &["--registry", REGISTRY]).await;
    assert_eq!((&told["exitCode"], &told["identity"]["account"]), (&json!(5), &json!(ACCOUNT)));
    assert_eq!(text(&told, "source"), "", "credentials came");

    sts.fail(403, "AccessDenied", "no");
    ecr.answer_always(Answer::Token);
    let told = report(&mut Machine::new().keys(), &configuration, &["--registry", REGISTRY]).await;
    assert_eq!((&told["exitCode"], &told["identity"]), (&json!(0), &Json::Null), "not to know it is no failure");
    assert!(text(&told, "identity").starts_with("AWS STS does not say: AWS denied access"), "{told}");
}

#[tokio::test]
async fn the_clock_is_compared_with_that_of_who_answers() {
    for (date, seconds, told) in [
        ("Mon, 01 Jan 2001 00:00:00 GMT", 978_307_200, "s ahead of"),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 4_102_444_800, "s behind"),
    ] {
        let server = Server::start(move |_| Reply::WithHeader(404, String::new(), ("date", date))).await.unwrap();
        let configuration = json!({"region": "eu-west-1", "maxRetries": 1,
            "endpoints": [{"ecr": server.url(), "sts": server.url()}]});
        let before = UNIX_EPOCH.elapsed().unwrap().as_secs().abs_diff(seconds);
        let clock = text(&report(&mut Machine::new().keys(), &configuration, &["--registry", REGISTRY]).await, "clock");
        let after = UNIX_EPOCH.elapsed().unwrap().as_secs().abs_diff(seconds);
        let line = |seconds| format!("this machine's is {seconds} {told} that of {}", server.address());
        assert!((before.min(after)..=before.max(after)).any(|seconds| clock.contains(&line(seconds))), "{clock}");
    }
}

#[tokio::test]
async fn what_is_waited_for_is_said_beside_the_report() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    for _ in 0..5 {
        ecr.answer_next(Answer::Error(400, "ThrottlingException", "Rate exceeded"));
    }
    let configuration = with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}));
    let (code, stdout, stderr) = Machine::new().keys().doctor(&configuration, &["--registry", REGISTRY]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stderr.starts_with("waiting for Amazon ECR in eu-west-1"), "{stderr}");
    assert!(!stdout.contains("waiting"), "{stdout}");
}

#[tokio::test]
async fn command_lines_that_are_wrong_are_told_in_a_sentence_that_quotes_nothing() {
    for package in [&AWS, &AWS_ECR] {
        serving(package, async {
            for arguments in [
                &["--colour", "s3cret"][..],
                &["secretKey=s3cret"],
                &["--json=s3cret"],
                &["--json", "--colour"],
                &["--config", "s3cret"],
                &["--config", "=s3cret"],
                &["--config"],
                &["--registry"],
            ] {
                let output = command().arg("doctor").args(arguments).output().await.unwrap();
                assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{arguments:?}");
                let text = String::from_utf8(output.stderr).unwrap();
                let start = format!("{}: ", served().executable());
                let sentence = text.strip_prefix(&start).expect("whose sentence it is");
                assert!(
                    ["doctor has the flags", "--config needs", "--registry needs"]
                        .iter()
                        .any(|start| sentence.starts_with(start))
                );
                assert!(!text.contains("s3cret"), "{text}");
                assert_eq!(foreign(&text), None, "{text}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_stands_in_the_place_of_a_key_is_not_shown() {
    for package in [&AWS, &AWS_ECR] {
        serving(package, async {
            for secret in [
                "IQoJb3JpZ2luX2VjEXAMPLETOKENofSomeLength==",
                "wJalrXUtnFEMI/K7MDENG+x",
                "wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY",
            ] {
                let pair = format!("{secret}=x");
                for arguments in [&["--config", &pair][..], &["--config", &pair, "--json"]] {
                    let output = command().arg("doctor").args(arguments).output().await.unwrap();
                    let seen = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
                    assert!(!seen.contains(secret.trim_end_matches('=')), "{seen}");
                    assert!(seen.contains("(a text that is no key)"), "{seen}");
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn no_key_of_the_configuration_shows_a_secret_in_it() {
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let schema: Json = serde_json::from_str(include_str!("../../schema.json")).unwrap();
    let ecr = Ecr::start().await.unwrap();
    for (key, described) in schema["config"]["variables"].as_object().unwrap() {
        let is_list = described["type"] == "array";
        let in_list = |value: Json| if is_list { json!([value]) } else { value };
        let reference = described["$ref"].as_str().or(described["items"]["$ref"].as_str());
        let object = reference.map(|name| &schema["types"][name.trim_start_matches("#/types/")]["properties"]);
        let names = object.and_then(Json::as_object).into_iter().flat_map(serde_json::Map::keys);
        let nested = names.map(|name| in_list(json!({ name: SECRET })));
        let values: Vec<_> = nested.chain([json!(SECRET), in_list(json!(SECRET))]).collect();
        for value in values {
            let mut configuration = calls(&ecr);
            configuration[key] = value;
            let (_, stdout, stderr) = Machine::new().keys().doctor(&configuration, &[]).await;
            for form in forms(SECRET) {
                assert!(!stdout.contains(&form) && !stderr.contains(&form), "{key}: {stdout}{stderr}");
            }
        }
    }
}

#[tokio::test]
async fn neither_tokens_nor_passwords_are_shown() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let keys = json!({"accessKey": "AKIDS", "secretKey": "static/secret", "token": "static/session",
        "httpsProxy": "http://user:proxy%2Fsecret@127.0.0.1:9", "endpoints": [{"sts": sts.url()}]});
    let configuration = with(calls(&ecr), keys);
    for arguments in [&["--registry", REGISTRY][..], &["--registry", REGISTRY, "--json"], &[]] {
        let number = ecr.requests().len() + 1;
        let (code, stdout, stderr) = Machine::new().doctor(&configuration, arguments).await;
        assert_eq!(code, 0, "{stdout}{stderr}");
        let given = [password(REGISTRY, number), token(REGISTRY, number)];
        let secrets = ["static/secret", "static/session", "proxy/secret"].map(str::to_owned);
        for secret in secrets.iter().chain(&given).flat_map(|secret| forms(secret)) {
            assert!(!stdout.contains(&secret) && !stderr.contains(&secret), "{secret}: {stdout}{stderr}");
        }
    }
}

#[tokio::test]
async fn the_password_of_a_proxy_that_is_used_is_not_shown() {
    for (scheme, key) in [("https", "httpsProxy"), ("http", "httpProxy")] {
        let proxy = Proxy::start().await.unwrap();
        let url = proxy.url();
        let configuration = json!({"region": "eu-west-1", "maxRetries": 1,
            "endpoints": [{"ecr": format!("{scheme}://ecr.test"), "sts": "http://127.0.0.1:1"}],
            key: url.replace("//", "//user:proxy%2Fsecret@")});
        for arguments in [&["--registry", REGISTRY][..], &["--registry", REGISTRY, "--json"]] {
            let (code, stdout, stderr) = Machine::new().keys().doctor(&configuration, arguments).await;
            assert_eq!(code, 5, "{stdout}{stderr}");
            assert!(stdout.contains(&format!("{url} for ecr.test")), "{stdout}");
            for secret in ["proxy/secret", "user:proxy/secret"].iter().flat_map(|secret| forms(secret)) {
                assert!(!stdout.contains(&secret) && !stderr.contains(&secret), "{secret}: {stdout}{stderr}");
            }
        }
        assert!(!proxy.heads().is_empty(), "the proxy was not asked");
    }
}

#[tokio::test]
async fn passwords_in_urls_of_the_environment_are_not_shown() {
    const SECRETS: [&str; 2] = ["url/secret", "user:url/secret"];
    for (variable, url, told) in [
        ("HTTPS_PROXY", "http://user:url%2Fsecret@127.0.0.1:9", "http://127.0.0.1:9 for api.ecr.eu-west-1"),
        ("AWS_ENDPOINT_URL", "http://user:url%2Fsecret@127.0.0.1:9", "ecr: http://127.0.0.1:9, by AWS_ENDPOINT_URL"),
    ] {
        for arguments in [&["--registry", REGISTRY][..], &["--registry", REGISTRY, "--json"], &[]] {
            let configuration = json!({"region": "eu-west-1", "maxRetries": 1});
            let (_, stdout, stderr) = Machine::new().keys().var(variable, url).doctor(&configuration, arguments).await;
            assert!(stdout.contains(told), "{stdout}{stderr}");
            for secret in SECRETS.iter().flat_map(|secret| forms(secret)) {
                assert!(!stdout.contains(&secret) && !stderr.contains(&secret), "{secret}: {stdout}{stderr}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_is_set_twice_contradicts_itself() {
    for package in [&AWS, &AWS_ECR] {
        serving(package, async {
            let name = served().name;
            let again = format!("{name}:region=eu-west-2");
            let (code, stdout, _) =
                Machine::new().keys().doctor(&json!({"region": "eu-west-1"}), &["--config", &again]).await;
            assert_eq!(code, 3, "{stdout}");
            assert!(stdout.ends_with(&format!("ill: {name}:region is set twice by --config\n")), "{stdout}");
        })
        .await;
    }
}

#[tokio::test]
async fn its_help_is_asked_for_behind_it() {
    for package in [&AWS, &AWS_ECR] {
        serving(package, async {
            for flag in ["--help", "-h"] {
                let output = command().args(["doctor", flag]).output().await.unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
                for named in
                    ["doctor [--registry ID]", "--registry ID ", "--region R ", "--config KEY=VALUE ", "--json "]
                {
                    assert!(text.contains(named), "{text}");
                }
                assert_eq!(foreign(&text), None, "{text}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn nothing_of_serving_stands_in_front_of_it() {
    for front in ["-v=9", "127.0.0.1:4"] {
        let output = command().args([front, "doctor"]).output().await.unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("pulumi-resource-aws: doctor has the flags "), "{text}");
    }
}

/// Every step that is told and every exit code that occurs stand on the page, and the other way round.
#[tokio::test]
async fn the_page_lists_all_steps_and_exit_codes() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let configuration = with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}));
    let mut machine = Machine::new().keys().var("PULUMI_AWS_ECR_CACHE_DIR", "/proc/no-folder");
    let rehearsed = report(&mut machine, &configuration, &[]).await;
    let told = report(&mut machine, &configuration, &["--registry", REGISTRY]).await;
    let steps = [&rehearsed, &told].into_iter().flat_map(|told| told["steps"].as_array().unwrap());
    let steps = steps.map(|line| line["step"].as_str().unwrap().to_owned());
    assert_eq!(steps.collect::<BTreeSet<_>>(), rows("step"));

    let mut codes: BTreeSet<_> = ways(&ecr).await.into_iter().map(|(code, ..)| code.to_string()).collect();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let broken = command().arg("doctor").stdout(full).status().await.unwrap();
    // 2 and 3 are made to happen above.
    codes.extend(["0", "2", "3", &broken.code().unwrap().to_string()].map(str::to_owned));
    assert_eq!(codes, rows("code"));
    for key in told.as_object().unwrap().keys() {
        assert!(PAGE.contains(&format!("`{key}`")), "{key}");
    }
}
