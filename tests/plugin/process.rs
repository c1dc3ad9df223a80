//! Arguments, the port line, signals, and the engine's end.

use std::{fs::File, process::Stdio};

use pulumi_resource_aws::{VERSION, proto::pulumirpc::PluginAttach};
use support::{
    ecr::{Answer, Ecr},
    engine::Engine,
    listener::Vacant,
    plugin::{Plugin, command, ecr_configuration, executable},
};
use tokio::process::Command;

use crate::machine::make_pipe;

async fn output(arguments: &[&str]) -> std::process::Output {
    command().args(arguments).output().await.expect("the plugin runs")
}

#[tokio::test]
async fn version_and_help_are_for_people() {
    let version = output(&["--version"]).await;
    assert!(version.status.success());
    assert_eq!(String::from_utf8(version.stdout).unwrap(), format!("pulumi-resource-aws {VERSION}\n"));
    let help = output(&["--help"]).await;
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("Usage: pulumi-resource-aws"));
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" --help >/dev/full"]).arg(executable());
    assert_eq!(command.status().await.unwrap().code(), Some(1), "stdout can be full");
}

#[tokio::test]
async fn a_wrong_command_line_is_a_usage_error() {
    for arguments in [&["--colour"][..], &["127.0.0.1"], &["127.0.0.1:1", "127.0.0.1:2"], &["-v=loud"]] {
        let output = output(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("Usage:"), "{arguments:?}");
    }
}

/// 101 would be a panic's.
#[tokio::test]
async fn exit_codes_are_the_same_where_stderr_takes_nothing() {
    for arguments in [&["--colour"][..], &["doctor", "--colour"], &["doctor", "--json"]] {
        let code = output(arguments).await.status.code();
        assert!(code.is_some_and(|code| code != 0 && code != 101), "{arguments:?}: {code:?}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run = command().args(arguments).stderr(full).spawn().unwrap();
        assert_eq!(run.wait_with_output().await.unwrap().status.code(), code, "{arguments:?}");
    }
}

#[tokio::test]
async fn the_port_line_is_all_of_stdout() {
    let engine = Engine::start().await.unwrap();
    for arguments in [vec!["--logtostderr", "-v=9", "--tracing", "tcp://127.0.0.1:1"], vec![]] {
        let mut command = command();
        command.args(arguments).arg(engine.address());
        let ecr = Ecr::start().await.unwrap();
        let mut plugin = Plugin::from_command(command).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        plugin.get_credentials("123456789012").await.unwrap();
        let (code, stdout, _) = plugin.end_by("TERM").await;
        assert_eq!((code, stdout.as_str()), (Some(0), ""));
    }
}

#[tokio::test]
async fn it_listens_on_the_loopback_address_only() {
    let plugin = Plugin::start().await;
    let listening = |table: &str| {
        let table = std::fs::read_to_string(table).unwrap();
        let suffix = format!(":{:04X}", plugin.port);
        let addresses = table.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap().to_owned());
        addresses.filter(|address| address.ends_with(&suffix)).collect::<std::collections::BTreeSet<_>>()
    };
    // 127.0.0.1 as the kernel writes it.
    assert_eq!(listening("/proc/net/tcp"), [format!("0100007F:{:04X}", plugin.port)].into());
    assert!(listening("/proc/net/tcp6").is_empty());
}

#[tokio::test]
async fn a_signal_ends_it_although_a_call_is_in_flight() {
    for signal in ["INT", "TERM", "HUP", "QUIT"] {
        let ecr = Ecr::start().await.unwrap();
        ecr.answer_always(Answer::Never);
        let plugin = Plugin::for_ecr(&ecr).await;
        let call = plugin.begin(serde_json::json!({"registryId": "123456789012"}));
        ecr.wait_for_requests(1).await;
        assert_eq!(plugin.end_by(signal).await.0, Some(0), "{signal}");
        let status = call.await.unwrap().map(drop).unwrap_err();
        assert_eq!(status.code(), tonic::Code::Cancelled, "{status:?}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_answer_blocks_neither_cancel_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    make_pipe(&pipe);
    for variable in ["AWS_CONFIG_FILE", "AWS_CA_BUNDLE"] {
        let mut command = command();
        command.env(variable, &pipe);
        let mut plugin = Plugin::from_command(command).await;
        plugin.configure(serde_json::json!({"region": "eu-west-1"})).await.unwrap();
        let call = plugin.begin(serde_json::json!({"registryId": "123456789012"}));
        // Whoever opens the pipe for writing waits until somebody reads it.
        let (reader, opened) = (pipe.clone(), std::fs::OpenOptions::new());
        let writer = tokio::task::spawn_blocking(move || opened.clone().write(true).open(reader));
        let writer = support::within_deadline("the plugin's look into the file", writer).await.unwrap().unwrap();
        support::within_deadline("Cancel", plugin.client.cancel(())).await.unwrap();
        assert_eq!(call.await.unwrap().map(drop).unwrap_err().code(), tonic::Code::Cancelled);
        assert_eq!(plugin.end_by("TERM").await.0, Some(0), "{variable}");
        drop(writer);
    }
}

#[tokio::test]
async fn it_ends_with_its_engine() {
    let engine = Engine::start().await.unwrap();
    let mut command = command();
    command.arg(engine.address());
    let plugin = Plugin::from_command(command).await;
    drop(engine);
    assert_eq!(plugin.wait().await.0, Some(0));
}

#[tokio::test]
async fn it_ends_when_there_is_no_engine_at_the_address() {
    let vacant = Vacant::take().unwrap();
    let mut command = command();
    command.arg(vacant.address().unwrap().to_string());
    let mut process = command.spawn().unwrap();
    let status = support::within_deadline("the plugin's end", process.wait()).await.unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn an_engine_without_a_health_service_counts_as_there() {
    let engine = Engine::start_without_health().await.unwrap();
    let mut command = command();
    command.arg(engine.address());
    let mut plugin = Plugin::from_command(command).await;
    // Five seconds lie between two checks, so outlive the first few.
    let outlived = tokio::time::timeout(std::time::Duration::from_secs(11), plugin.process.wait()).await;
    assert!(outlived.is_err(), "the plugin ended although its engine is there");
}

#[tokio::test]
async fn in_attach_mode_it_outlives_its_engines() {
    let mut plugin = Plugin::start().await;
    for _ in 0..2 {
        let engine = Engine::start().await.unwrap();
        plugin.client.attach(PluginAttach { address: engine.address() }).await.unwrap();
        drop(engine);
        plugin.client.cancel(()).await.unwrap();
        plugin.client.get_plugin_info(()).await.unwrap();
    }
}

#[tokio::test]
async fn without_a_way_to_print_its_port_it_fails() {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" >/dev/full"]).arg(executable()).stderr(Stdio::piped());
    let output = support::within_deadline("the plugin's end", command.output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
