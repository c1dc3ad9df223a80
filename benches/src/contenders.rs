//! The processes that are measured: the plugin, its peers and the floors.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use pulumi_resource_aws::proto::pulumirpc as rpc;
use serde_json::{Value as Json, json};
use support::{engine::Engine, plugin::Plugin, values::properties};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};
use tonic::Code;

use crate::repository;

pub(crate) const REGISTRY: &str = "123456789012";
pub(crate) const REGION: &str = "eu-west-1";
const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "dummy-secret-key";
const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

/// A provider plugin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Ours,
    /// The peer written with pulumi-go-provider, which calls ECR for each invoke.
    Go,
    /// The same, answering from memory.
    GoFromMemory,
    /// The same, trying again as the official provider does.
    GoAsOfficial,
}

impl Provider {
    /// The folder of the executable.
    pub(crate) fn folder(self) -> PathBuf {
        repository().join(match self {
            Self::Ours => "target/release",
            Self::Go | Self::GoFromMemory | Self::GoAsOfficial => ".tools/peers/pulumi-go-provider",
        })
    }

    pub(crate) fn executable(self) -> PathBuf {
        built(self.folder().join("pulumi-resource-aws"))
    }

    /// A command that trusts the authority in `ca`, besides those of the machine or in their place. As the engine does,
    /// it tells the plugin where the engine is.
    pub(crate) fn command(self, engine: &Engine, ca: Option<&Path>) -> Command {
        let mut command = isolated(Command::new(self.executable()), ca);
        command.arg(engine.address());
        match self {
            Self::GoFromMemory => drop(command.env("PEER_ANSWER_FROM_MEMORY", "true")),
            Self::GoAsOfficial => drop(command.env("PEER_TRY_AS_OFFICIAL", "true")),
            Self::Ours | Self::Go => {}
        }
        command
    }

    /// A command that waits for engines to attach.
    pub(crate) fn attached(self) -> Command {
        isolated(Command::new(self.executable()), None)
    }

    /// A process that is ready for invokes that call the ECR at `url`.
    pub(crate) async fn configured(self, engine: &Engine, url: &str) -> Plugin {
        configured(self.command(engine, None), engine, url).await
    }
}

/// Starts a plugin and makes the calls that the engine makes before the first Invoke.
pub(crate) async fn configured(command: Command, engine: &Engine, url: &str) -> Plugin {
    let mut plugin = Plugin::from_command(command).await;
    let client = &mut plugin.client;
    let configuration = properties(configuration(url));
    let check = rpc::CheckRequest { news: Some(configuration.clone()), ..Default::default() };
    let configure = rpc::ConfigureRequest { args: Some(configuration), accept_secrets: true, ..Default::default() };
    let handshake = rpc::ProviderHandshakeRequest { engine_address: engine.address(), ..Default::default() };
    optional(client.handshake(handshake).await);
    optional(client.get_plugin_info(()).await);
    optional(client.check_config(check).await);
    client.configure(configure).await.expect("the configuration is good");
    plugin
}

fn configuration(url: &str) -> Json {
    json!({"region": REGION, "accessKey": ACCESS_KEY, "secretKey": SECRET_KEY, "endpoints": [{"ecr": url}]})
}

/// The peer leaves calls unanswered that the engine can do without.
fn optional<T>(result: Result<T, tonic::Status>) {
    if let Err(status) = result {
        assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    }
}

/// The command in an environment without anything of the machine's AWS set-up, which can reach this machine only.
pub(crate) fn isolated(mut command: Command, ca: Option<&Path>) -> Command {
    command
        .env_clear()
        .env("HOME", std::env::temp_dir())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("NO_PROXY", "127.0.0.1,localhost")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(ca) = ca {
        // OpenSSL's name for it; Go and rustls-native-certs read it too.
        command.env("SSL_CERT_FILE", ca);
    }
    command
}

fn with_keys(mut command: Command, url: &str) -> Command {
    command
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_REGION", REGION)
        // The AWS CLI knows this one alone.
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ENDPOINT_URL_ECR", url);
    command
}

/// A static process that prints a line and ends.
pub(crate) fn bare() -> Command {
    isolated(Command::new(peer("bare")), None)
}

/// amazon-ecr-credential-helper without its cache, as Docker runs it.
pub(crate) async fn ecr_login(url: &str, ca: Option<&Path>) -> Duration {
    let mut command = with_keys(isolated(Command::new(peer("docker-credential-ecr-login")), ca), url);
    command.arg("get").env("AWS_ECR_DISABLE_CACHE", "true").stdin(Stdio::piped());
    whole_run(command, &format!("{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com")).await
}

/// AWS CLI.
pub(crate) async fn aws_cli(url: &str, ca: Option<&Path>) -> Duration {
    let mut command = with_keys(isolated(Command::new(peer("aws-cli/bin/aws")), ca), url);
    command.args(["ecr", "get-authorization-token", "--registry-ids", REGISTRY]);
    if let Some(ca) = ca {
        command.env("AWS_CA_BUNDLE", ca);
    }
    whole_run(command, "").await
}

/// curl, which makes the one signed call and nothing else.
pub(crate) async fn curl(url: &str, ca: Option<&Path>) -> Duration {
    let mut command = isolated(Command::new("/usr/bin/curl"), ca);
    command
        .args(["--silent", "--show-error", "--fail", "--disable"])
        .args(["--aws-sigv4", &format!("aws:amz:{REGION}:ecr"), "--user", &format!("{ACCESS_KEY}:{SECRET_KEY}")])
        .args(["--header", &format!("X-Amz-Target: {TARGET}")])
        .args(["--header", "Content-Type: application/x-amz-json-1.1"])
        .args(["--data", &format!(r#"{{"registryIds":["{REGISTRY}"]}}"#), url]);
    whole_run(command, "").await
}

async fn whole_run(mut command: Command, input: &str) -> Duration {
    let start = Instant::now();
    let mut process = command.spawn().expect("the peer starts");
    if let Some(mut stdin) = process.stdin.take() {
        stdin.write_all(input.as_bytes()).await.expect("the peer reads");
    }
    let output = process.wait_with_output().await.expect("the peer ends");
    let took = start.elapsed();
    let text = String::from_utf8_lossy(&output.stdout);
    let is_answered = text.contains("authorizationToken") || text.contains("Secret");
    assert!(output.status.success() && is_answered, "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    took
}

/// How long it takes from spawning a process to its first line.
pub(crate) async fn first_line(mut command: Command) -> Duration {
    let start = Instant::now();
    let mut process = command.spawn().expect("the process starts");
    let mut line = String::new();
    let stdout = process.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).await.expect("the line is text");
    let took = start.elapsed();
    assert!(line.trim_end().parse::<u16>().is_ok(), "{line:?} is no port");
    process.kill().await.expect("the process ends");
    took
}

/// The memory of a process, in bytes.
pub(crate) struct Memory {
    /// What it has of its own: anonymous pages, and those of files that it wrote to.
    pub(crate) own: f64,
    /// All that is resident: that, and pages of files, which processes share.
    pub(crate) resident: f64,
}

impl Memory {
    pub(crate) fn of(plugin: &Plugin) -> Self {
        let bytes = |line| plugin.status(line) as f64 * 1024.0;
        Self { own: bytes("RssAnon:"), resident: bytes("VmRSS:") }
    }
}

fn peer(name: &str) -> PathBuf {
    built(repository().join(".tools/peers").join(name))
}

fn built(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: run `make bench`", path.display());
    path
}
