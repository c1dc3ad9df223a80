//! Who is served: the user who runs the plugin, and root. Other users of the machine find the port in `/proc/net/tcp`,
//! and must not get further.

use std::{ffi::OsString, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use serde_json::json;
use support::{
    engine::Engine,
    plugin::{Plugin, command, executable},
    within_deadline,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command},
};

use crate::machine::{Machine, Running};

/// Users who own nothing, of this machine and of none.
const NOBODY: u32 = 65_534;
const STRANGER: u32 = 12_345;

const ROOT: u32 = 0;

/// The bytes with which an HTTP/2 server greets: the head of its settings.
const GREETING: usize = 9;

/// Whether the tests can be other users. Only root can; a test that cannot is left out, loudly, but never in CI.
pub(crate) fn can_be_others() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    assert!(is_root || std::env::var_os("CI").is_none(), "only root can connect as other users");
    if !is_root {
        eprintln!("SKIPPED: only root can connect as other users");
    }
    is_root
}

/// A command of another user.
pub(crate) fn as_user(user: u32, program: impl Into<OsString>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user.to_string(), "--regid", &user.to_string(), "--clear-groups"]).arg(program.into());
    command
}

/// A program of another user in Perl, which does with sockets what a shell cannot, and the lines that it prints.
fn perl(user: u32, script: &str, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = as_user(user, "perl");
    command.args(["-MSocket", "-e", &format!("$| = 1; {script}")]).args(arguments);
    let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("perl runs");
    let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    (process, lines)
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = within_deadline("a line of perl", lines.next_line()).await;
    line.expect("text").expect("a line")
}

/// Connects to a port and resets the connection, for ever. Prints a line for each five hundred.
const RESETS: &str = r#"for (my $resets = 1; ; $resets++) {
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($socket, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) or die "setsockopt: $!";
    connect($socket, pack_sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die "connect: $!";
    close($socket);
    print "$resets\n" if $resets % 500 == 0;
}"#;

/// Listens on a port, which it says, and says how long the first thing is that who comes sends.
const LISTENS: &str = r#"socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!";
    bind($listener, pack_sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die "bind: $!";
    listen($listener, 8) or die "listen: $!";
    print "listening\n";
    accept(my $connection, $listener) or die "accept: $!";
    print sysread($connection, my $bytes, 65536) // 0, "\n";"#;

/// How many bytes of its greeting the plugin sends to `user`, who says what every HTTP/2 client says first.
async fn greeting(user: u32, host: &str, port: u16) -> usize {
    let script = format!(
        "trap '' PIPE; exec 3<>/dev/tcp/{host}/{port}; printf 'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n\\0\\0\\0\\4\\0\\0\\0\\0\\0' >&3; \
         head --bytes {GREETING} <&3 | wc --bytes"
    );
    let output = as_user(user, "bash").args(["-c", &script]).stderr(Stdio::null()).output();
    let output = within_deadline("a greeting", output).await.expect("bash runs");
    String::from_utf8(output.stdout).expect("text").trim().parse().expect("a number")
}

async fn start() -> Running {
    Machine::new().start().await
}

#[tokio::test]
async fn another_user_is_refused_before_a_byte_is_read() {
    if !can_be_others() {
        return;
    }
    let running = start().await;
    for host in ["127.0.0.1", "::ffff:127.0.0.1"] {
        assert_eq!(greeting(STRANGER, host, running.plugin.port).await, 0, "{host}");
        assert_eq!(greeting(ROOT, host, running.plugin.port).await, GREETING, "{host}");
    }
    running.engine.wait_for_line("another user of this machine (id 12345) connected to this plugin").await;
    for _ in 0..8 {
        greeting(STRANGER, "127.0.0.1", running.plugin.port).await;
    }
    greeting(NOBODY, "127.0.0.1", running.plugin.port).await;
    running.engine.wait_for_line("another user of this machine (id 65534)").await;
    let warnings = running.engine.log().into_iter().filter(|(_, line)| line.contains("another user")).count();
    assert_eq!(warnings, 2, "each stranger is warned of once: nobody can flood the log");
}

/// The plugin in a place that all users can read.
pub(crate) fn public_executable() -> (TempDir, OsString) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = folder.path().join("pulumi-resource-aws");
    // By another process: what this one writes is open in its children for a moment, and cannot be run then.
    let copied = std::process::Command::new("cp").arg(executable()).arg(&copy).status().unwrap();
    assert!(copied.success(), "{copied}");
    (folder, copy.into())
}

/// The plugin, started by `launcher`, which runs what is behind it.
async fn started_by(launcher: &[&str], executable: &Path, arguments: &[String]) -> Plugin {
    let mut started = Command::new(launcher[0]);
    started.args(&launcher[1..]).arg(executable).args(arguments);
    started.envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    started.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Plugin::from_command(started).await
}

#[tokio::test]
async fn the_plugin_of_a_user_serves_the_user_and_an_engine_of_root() {
    if !can_be_others() {
        return;
    }
    let (_folder, executable) = public_executable();
    let user = STRANGER.to_string();
    let launcher = ["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"];
    let engine = Engine::start().await.unwrap();
    let mut plugin = started_by(&launcher, executable.as_ref(), &[engine.address()]).await;
    plugin.client.get_plugin_info(()).await.expect("root is served");
    engine.wait_for_more_checks(0).await;
    assert_eq!(greeting(STRANGER, "127.0.0.1", plugin.port).await, GREETING);
    assert_eq!(greeting(NOBODY, "127.0.0.1", plugin.port).await, 0);
}

/// Root of a container is the user who started it; users whom the container does not know are strangers, whatever they
/// are shown as.
#[tokio::test]
async fn in_a_user_namespace_only_users_whom_it_knows_are_served() {
    if !can_be_others() {
        return;
    }
    let (_folder, executable) = public_executable();
    let mut plugin = started_by(&["unshare", "--user", "--map-root-user"], executable.as_ref(), &[]).await;
    plugin.client.get_plugin_info(()).await.expect("the user who started it is served");
    for user in [STRANGER, NOBODY] {
        assert_eq!(greeting(user, "127.0.0.1", plugin.port).await, 0, "{user}");
    }
}

/// Where the plugin's own user is not known either, all look alike: it serves, and says so.
#[tokio::test]
async fn a_user_namespace_that_knows_nobody_is_warned_of() {
    if !can_be_others() {
        return;
    }
    let (_folder, executable) = public_executable();
    let mut plugin = started_by(&["unshare", "--user"], executable.as_ref(), &[]).await;
    plugin.client.get_plugin_info(()).await.expect("it is served");
    plugin.signal("TERM").await;
    let (_, _, stderr) = plugin.wait().await;
    assert!(stderr.contains("every user of this machine can call it"), "{stderr}");
}

#[tokio::test]
async fn a_stranger_s_connections_do_not_slow_the_plugin_down() {
    if !can_be_others() {
        return;
    }
    let mut running = start().await;
    let script = format!("for i in $(seq 300); do exec 3<>/dev/tcp/127.0.0.1/{}; done", running.plugin.port);
    let flood = as_user(STRANGER, "bash").args(["-c", &script]).status().await.expect("bash runs");
    assert!(flood.success());
    running.plugin.client.get_plugin_info(()).await.expect("the engine is served");
    let open = running.plugin.open_files().len();
    assert!(open < 30, "refused connections are closed, but {open} files are open");
}

#[tokio::test]
async fn calls_go_on_while_a_stranger_s_connections_are_reset() {
    if !can_be_others() {
        return;
    }
    let mut running = start().await;
    running.plugin.client.get_plugin_info(()).await.expect("the engine is served");
    let before = running.plugin.bytes_read();
    let (mut stranger, mut resets) = perl(STRANGER, RESETS, &[&running.plugin.port.to_string()]);
    let calls = async {
        for _ in 0..5 {
            line(&mut resets).await;
            for _ in 0..20 {
                running.plugin.client.get_plugin_info(()).await.expect("the engine is served");
            }
        }
    };
    within_deadline("a hundred calls", calls).await;
    assert_eq!(stranger.try_wait().unwrap(), None, "the stranger goes on");
    let read = running.plugin.bytes_read() - before;
    assert!(read < 64 << 10, "{read} bytes were read to know who it was who is gone");
}

/// Opens connections to the plugin until it can open but one more file.
async fn leave_one_file(plugin: &Plugin, limit: usize) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    while plugin.room_for_files(limit) > 1 {
        let mut connection = TcpStream::connect(("127.0.0.1", plugin.port)).await.unwrap();
        connection.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        connection.read_exact(&mut [0; GREETING]).await.expect("it is served");
        connections.push(connection);
    }
    connections
}

#[tokio::test]
async fn a_stranger_who_takes_the_last_file_is_not_served() {
    if !can_be_others() {
        return;
    }
    let mut running = Machine::new().open_files(20).start().await;
    running.engine.wait_for_more_checks(0).await;
    let _connections = leave_one_file(&running.plugin, 20).await;
    let (stranger, mut resets) = perl(STRANGER, RESETS, &[&running.plugin.port.to_string()]);
    line(&mut resets).await;
    drop(stranger);
    assert_eq!(greeting(STRANGER, "127.0.0.1", running.plugin.port).await, 0);
    running.plugin.configure(json!({"region": "eu-west-1", "notOurs": "key"})).await.unwrap();
    running.engine.wait_for_line("aws:notOurs").await;
    let log = running.engine.log();
    assert!(!log.iter().any(|(_, line)| line.contains("every user of this machine can call it")), "{log:?}");
}

#[tokio::test]
async fn a_stranger_who_takes_the_engine_s_port_is_sent_nothing_and_the_plugin_ends() {
    if !can_be_others() {
        return;
    }
    let engine = Engine::start().await.unwrap();
    let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = between.local_addr().unwrap();
    let mut started = command();
    started.arg(address.to_string());
    let plugin = Plugin::from_command(started).await;
    let (mut stream, _) = between.accept().await.unwrap();
    let mut to_engine = TcpStream::connect(engine.address()).await.unwrap();
    let connection = tokio::spawn(async move { copy_bidirectional(&mut stream, &mut to_engine).await });
    engine.wait_for_more_checks(0).await;
    // As with an engine that ends, but for the order: the stranger is there before the plugin can notice.
    drop(between);
    let (_stranger, mut said) = perl(STRANGER, LISTENS, &[&address.port().to_string()]);
    assert_eq!(line(&mut said).await, "listening");
    connection.abort();
    assert_eq!(line(&mut said).await, "0", "nothing is sent");
    let (code, _, stderr) = plugin.wait().await;
    assert_eq!(code, Some(0));
    assert!(stderr.contains("another user of this machine (id 12345) listens there"), "{stderr}");
}
