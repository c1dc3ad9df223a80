//! A plugin process, and a client that speaks to it as the engine does.

use std::{
    fs,
    future::Future,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use prost_types::Struct;
use pulumi_resource_aws::{
    packages::AWS,
    plugin::Package,
    proto::pulumirpc::{
        CheckRequest, CheckResponse, ConfigureRequest, InvokeRequest, InvokeResponse, ProviderHandshakeRequest,
        resource_provider_client::ResourceProviderClient,
    },
};
use serde_json::{Value as Json, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
};
use tonic::{Status, transport::Channel};

use crate::{
    ecr::Ecr,
    values::{json, properties},
    within_deadline,
};

/// The token of the function that the plugin is there for.
pub const GET_CREDENTIALS: &str = "aws:ecr/getCredentials:getCredentials";

/// The largest message that the client takes, as the engine.
const MAX_MESSAGE_BYTES: usize = 400 * 1024 * 1024;

/// How soon a signal ends the plugin, whatever else it does: the engine kills it two seconds later.
const END: Duration = Duration::from_secs(3);

/// The executable that cargo built beside the test that runs.
pub fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.ancestors().nth(2).expect("tests lie in target/PROFILE/deps");
    folder.join("pulumi-resource-aws")
}

tokio::task_local! {
    static SERVED: &'static Package;
}

/// Runs `test` with plugins that are started by the name of `package`: what it calls by the tokens of `schema.json` is called
/// by those of the package.
pub async fn serving<T>(package: &'static Package, test: impl Future<Output = T>) -> T {
    SERVED.scope(package, test).await
}

/// The package that plugins serve here.
pub fn served() -> &'static Package {
    SERVED.try_with(|package| *package).unwrap_or(&AWS)
}

/// The executable under the name of the package that plugins serve here.
fn named_executable() -> PathBuf {
    let (executable, name) = (executable(), served().executable());
    if executable.ends_with(&name) {
        return executable;
    }
    let link = executable.with_file_name(name);
    // By name alone, so that it leads to the executable beside it in a copy of the folder, too.
    let target = executable.file_name().expect("a file");
    match std::os::unix::fs::symlink(target, &link) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => panic!("{}: {error}", link.display()),
        _ => link,
    }
}

/// A command for the plugin in an environment that holds nothing of the machine's AWS set-up. Requests that would leave
/// the machine fail at once: the proxy that they are sent to does not exist.
pub fn command() -> Command {
    let mut command = Command::new(named_executable());
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("NO_PROXY", "127.0.0.1,localhost")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A running plugin.
pub struct Plugin {
    /// The process.
    pub process: Child,
    /// The port that it printed.
    pub port: u16,
    /// The connection.
    pub channel: Channel,
    /// The provider protocol, on that connection.
    pub client: ResourceProviderClient<Channel>,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<String>,
}

impl Plugin {
    /// Starts the plugin in attach mode.
    pub async fn start() -> Self {
        Self::from_command(command()).await
    }

    /// Starts the plugin with the keys of the environment, configured to call `ecr`.
    pub async fn for_ecr(ecr: &Ecr) -> Self {
        let mut plugin = Self::start().await;
        plugin.configure(ecr_configuration(ecr)).await.expect("a good configuration");
        plugin
    }

    /// Starts `command` and waits for its port line.
    /// stderr is read if it is piped.
    pub async fn from_command(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the plugin starts");
        let stderr = process.stderr.take();
        let stderr = tokio::spawn(async move {
            let mut text = String::new();
            if let Some(mut stderr) = stderr {
                stderr.read_to_string(&mut text).await.expect("stderr is text");
            }
            text
        });
        let mut stdout = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        within_deadline("the port line", stdout.read_line(&mut line)).await.expect("stdout is text");
        let port = line.strip_suffix('\n').and_then(|line| line.parse().ok());
        let port = port.unwrap_or_else(|| panic!("the first line is {line:?}, not a port"));
        let channel = Channel::from_shared(format!("http://127.0.0.1:{port}")).expect("a URL");
        let channel = channel.connect().await.expect("the plugin listens on the port that it printed");
        let client = ResourceProviderClient::new(channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Self { process, port, channel, client, stdout, stderr }
    }

    /// Calls Handshake and Configure with `configuration`, JSON in the form of the wire.
    pub async fn configure(&mut self, configuration: Json) -> Result<(), Status> {
        self.client.handshake(ProviderHandshakeRequest::default()).await?;
        let args = Some(properties(configuration));
        let request = ConfigureRequest { args, accept_secrets: true, accept_resources: true, ..Default::default() };
        self.client.configure(request).await.map(drop)
    }

    /// Calls CheckConfig.
    pub async fn check_config(&mut self, news: Json) -> Result<CheckResponse, Status> {
        let request = CheckRequest { news: Some(properties(news)), ..Default::default() };
        self.client.check_config(request).await.map(tonic::Response::into_inner)
    }

    /// Calls a function with arguments, JSON in the form of the wire.
    pub async fn invoke(&mut self, token: &str, arguments: Json) -> Result<InvokeResponse, Status> {
        self.invoke_with(token, properties(arguments)).await
    }

    /// Calls a function with arguments as they stand on the wire.
    pub async fn invoke_with(&mut self, token: &str, arguments: Struct) -> Result<InvokeResponse, Status> {
        let request = InvokeRequest { tok: (served().token)(token).into_owned(), args: Some(arguments) };
        within_deadline("Invoke", self.client.invoke(request)).await.map(tonic::Response::into_inner)
    }

    /// Begins a call of getCredentials with arguments, JSON in the form of the wire.
    pub fn begin(&self, arguments: Json) -> JoinHandle<Result<InvokeResponse, Status>> {
        self.begin_call(GET_CREDENTIALS, arguments)
    }

    /// Begins a call of a function.
    pub fn begin_call(&self, token: &str, arguments: Json) -> JoinHandle<Result<InvokeResponse, Status>> {
        let mut client = self.client.clone();
        let request = InvokeRequest { tok: (served().token)(token).into_owned(), args: Some(properties(arguments)) };
        tokio::spawn(async move { client.invoke(request).await.map(tonic::Response::into_inner) })
    }

    /// The results of getCredentials for a registry.
    pub async fn get_credentials(&mut self, registry_id: &str) -> Result<Json, Status> {
        let response = self.invoke(GET_CREDENTIALS, json!({"registryId": registry_id})).await?;
        assert!(response.failures.is_empty(), "{:?}", response.failures);
        Ok(results(response))
    }

    /// The results of a function.
    pub async fn call(&mut self, token: &str, arguments: Json) -> Result<Json, Status> {
        let response = self.invoke(token, arguments).await?;
        assert!(response.failures.is_empty(), "{token}: {:?}", response.failures);
        Ok(results(response))
    }

    /// The message with which getCredentials for registry 123456789012 fails.
    pub async fn error(&mut self) -> String {
        let result = self.get_credentials("123456789012").await;
        result.map(drop).expect_err("getCredentials fails").message().to_owned()
    }

    /// The number of a line of `/proc/PID/status`, such as `VmHWM:`, in kB where it is one of memory.
    pub fn status(&self, line: &str) -> u64 {
        let status = fs::read_to_string(self.in_proc("status")).expect("the plugin runs");
        let rest = status.lines().find_map(|text| text.strip_prefix(line)).expect("Linux tells");
        rest.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many bytes it has read from files so far, those of the kernel among them. Connections do not count.
    pub fn bytes_read(&self) -> u64 {
        let io = fs::read_to_string(self.in_proc("io")).expect("the plugin runs");
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("Linux tells");
        read.parse().expect("a number")
    }

    /// What its open files are: paths, or for example `socket:[42]`.
    pub fn open_files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.in_proc("fd")).expect("the plugin runs");
        files.filter_map(|file| fs::read_link(file.expect("a file").path()).ok()).collect()
    }

    /// How many more files it can open below this limit. What it was started with can lie above.
    pub fn room_for_files(&self, limit: usize) -> usize {
        let files = fs::read_dir(self.in_proc("fd")).expect("the plugin runs");
        let numbers = files.filter_map(|file| file.expect("a file").file_name().to_str()?.parse::<usize>().ok());
        limit - numbers.filter(|number| *number < limit).count()
    }

    /// How many of its open files are connections or ports.
    pub fn sockets(&self) -> usize {
        self.open_files().iter().filter(|file| file.to_string_lossy().starts_with("socket:")).count()
    }

    fn in_proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.process.id().expect("the plugin runs").to_string()).join(file)
    }

    /// Sends a signal, by name.
    pub async fn signal(&self, signal: &str) {
        let pid = self.process.id().expect("the plugin runs").to_string();
        let kill = Command::new("kill").args([&format!("-{signal}"), &pid]).status().await.expect("kill runs");
        assert!(kill.success(), "the plugin takes {signal}");
    }

    /// Sends a signal, by name, which ends the process soon; what [`Self::wait`] gives.
    pub async fn end_by(mut self, signal: &str) -> (Option<i32>, String, String) {
        self.signal(signal).await;
        let ended = tokio::time::timeout(END, self.process.wait()).await;
        assert!(ended.is_ok(), "{signal} does not end the plugin within {END:?}");
        self.wait().await
    }

    /// The processor time that it has taken so far, of all its threads.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(self.in_proc("stat")).expect("the plugin runs");
        // Its name comes before, in parentheses, and may have any characters.
        let (_, fields) = stat.rsplit_once(") ").expect("Linux tells");
        // As user and in the kernel, in hundredths of a second.
        let hundredths = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("a number"));
        Duration::from_millis(hundredths.sum::<u64>() * 10)
    }

    /// Waits for the end of the process: its exit code, what it wrote to stdout behind the port, and to stderr.
    pub async fn wait(mut self) -> (Option<i32>, String, String) {
        let status = within_deadline("the plugin's end", self.process.wait()).await.expect("a status");
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).await.expect("stdout is text");
        (status.code(), stdout, self.stderr.await.expect("stderr was read"))
    }
}

/// The results in an answer to Invoke, JSON in the form of the wire.
pub fn results(response: InvokeResponse) -> Json {
    let results = response.r#return.expect("results");
    json(prost::Message::decode(results).expect("a Struct"))
}

/// Static keys and the stand-in's URL, as an explicit provider has them.
pub fn ecr_configuration(ecr: &Ecr) -> Json {
    json!({
        "region": "eu-west-1",
        "accessKey": "AKIDEXAMPLE",
        "secretKey": "dummy-secret-key",
        "endpoints": [{"ecr": ecr.url(), "ecrpublic": ecr.url()}],
    })
}
