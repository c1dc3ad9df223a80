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

const RUN_DEADLINE: Duration = Duration::from_secs(300);

pub(crate) struct Stack {
    program: &'static Program,
    engine: &'static str,
    commands: PathBuf,
    folder: TempDir,
}

/// How one `pulumi` command ended, and all that it printed.
struct Run {
    succeeded: bool,
    text: String,
}

impl Stack {
    /// A stack that is configured but not yet up: the program asks `endpoint` for the credentials of `registry_id`.
    pub(crate) fn new(program: &'static Program, endpoint: &str, registry_id: &str) -> Self {
        let engine = tools::ENGINE;
        let stack = Self {
            program,
            engine,
            commands: tools::engine(engine),
            folder: TempDir::new().expect("a temporary folder"),
        };
        for folder in ["project", "home", "pulumi-home", "backend"] {
            fs::create_dir(stack.folder.path().join(folder)).expect("a folder in the temporary folder");
        }
        program.lay_into(&stack.path("project"));
        stack.pulumi(&["stack", "init", "test"]).success();
        stack
            .pulumi(&[
                "config",
                "set-all",
                &format!("--plaintext=aws:region={REGION}"),
                &format!("--plaintext=aws:endpoints={}", json!([{ "ecr": endpoint }])),
                "--secret=aws:accessKey=AKIAIOSFODNN7EXAMPLE",
                "--secret=aws:secretKey=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                &format!("--plaintext=registryId={registry_id}"),
            ])
            .success();
        stack
    }

    /// Runs `pulumi` as a step that must succeed, and gives what a person at the terminal saw.
    #[track_caller]
    pub(crate) fn succeeds(&self, step: &str, arguments: &[&str]) -> String {
        let _step = Step::start(self.engine, self.program.name, step);
        self.pulumi(&[arguments, &["--non-interactive"]].concat()).success()
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

    /// The stack's state as text, secrets encrypted.
    pub(crate) fn state(&self) -> String {
        self.pulumi(&["stack", "export"]).success()
    }

    fn pulumi(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(self.commands.join("pulumi"));
        command
            .args(arguments)
            .current_dir(self.path("project"))
            .env_clear()
            .envs(self.environment())
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
        let inherited = env::var("PATH").expect("a PATH");
        vec![
            ("PATH", format!("{}:{}:{inherited}", self.commands.display(), tools::python().display())),
            ("HOME", at(self.path("home"))),
            ("PULUMI_HOME", at(self.path("pulumi-home"))),
            ("PULUMI_BACKEND_URL", format!("file://{}", self.path("backend").display())),
            ("PULUMI_CONFIG_PASSPHRASE", "test".to_owned()),
            ("PULUMI_SKIP_UPDATE_CHECK", "true".to_owned()),
            ("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true".to_owned()),
            ("PULUMI_DISABLE_REGISTRY_RESOLVE", "true".to_owned()),
            // Whatever would leave this machine fails at once.
            ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ]
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
