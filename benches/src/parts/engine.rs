//! The plugin under the engine: what one invoke adds to `pulumi up`, and the processor's time in the plugin.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

use tempfile::TempDir;
use tokio::process::Command;

use super::Bench;
use crate::{
    contenders::{Provider, REGION, REGISTRY},
    report::{Goal, Row, Unit},
    repository,
    samples::Samples,
};

const ENGINE: &str = ".tools/pulumi-3.274.1";

/// Runs the plugin and adds two lines to a file: the processor's time that the shell took, and that of the plugin. The
/// engine's signals are for the plugin.
const TIMED: &str = "#!/usr/bin/env bash\ntrap : INT TERM\n\"$TIMED_PLUGIN\" \"$@\"\ntimes >> \"$TIMED_LOG\"\n";

impl Bench {
    pub(super) async fn under_the_engine(&self) -> Vec<Row> {
        let without = Stack::new(None, &self.ecr.url()).await;
        let ours = Stack::new(Some(Provider::Ours), &self.ecr.url()).await;
        let go = Stack::new(Some(Provider::Go), &self.ecr.url()).await;
        let [mut base, mut with_ours, mut with_go, mut cpu_ours, mut cpu_go] = <[Samples; 5]>::default();
        for _ in 0..self.times(10) {
            base.push(without.up().await);
            with_ours.push(ours.up().await);
            with_go.push(go.up().await);
            cpu_ours.push(ours.preview_cpu().await);
            cpu_go.push(go.preview_cpu().await);
        }
        let row = |what, ours, theirs, goal| Row {
            what,
            ours,
            against: "Go peer",
            theirs,
            unit: Unit::Seconds,
            goal: Goal::AtMost(goal),
        };
        vec![
            row("what one invoke adds to `pulumi up`", with_ours.less(&base), with_go.less(&base), 0.5),
            row("processor time in the plugin, whole `pulumi preview`", cpu_ours, cpu_go, 0.2),
        ]
    }
}

/// A stack of a YAML program with one invoke, or with none.
struct Stack {
    folder: TempDir,
    provider: Option<Provider>,
}

impl Stack {
    async fn new(provider: Option<Provider>, url: &str) -> Self {
        let stack = Self { folder: tempfile::tempdir().expect("a temporary folder"), provider };
        for folder in ["project", "pulumi-home", "backend", "timed"] {
            fs::create_dir(stack.path(folder)).expect("a folder");
        }
        let timed = stack.path("timed/pulumi-resource-aws");
        fs::write(&timed, TIMED).expect("a file");
        fs::set_permissions(&timed, fs::Permissions::from_mode(0o755)).expect("a mode");
        stack.lay(provider.map(Provider::folder).as_deref());
        stack.pulumi(&["stack", "init", "bench"]).await;
        let endpoints = format!("--plaintext=aws:endpoints=[{{\"ecr\":\"{url}\"}}]");
        let region = format!("--plaintext=aws:region={REGION}");
        let keys = ["--plaintext=aws:accessKey=AKIDEXAMPLE", "--plaintext=aws:secretKey=dummy-secret-key"];
        stack.pulumi(&["config", "set-all", &endpoints, &region, keys[0], keys[1]]).await;
        stack
    }

    /// Writes the program, which uses the plugin in `folder`.
    fn lay(&self, folder: Option<&Path>) {
        let mut program = "name: bench\nruntime: yaml\n".to_owned();
        if let Some(folder) = folder {
            program += &format!(
                "plugins:\n  providers:\n    - name: aws\n      path: {}\nvariables:\n  credentials:\n    fn::invoke:\n      \
                 function: aws:ecr/getCredentials:getCredentials\n      arguments:\n        registryId: \"{REGISTRY}\"\n",
                folder.display()
            );
        }
        program += "outputs:\n  expiresAt: ";
        program += if folder.is_some() { "${credentials.expiresAt}\n" } else { "none\n" };
        fs::write(self.path("project/Pulumi.yaml"), program).expect("a file");
    }

    /// How long `pulumi up` takes, in seconds.
    async fn up(&self) -> f64 {
        self.lay(self.provider.map(Provider::folder).as_deref());
        let start = Instant::now();
        self.pulumi(&["up", "--yes"]).await;
        start.elapsed().as_secs_f64()
    }

    /// The processor's time in the plugin's processes of one `pulumi preview`, in seconds.
    async fn preview_cpu(&self) -> f64 {
        self.lay(Some(&self.path("timed")));
        let log = self.path("log");
        let _absent = fs::remove_file(&log);
        self.pulumi(&["preview"]).await;
        let log = fs::read_to_string(log).expect("the plugin ran");
        log.lines().skip(1).step_by(2).flat_map(str::split_whitespace).map(seconds).sum()
    }

    async fn pulumi(&self, arguments: &[&str]) {
        let engine = repository().join(ENGINE);
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(engine.join("pulumi"));
        command
            .args(arguments)
            .arg("--non-interactive")
            .current_dir(self.path("project"))
            .env_clear()
            .env("PATH", format!("{}:{path}", engine.display()))
            .env("HOME", self.folder.path())
            .env("PULUMI_HOME", self.path("pulumi-home"))
            .env("PULUMI_BACKEND_URL", format!("file://{}", self.path("backend").display()))
            .env("PULUMI_CONFIG_PASSPHRASE", "bench")
            .env("PULUMI_SKIP_UPDATE_CHECK", "true")
            .env("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
            .env("PULUMI_DISABLE_REGISTRY_RESOLVE", "true")
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("TIMED_PLUGIN", self.provider.map(Provider::executable).unwrap_or_default())
            .env("TIMED_LOG", self.path("log"))
            .kill_on_drop(true);
        let output = command.output().await.expect("pulumi runs");
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "pulumi {arguments:?}:\n{}", String::from_utf8_lossy(&text));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The seconds in what bash's `times` writes: `0m0.012s`.
fn seconds(text: &str) -> f64 {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m').expect("minutes and seconds");
    minutes.parse::<f64>().expect("minutes") * 60.0 + seconds.parse::<f64>().expect("seconds")
}
