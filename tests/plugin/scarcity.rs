//! Limits that a machine sets to a process: threads, stack, open files. What cannot be served is an error in a sentence.

use std::{ffi::OsString, process::Stdio};

use serde_json::json;
use support::{
    ecr::Ecr,
    plugin::{Plugin, command, ecr_configuration, executable},
};
use tokio::process::Command;

use crate::{
    load::{Message, connect, failure, request},
    strangers::{as_user, can_be_others, public_executable},
};

/// The plugin under a limit of `prlimit`.
fn limited(limit: &str) -> Command {
    let mut limited = Command::new("sh");
    // What the tests were started with open would count.
    limited.args(["-c", "exec prlimit \"$@\" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-", "sh", limit]).arg(executable());
    let plugin = command();
    limited.env_clear().envs(plugin.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.env("PATH", std::env::var_os("PATH").expect("a PATH"));
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    limited
}

/// The plugin with so many threads, as a user who has no other processes: the `number`th of this run.
fn alone(executable: &OsString, threads: u32, number: u32) -> Command {
    // Nobody else's processes count: those of another run, say.
    let user = 30_000 + (4 * std::process::id()) % 20_000 + number;
    let mut command = as_user(user, "prlimit");
    command.arg(format!("--nproc={threads}")).arg(executable);
    command.env_clear().env("PATH", std::env::var_os("PATH").expect("a PATH")).env("HOME", "/nonexistent");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn without_a_thread_calls_fail_in_a_sentence_and_with_one_they_are_served() {
    if !can_be_others() {
        return;
    }
    let ecr = Ecr::start().await.unwrap();
    let (_folder, executable) = public_executable();
    // The main thread is one of them.
    for (number, threads, served) in [(0, 1, false), (1, 2, true)] {
        let command = alone(&executable, threads, number);
        let mut plugin = Plugin::from_command(command).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        for _ in 0..2 {
            match plugin.get_credentials("123456789012").await {
                Ok(_) => assert!(served, "{threads}"),
                Err(status) => {
                    assert!(
                        !served && status.message().contains("no thread could be started"),
                        "{threads}: {status:?}"
                    );
                    assert!(status.message().contains("ulimit -u"), "{status:?}");
                }
            }
        }
        plugin.client.get_plugin_info(()).await.expect("other calls go on");
    }
}

#[tokio::test]
async fn without_a_thread_doctor_says_so() {
    if !can_be_others() {
        return;
    }
    let (_folder, executable) = public_executable();
    for arguments in [&["doctor"][..], &["doctor", "--json"], &["doctor", "--registry", "123456789012"]] {
        let mut doctor = alone(&executable, 1, 2);
        let output = support::within_deadline("doctor", doctor.args(arguments).output()).await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("no thread could be started") && said.contains("ulimit -u"), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn it_serves_with_a_small_stack() {
    let ecr = Ecr::start().await.unwrap();
    for stack in [64 << 10, 256 << 10, 1 << 20] {
        let mut plugin = Plugin::from_command(limited(&format!("--stack={stack}"))).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        plugin.get_credentials("123456789012").await.expect("it is served");
        let nested = (0..25).fold(json!("value"), |inner, _| json!([inner]));
        plugin.check_config(json!({"region": "eu-west-1", "notOurs": nested})).await.expect("it is served");
    }
}

#[tokio::test]
async fn with_too_few_files_it_ends_in_a_sentence() {
    for files in [4, 6, 8, 10] {
        let output = limited(&format!("--nofile={files}")).output();
        let output = support::within_deadline("the plugin's end", output).await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true), "{files}: {said}");
        assert!(
            said.contains("it cannot open the files that it needs") && said.contains("ulimit -n"),
            "{files}: {said}"
        );
    }
}

#[tokio::test]
async fn without_memory_for_a_message_its_call_fails_in_a_sentence() {
    const MIB: usize = 1 << 20;
    let mut plugin = Plugin::from_command(limited(&format!("--as={}", 400 * MIB))).await;
    let mut requests = connect(&plugin, 65_535).await;
    let begun = tokio::spawn(requests.send_request(request("GetPluginInfo", Message::announced(400 * MIB))));
    for (length, taken) in [(400, false), (100, false), (10, true)] {
        let call = requests.send_request(request("GetPluginInfo", Message::unknown(length * MIB)));
        let (status, message) = failure(support::within_deadline("an answer", call).await.unwrap()).await;
        if taken {
            assert_eq!((status.as_str(), message.as_str()), ("", ""), "{length}");
        } else {
            assert_eq!(status, "8", "{length}: {message}");
            assert!(message.contains("there is no memory") && message.contains("ulimit -v"), "{length}: {message}");
        }
    }
    assert!(!begun.is_finished(), "what does not come needs no memory");
    for mib in [5, 25, 45, 65] {
        let large = plugin.check_config(json!({"notOurs": "0".repeat(mib * MIB)})).await;
        if let Err(status) = large {
            assert!(status.message().contains("there is no memory"), "{mib}: {status:?}");
        }
        plugin.client.get_plugin_info(()).await.expect("other calls go on");
    }
}
