//! Where shared files are found, and what counts in them.

use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
};

use super::{KEYS, OVER, until};
use crate::{
    machine::{Machine, REGISTRY, calls, make_pipe, with},
    servers::{MAX_MEMORY_KB, peak_memory},
};

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

/// Each as long as one may be.
#[tokio::test]
async fn shared_files_are_bounded_all_together() {
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().file("long", format!("[default]\nx = {}\n", "y".repeat(4_000_000)));
    let path = machine.path("long");
    let mut running = machine.configured(with(calls(&ecr), json!({"sharedConfigFiles": vec![&path; 400]}))).await;
    let error = running.plugin.error().await;
    let part = format!("the shared AWS file {path} has more than 4 MiB, those of the files before it among them");
    assert!(error.contains(&part), "{error}");
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

/// What a vault writes into one, for example.
#[tokio::test]
async fn a_pipe_is_read_like_a_file_once_somebody_writes_to_it() {
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new();
    let pipe = machine.path("pipe");
    make_pipe(&pipe);
    let mut running = machine.var("AWS_SHARED_CREDENTIALS_FILE", &pipe).configured(calls(&ecr)).await;
    // Whoever opens it for writing waits until somebody reads it.
    let keys = "[default]\naws_access_key_id = AKIDPIPE\naws_secret_access_key = s\n";
    let writing = tokio::task::spawn_blocking(move || std::fs::write(pipe, keys));
    assert_eq!(running.asked(&ecr).await.access_key, "AKIDPIPE");
    writing.await.unwrap().unwrap();
}

/// As many as a connection has calls. Each has a configuration of its own, since calls with the same one share what they read.
#[tokio::test]
async fn pipes_that_nobody_writes_to_keep_no_other_file_from_being_read() {
    const CALLS: usize = 250;
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().file("good", "[default]\naws_access_key_id = A\naws_secret_access_key = s\n");
    let (pipe, good) = (machine.path("pipe"), machine.path("good"));
    make_pipe(&pipe);
    let mut running = machine.start().await;
    let mut waiting = Vec::new();
    for number in 0..CALLS {
        let files = json!({"sharedConfigFiles": [&pipe], "maxRetries": number});
        running.plugin.configure(with(calls(&ecr), files)).await.unwrap();
        waiting.push(running.plugin.begin(json!({"registryId": REGISTRY})));
    }
    let open = || running.plugin.open_files().iter().filter(|path| path.ends_with("pipe")).count();
    until("all are open", || open() == CALLS).await;
    assert!(running.plugin.status("Threads:") < 64);
    running.plugin.configure(with(calls(&ecr), json!({"sharedCredentialsFiles": [good]}))).await.unwrap();
    running.plugin.get_credentials(REGISTRY).await.expect("a token");
}

/// Each configuration reads the file for itself, and all do so at the same time.
#[tokio::test]
async fn long_files_share_what_room_there_is() {
    let server = Server::start(|_| Reply::Never).await.unwrap();
    let long = format!("[default]\naws_access_key_id = A\naws_secret_access_key = s\n#{}\n", "x".repeat(4_000_000));
    let machine = Machine::new().file("long", &long);
    let path = machine.path("long");
    let mut running = machine.start().await;
    let mut waiting = Vec::new();
    for number in 0..64 {
        let more = json!({"region": "eu-west-1", "endpoints": [{"ecr": server.url()}], "sharedConfigFiles": [&path]});
        running.plugin.configure(with(more, json!({"maxRetries": number}))).await.unwrap();
        waiting.push(running.plugin.begin(json!({"registryId": format!("{number:012}")})));
    }
    until("all were read", || server.asked().len() >= 32).await;
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
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
