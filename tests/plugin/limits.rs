//! What a machine may lack: readers of stderr, open files, an engine that answers.

use std::{
    io::{PipeReader, Read},
    process::Stdio,
    time::{Duration, Instant},
};

use pulumi_resource_aws::proto::pulumirpc::{LogSeverity, PluginAttach};
use serde_json::json;
use support::{
    ecr::{Answer, Ecr},
    engine::Engine,
    plugin::{Plugin, command, ecr_configuration, executable},
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tonic::Code;

use crate::{
    load::{Message, connect, request},
    machine::{Machine, calls},
};

/// Has the plugin write a debug line of a kilobyte.
async fn write_a_line(plugin: &mut Plugin, ecr: &Ecr) {
    let mut configuration = ecr_configuration(ecr);
    configuration[format!("notOurs0000{}", ".more".repeat(200))] = "value".into();
    plugin.configure(configuration).await.expect("unknown keys are ignored");
}

/// A plugin whose stderr is full.
async fn with_full_stderr(ecr: &Ecr) -> (Plugin, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = command();
    command.arg("-v=9").stderr(Stdio::from(writer));
    let mut plugin = Plugin::from_command(command).await;
    // The pipe holds 64 KiB, and the plugin 256 lines.
    for _ in 0..LINES {
        write_a_line(&mut plugin, ecr).await;
    }
    (plugin, reader)
}

const LINES: usize = 400;

#[tokio::test]
async fn stderr_that_nobody_reads_stops_nothing() {
    for signal in ["INT", "TERM", "HUP", "QUIT"] {
        let ecr = Ecr::start().await.unwrap();
        let (mut plugin, mut reader) = with_full_stderr(&ecr).await;
        plugin.get_credentials("123456789012").await.expect("it is served");
        ecr.answer_always(Answer::Never);
        let call = plugin.begin(json!({"registryId": "210987654321"}));
        ecr.wait_for_requests(2).await;
        assert_eq!(plugin.end_by(signal).await.0, Some(0), "{signal}");
        assert_eq!(call.await.unwrap().map(drop).unwrap_err().code(), Code::Cancelled, "{signal}");
        let mut lines = String::new();
        reader.read_to_string(&mut lines).unwrap();
        assert!(lines.contains("notOurs0000"), "{lines}");
        assert!(lines.lines().count() < LINES, "it was not full");
    }
}

/// How long it is looked at how a plugin waits.
const WATCHED: Duration = Duration::from_secs(2);

/// Holds a plugin that cannot take connections to waiting for it: to try without a pause takes all of a processor.
async fn check_that_it_waits(plugin: &Plugin) {
    let (began, before) = (Instant::now(), plugin.processor_time());
    tokio::time::sleep(WATCHED).await;
    let (taken, time) = (plugin.processor_time() - before, began.elapsed());
    assert!(taken < time / 3, "it works for {taken:?} of {time:?}");
}

#[tokio::test]
async fn at_the_limit_of_connections_it_waits_and_says_so() {
    let mut running = Machine::new().start().await;
    let mut connections = Vec::new();
    for _ in 0..80 {
        connections.push(TcpStream::connect(("127.0.0.1", running.plugin.port)).await.unwrap());
    }
    running.engine.wait_for_line("can take no more connections for now: 64 are open").await;
    check_that_it_waits(&running.plugin).await;
    running.plugin.client.get_plugin_info(()).await.expect("who has a connection is served");
    let waits =
        connect(&running.plugin, 65_535).await.send_request(request("GetPluginInfo", Message::whole(Vec::new())));
    drop(connections);
    support::within_deadline("a new connection", waits).await.expect("there is room again");
}

#[tokio::test]
async fn at_the_limit_of_open_files_it_waits_and_says_so() {
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().keys().open_files(20);
    let mut running = machine.configured(calls(&ecr)).await;
    let mut connections = Vec::new();
    for _ in 0..40 {
        connections.push(TcpStream::connect(("127.0.0.1", running.plugin.port)).await.unwrap());
    }
    running.engine.wait_for_line("can take no more connections for now").await;
    check_that_it_waits(&running.plugin).await;
    let error = running.plugin.error().await;
    assert!(error.contains("its limit of open files (ulimit -n) is 20"), "{error}");
    assert!(!error.contains("Check the network"), "{error}");
    drop(connections);
    running.plugin.get_credentials("123456789012").await.expect("there are files again");
    TcpStream::connect(("127.0.0.1", running.plugin.port)).await.unwrap();
    let full = running.engine.log().into_iter().filter(|(_, line)| line.contains("no more connections")).count();
    assert_eq!(full, 1, "it is said once");
}

#[tokio::test]
async fn an_engine_that_takes_no_line_does_not_hold_back_those_of_the_next() {
    let ecr = Ecr::start().await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut plugin = Plugin::start().await;
    let attach = |address: String| PluginAttach { address };
    plugin.client.attach(attach(silent.local_addr().unwrap().to_string())).await.unwrap();
    write_a_line(&mut plugin, &ecr).await;
    let _held = silent.accept().await.unwrap();
    let engine = Engine::start().await.unwrap();
    plugin.client.attach(attach(engine.address())).await.unwrap();
    assert_eq!(engine.wait_for_line("notOurs0000").await, LogSeverity::Debug);
}

#[tokio::test]
async fn an_engine_that_takes_one_line_never_gets_the_next() {
    let ecr = Ecr::start().await.unwrap();
    let engine = Engine::start().await.unwrap();
    engine.never_answer_next_line();
    let mut plugin = Plugin::start().await;
    plugin.client.attach(PluginAttach { address: engine.address() }).await.unwrap();
    write_a_line(&mut plugin, &ecr).await;
    plugin.configure(json!({"region": "eu-west-1", "another": "key"})).await.unwrap();
    engine.wait_for_line("aws:another").await;
}

#[tokio::test]
async fn it_ends_when_nothing_of_its_engine_answers() {
    // A queue that is full takes no connections: the system drops whatever asks for one.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(connection) = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
        queue.push(connection.unwrap());
    }
    let mut process = command().arg(address.to_string()).spawn().unwrap();
    let status = support::within_deadline("the plugin's end", process.wait()).await.unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn nothing_is_kept_in_core_dumps() {
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "ulimit -c unlimited; exec \"$0\""]).arg(executable());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let plugin = Plugin::from_command(command).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", plugin.process.id().unwrap())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}
