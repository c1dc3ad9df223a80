//! A stack of one program: a project, a backend and a Pulumi home in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::runtime;
use tokio::time::timeout;

use crate::program::Program;
use crate::progress::Step;
use crate::tools;

pub(crate) const REGION: &str = "eu-central-1";

/// Secrets of the configuration of every stack.
pub(crate) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

const RUN_DEADLINE: Duration = Duration::from_secs(300);

pub(crate) struct Stack {
    program: &'static Program,
    engine: &'static str,
    commands: PathBuf,
    folder: TempDir,
    /// Set in the environment of all commands, over what is there.
    variables: Vec<(&'static str, String)>,
}

/// How one `pulumi` command ended, and all that it printed.
struct Run {
    succeeded: bool,
    text: String,
}

impl Stack {
    /// A stack that is configured but not yet up: the program asks `endpoint` for the credentials of `registry_id`.
    pub(crate) fn new(program: &'static Program, endpoint: &str, registry_id: &str) -> Self {
        Self::on(tools::ENGINE, program, endpoint, registry_id)
    }

    /// The same on an engine of this version.
    pub(crate) fn on(engine: &'static str, program: &'static Program, endpoint: &str, registry_id: &str) -> Self {
        let stack = Self {
            program,
            engine,
            commands: tools::engine(engine),
            folder: TempDir::new().expect("a temporary folder"),
            variables: Vec::new(),
        };
        for folder in ["project", "home", "pulumi-home", "backend"] {
            fs::create_dir(stack.folder.path().join(folder)).expect("a folder in the temporary folder");
        }
        program.lay_into(&stack.path("project"));
        stack.pulumi(&["stack", "init", "test"]).success();
        stack.configure(&[
            &format!("--plaintext=aws:region={REGION}"),
            &format!("--plaintext=aws:endpoints={}", json!([{ "ecr": endpoint, "ecrpublic": endpoint }])),
            &format!("--secret=aws:accessKey={ACCESS_KEY}"),
            &format!("--secret=aws:secretKey={SECRET_KEY}"),
            &format!("--plaintext=registryId={registry_id}"),
        ]);
        stack
    }

    /// Sets configuration, in the form of `pulumi config set-all`.
    pub(crate) fn configure(&self, settings: &[&str]) {
        self.pulumi(&[&["config", "set-all"], settings].concat()).success();
    }

    /// Takes the plugin out of the program's Pulumi.yaml.
    pub(crate) fn without_plugin(self) -> Self {
        let manifest = self.path("project/Pulumi.yaml");
        let text = fs::read_to_string(&manifest).expect("a program has a Pulumi.yaml");
        let (before, plugins) = text.split_once("plugins:\n").expect("it names plugins");
        let after = plugins.split_once("\n\n").map_or("", |(_, after)| after);
        fs::write(&manifest, format!("{before}{after}")).expect("Pulumi.yaml is written");
        self
    }

    /// Runs all further commands by an engine that can add packages to programs in Go, Python and TypeScript.
    pub(crate) fn that_adds_packages(self) -> Self {
        Self { commands: tools::engine_that_adds_packages(), ..self }
    }

    /// Runs all further commands with this variable.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Runs all further commands with this folder on the PATH.
    pub(crate) fn with_on_path(self, folder: &Path) -> Self {
        let path = format!("{}:{}", self.search_path(), folder.display());
        self.with("PATH", path)
    }

    /// Runs all further commands with this folder before all others on the PATH.
    pub(crate) fn with_first_on_path(self, folder: &Path) -> Self {
        let path = format!("{}:{}", folder.display(), self.search_path());
        self.with("PATH", path)
    }

    /// Runs `pulumi` as a step that must succeed, and gives what a person at the terminal saw.
    #[track_caller]
    pub(crate) fn succeeds(&self, step: &str, arguments: &[&str]) -> String {
        let _step = Step::start(self.engine, self.program.name, step);
        self.pulumi(&[arguments, &["--non-interactive"]].concat()).success()
    }

    /// Runs a program that drives the engine itself as a step that must succeed, in the environment of the stack.
    #[track_caller]
    pub(crate) fn driven_by(&self, step: &str, command: &str, arguments: &[&str]) -> String {
        let _step = Step::start(self.engine, self.program.name, step);
        self.run(Path::new(command), arguments).success()
    }

    /// Runs `pulumi` as a step that must fail, and gives what a person at the terminal saw.
    #[track_caller]
    pub(crate) fn fails(&self, step: &str, arguments: &[&str]) -> String {
        let _step = Step::start(self.engine, self.program.name, step);
        self.pulumi(&[arguments, &["--non-interactive"]].concat()).failure()
    }

    /// The stack's outputs in clear text.
    pub(crate) fn outputs(&self) -> Value {
        let text = self.pulumi(&["stack", "output", "--json", "--show-secrets"]).success();
        let mut outputs = serde_json::from_str::<Value>(&text).expect("outputs in JSON");
        // Each language spaces JSON text in its own way.
        if let Some(Value::String(text)) = outputs.get("dockerConfig") {
            outputs["dockerConfig"] = serde_json::from_str(text).expect("a docker config in JSON");
        }
        outputs
    }

    /// The release of the runtime that the program's language host starts it on.
    pub(crate) fn runtime_release(&self) -> String {
        let text = self.pulumi(&["about", "--json"]).success();
        let about: Value = serde_json::from_str(&text).expect("JSON");
        about["runtime"]["version"].as_str().unwrap_or_else(|| panic!("no runtime in {text}")).to_owned()
    }

    /// The stack's state as text, secrets encrypted.
    pub(crate) fn state(&self) -> String {
        self.pulumi(&["stack", "export"]).success()
    }

    /// The stack's outputs as its state holds them, secrets encrypted.
    pub(crate) fn output_state(&self) -> Value {
        let state: Value = serde_json::from_str(&self.state()).expect("a state in JSON");
        let resources = state["deployment"]["resources"].as_array().expect("resources");
        let stack = resources.iter().find(|resource| resource["type"] == "pulumi:pulumi:Stack");
        stack.expect("the stack itself")["outputs"].clone()
    }

    /// A path for a file that goes with the stack.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    fn pulumi(&self, arguments: &[&str]) -> Run {
        self.run(&self.commands.join("pulumi"), arguments)
    }

    fn run(&self, command: &Path, arguments: &[&str]) -> Run {
        let mut command = Command::new(command);
        command
            .args(arguments)
            .current_dir(self.path("project"))
            .env_clear()
            .envs(self.environment())
            .envs(self.program.environment())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let output = runtime
            .block_on(async { timeout(RUN_DEADLINE, command.output()).await })
            .unwrap_or_else(|_| panic!("pulumi {arguments:?} is not done after {RUN_DEADLINE:?}"))
            .expect("pulumi runs");
        let text = [output.stdout, output.stderr].concat();
        Run { succeeded: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let at = |path: PathBuf| path.to_string_lossy().into_owned();
        vec![
            ("PATH", self.search_path()),
            ("HOME", at(self.path("home"))),
            ("PULUMI_HOME", at(self.path("pulumi-home"))),
            ("PULUMI_BACKEND_URL", format!("file://{}", self.path("backend").display())),
            ("PULUMI_CONFIG_PASSPHRASE", "test".to_owned()),
            ("PULUMI_SKIP_UPDATE_CHECK", "true".to_owned()),
            ("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true".to_owned()),
            ("PULUMI_DISABLE_REGISTRY_RESOLVE", "true".to_owned()),
            // The TypeScript compiler checks the program in a step of its own.
            ("PULUMI_NODEJS_TRANSPILE_ONLY", "true".to_owned()),
            // Whatever would leave this machine fails at once.
            ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ]
    }

    /// The machine's Node.js may be older than the SDK takes: there, a program that fails never ends.
    fn search_path(&self) -> String {
        let inherited = env::var("PATH").expect("a PATH");
        let (python, node) = (tools::python(), tools::node_of("oldest"));
        format!("{}:{}:{}:{inherited}", self.commands.display(), python.display(), node.display())
    }

    fn path(&self, folder: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(folder)
    }
}

impl Run {
    #[track_caller]
    fn success(self) -> String {
        assert!(self.succeeded, "pulumi failed:\n{}", self.text);
        self.text
    }

    #[track_caller]
    fn failure(self) -> String {
        assert!(!self.succeeded, "pulumi succeeded:\n{}", self.text);
        self.text
    }
}
