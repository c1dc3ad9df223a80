//! The command of `credential_process`.

use std::time::Duration;

use serde_json::json;
use support::{ecr::Ecr, within_deadline};

use crate::{
    machine::{Machine, REGISTRY, Running, calls, with},
    servers::{MAX_MEMORY_KB, peak_memory},
};

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

/// Of its command, whatever stands around it, and of what it printed, whatever the JSON lacks.
#[tokio::test]
async fn what_a_credential_process_quotes_of_its_secrets_is_not_shown() {
    const KEY: &str = "wJalrXUtnFEMI+K7MDENG";
    let printing = |json: &str| format!("sh -c \"cat ~/printed; echo failed: {KEY} >&2; exit 1\" {json}");
    for (command, printed, said) in [
        (
            "echo no https://joe:hunter2secret@vault.test >&2; false https://joe:hunter2secret@vault.test",
            "",
            "no https://[secret]@vault.test",
        ),
        (
            "sh -c 'echo no hunter2%21 hunter2! >&2; exit 1' x https://joe:hunter2%21@vault.test",
            "",
            "no [secret] [secret]",
        ),
        ("sh -c 'echo no joe:hunter2secret >&2; exit 1' x -u joe:hunter2secret", "", "no [secret]"),
        ("sh -c 'echo no hunter2secret >&2; exit 1' x -ujoe:hunter2secret", "", "no [secret]"),
        ("sh -c 'echo no hunter2secret >&2; exit 1' x --user=joe:hunter2secret", "", "no [secret]"),
        ("sh -c 'echo no hunter2secret >&2; exit 1' x -phunter2secret --profile prod", "", "no [secret]"),
        (
            "sh -c 'echo no password: my very secret word >&2; exit 1' x --password \"my very secret word\"",
            "",
            "no password: [secret]",
        ),
        ("sh -c 'echo no my word >&2; exit 1' x --password my\\ word", "", "no [secret]"),
        ("sh -c 'echo no abc.def >&2; exit 1' x -H 'Authorization: Bearer abc.def'", "", "no [secret]"),
        ("sh -c \"sh -c 'echo no hunter2 >&2; exit 1' x --token 'hunter2'\"", "", "no [secret]"),
        (
            "sh -c 'echo profile prod: no user joe >&2; exit 1' x --profile prod --username joe",
            "",
            "profile prod: no user joe",
        ),
        (&printing(""), &format!(r#"{{"SecretAccessKey":"{KEY}","#), "failed: [secret]"),
        (&printing(""), &format!(r#"{{"SecretAccessKey":"{KEY}"#), "failed: [secret]"),
        (&printing(""), &format!(r#"{KEY}","SessionToken":"#), "failed: [secret]"),
        (&printing(""), &format!(r#"{{"Credentials":{{"SecretAccessKey":"{KEY}"}}}}"#), "failed: [secret]"),
        (&printing(""), &format!(r#"{{"said":"{{\"SecretAccessKey\":\"{KEY}\"}}"}}"#), "failed: [secret]"),
        (&printing(""), KEY, "failed: [secret]"),
        // What it says without having been told it.
        ("cat ~/printed >&2; false", &format!("no\n+ AWS_SECRET_ACCESS_KEY={KEY}"), "no [secret]"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let machine = Machine::new().file("printed", printed);
        let machine = machine.config(&format!("[default]\ncredential_process = {command}"));
        let error = machine.error(calls(&ecr)).await;
        assert!(
            error.contains(&format!("it ended with exit status: 1 and said: {said}.")),
            "{command} {printed}: {error}"
        );
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

#[tokio::test]
async fn long_outputs_share_what_room_there_is() {
    const PROCESSES: usize = 64;
    let says = "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; touch ~/started/$$; sleep 1000";
    let profile = |number| format!("[profile p{number}]\ncredential_process = {says}\n");
    let machine = Machine::new().file("started/0", "").config(&(0..PROCESSES).map(profile).collect::<String>());
    let started = machine.path("started");
    let ecr = Ecr::start().await.unwrap();
    let mut running = machine.start().await;
    let mut waiting = Vec::new();
    for number in 0..PROCESSES {
        running.plugin.configure(with(calls(&ecr), json!({"profile": format!("p{number}")}))).await.unwrap();
        waiting.push(running.plugin.begin(json!({"registryId": "123456789012"})));
    }
    // Those for which there is room.
    until("some have said all", || std::fs::read_dir(&started).unwrap().count() > 4).await;
    // All have as long as this takes.
    for _ in 0..500 {
        running.plugin.client.get_plugin_info(()).await.expect("others are served");
    }
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
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
    for signal in ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM", "XCPU"] {
        let running = Machine::new().config(HANGS).configured(calls(&ecr)).await;
        let _call = running.plugin.begin(json!({"registryId": REGISTRY}));
        let pid = child_of(&running).await;
        running.plugin.signal(signal).await;
        running.plugin.wait().await;
        until("the child's end", || !runs(&pid)).await;
    }
}

#[tokio::test]
async fn the_end_of_doctor_ends_the_credential_process() {
    for signal in ["TERM", "INT", "HUP"] {
        let machine = Machine::new().config(HANGS);
        let home = machine.path("");
        let mut doctor = support::plugin::command();
        doctor.args(["doctor", "--registry", REGISTRY, "--region", "eu-west-1"]).env("HOME", &home);
        doctor.env("PATH", std::env::var_os("PATH").unwrap());
        let doctor = doctor.spawn().unwrap();
        let child = std::path::Path::new(&home).join("child");
        until("the child's start", || std::fs::read_to_string(&child).is_ok_and(|pid| pid.ends_with('\n'))).await;
        let pid = std::fs::read_to_string(&child).unwrap();
        let id = doctor.id().unwrap().to_string();
        let sent = tokio::process::Command::new("kill").args([&format!("-{signal}"), &id]).status().await.unwrap();
        assert!(sent.success());
        let output = within_deadline("the end", doctor.wait_with_output()).await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{signal}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("a signal ended it"), "{stderr}");
        until("the child's end", || !runs(&pid)).await;
    }
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
