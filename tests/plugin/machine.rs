//! A machine of a user of AWS: a home folder, variables, and a plugin that an engine started there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value as Json, json};
use support::{
    ecr::{Ecr, Recorded},
    engine::Engine,
    plugin::{Plugin, command},
    within_deadline,
};
use tempfile::TempDir;
use tokio::process::Command;

/// The registry that the tests ask for.
pub(crate) const REGISTRY: &str = "123456789012";

/// Makes a pipe, for its user alone.
pub(crate) fn make_pipe(path: impl AsRef<Path>) {
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(path.as_ref()).status();
    assert!(made.expect("there is mkfifo").success());
}

/// What is set up before the plugin starts.
pub(crate) struct Machine {
    home: TempDir,
    command: Command,
}

impl Machine {
    /// An empty home folder and none of AWS's variables but the one that disables the metadata service.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = command();
        command.env("HOME", home.path()).env("PATH", std::env::var_os("PATH").expect("a PATH"));
        Self { home, command }
    }

    /// A file below the home folder.
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("the home can be written to");
        fs::write(path, text).expect("the home can be written to");
        self
    }

    /// `~/.aws/config`.
    pub(crate) fn config(self, text: &str) -> Self {
        self.file(".aws/config", text)
    }

    /// A variable.
    pub(crate) fn var(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    /// Unsets a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// An argument of the plugin.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// A limit of open files.
    pub(crate) fn open_files(mut self, limit: u32) -> Self {
        let unlimited = self.command.as_std();
        let mut limited = Command::new("sh");
        limited
            .env_clear()
            .args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")])
            .arg(unlimited.get_program());
        limited.envs(unlimited.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        self.command = limited;
        self
    }

    /// Keys in the environment: `AKIDENVIRONMENT`.
    pub(crate) fn keys(self) -> Self {
        self.var("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT").var("AWS_SECRET_ACCESS_KEY", "environment-secret")
    }

    /// The path of a file below the home folder.
    pub(crate) fn path(&self, path: &str) -> String {
        self.home.path().join(path).to_str().expect("text").to_owned()
    }

    /// Runs `doctor` with a configuration and further arguments: its exit code, stdout and stderr.
    pub(crate) async fn doctor(&mut self, configuration: &Json, arguments: &[&str]) -> (i32, String, String) {
        let mut doctor = Command::new(self.command.as_std().get_program());
        doctor.env_clear().envs(self.command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
        doctor.arg("doctor").args(arguments);
        for (key, value) in configuration.as_object().expect("a configuration is an object") {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            doctor.args(["--config", &format!("{key}={value}")]);
        }
        let output = within_deadline("doctor", doctor.stdin(Stdio::null()).output()).await.expect("doctor runs");
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
        (output.status.code().expect("an exit code"), stdout, stderr)
    }

    /// Starts the plugin, not configured yet.
    pub(crate) async fn start(mut self) -> Running {
        let engine = Engine::start().await.expect("an engine");
        self.command.arg(engine.address());
        Running { plugin: Plugin::from_command(self.command).await, engine, home: self.home }
    }

    /// Starts the plugin and configures it.
    pub(crate) async fn configured(self, configuration: Json) -> Running {
        let mut running = self.start().await;
        running.plugin.configure(configuration).await.expect("a good configuration");
        running
    }

    /// Starts the plugin, configures it and gives back the message with which getCredentials fails.
    pub(crate) async fn error(self, configuration: Json) -> String {
        self.configured(configuration).await.plugin.error().await
    }
}

/// A plugin that runs on a [`Machine`].
pub(crate) struct Running {
    pub(crate) plugin: Plugin,
    pub(crate) engine: Engine,
    home: TempDir,
}

impl Running {
    /// The path of a file below the home folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Calls getCredentials, and gives back what arrived at ECR for it.
    pub(crate) async fn asked(&mut self, ecr: &Ecr) -> Recorded {
        self.plugin.get_credentials(REGISTRY).await.expect("a token");
        ecr.requests().pop().expect("a request")
    }

    /// Waits for the debug line that says where the credentials are from.
    pub(crate) async fn source(&self) -> String {
        let start = "AWS credentials come from ";
        self.engine.wait_for_line(start).await;
        let line =
            self.engine.log().into_iter().rev().find_map(|(_, line)| line.strip_prefix(start).map(str::to_owned));
        line.expect("the line")
    }

    /// How often credentials were looked up.
    pub(crate) fn look_ups(&self) -> usize {
        self.engine.log().iter().filter(|(_, line)| line.starts_with("AWS credentials come from ")).count()
    }
}

/// A configuration that calls the stand-in in eu-west-1.
pub(crate) fn calls(ecr: &Ecr) -> Json {
    json!({"region": "eu-west-1", "endpoints": [{"ecr": ecr.url()}]})
}

/// `base` with the keys of `more`; endpoints are added to those that are there.
pub(crate) fn with(mut base: Json, more: Json) -> Json {
    let Json::Object(more) = more else { panic!("a configuration is an object") };
    for (key, value) in more {
        match (&mut base[&key], value) {
            (Json::Array(there), Json::Array(new)) => there.extend(new),
            (there, value) => *there = value,
        }
    }
    base
}
