//! The two sides of the comparison, each run in a home folder and on a network of its own.

use std::{fs, path::Path, process::Stdio};

use serde::Deserialize;
use serde_json::{Value as Json, json};
use support::{
    engine::Engine,
    http::Asked,
    plugin::{GET_CREDENTIALS, Plugin, executable},
    within_deadline,
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    case::{Case, Places},
    services::{Services, authority},
};

/// The registry that is asked for.
const REGISTRY: &str = "123456789012";

/// What a side did.
pub(crate) struct Outcome {
    /// Why it got no token.
    pub(crate) error: Option<String>,
    /// What was asked on the way.
    pub(crate) seen: Vec<String>,
    /// The requests to ECR.
    pub(crate) ecr: Vec<Asked>,
    /// The secret access key that it found, as far as it says.
    pub(crate) secret_key: String,
    /// All that people may see of it.
    pub(crate) output: Vec<String>,
}

/// A home folder and a network.
struct Machine {
    home: TempDir,
    services: Services,
    places: Places,
    given: String,
}

impl Machine {
    async fn new(case: &Case) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let services = Services::start(&case.answers).await.expect("the services listen");
        let path = home.path().to_str().expect("text").to_owned();
        let mut places = services.places();
        places.extend([("ca", format!("{path}/ca.pem")), ("pem", authority()), ("home", path)]);
        let places = Places(places);
        write(&home.path().join("ca.pem"), authority().as_bytes());
        for (name, text) in case.files() {
            write(&home.path().join(places.fill(&name)), &places.fill_file(&text));
        }
        Self { home, services, places, given: case.text() }
    }

    fn command(&self, case: &Case, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").expect("a PATH"));
        if !case.is_without("HOME") {
            command.env("HOME", self.home.path());
        }
        command.current_dir(self.home.path());
        command.envs(case.environment().iter().map(|(name, value)| (name, self.places.fill(value))));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    fn provider(&self, case: &Case) -> Json {
        self.places.fill_json(&Json::Object(case.provider()))
    }

    fn outcome(&self, error: Option<String>, secret_key: String, output: Vec<String>) -> Outcome {
        let seen = self.services.seen(&self.places, &self.given);
        Outcome { error, seen, ecr: self.services.asked_ecr(), secret_key, output }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("the home can be written to");
    fs::write(path, bytes).expect("the home can be written to");
}

/// What the official libraries say of a case.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Found {
    secret_key: String,
    error: Option<String>,
}

/// The official libraries, as `make` built them.
pub(crate) async fn official(case: &Case) -> Outcome {
    let machine = Machine::new(case).await;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/official/official");
    let mut process = machine.command(case, &program).spawn().expect("`make tools-official` built .tools/official");
    let mut stdin = process.stdin.take().expect("piped");
    stdin.write_all(machine.provider(case).to_string().as_bytes()).await.expect("it reads");
    drop(stdin);
    let output = within_deadline(&case.name, process.wait_with_output()).await.expect("it ends");
    // Some inputs make it panic.
    let crashed = || Found { error: Some(String::from_utf8_lossy(&output.stderr).into_owned()), ..Found::default() };
    let found: Found = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| crashed());
    machine.outcome(found.error, found.secret_key, Vec::new())
}

/// The plugin, as an engine drives it.
pub(crate) async fn plugin(case: &Case) -> Outcome {
    let machine = Machine::new(case).await;
    let engine = Engine::start().await.expect("an engine");
    let mut command = machine.command(case, &executable());
    command.args(["-v=9", &engine.address()]).stdin(Stdio::null());
    let mut plugin = Plugin::from_command(command).await;
    let mut output = Vec::new();
    let error = get_credentials(&mut plugin, machine.provider(case), &mut output).await.err();
    plugin.signal("TERM").await;
    let (_, stdout, stderr) = plugin.wait().await;
    output.extend([stdout, stderr]);
    output.extend(engine.log().into_iter().map(|(_, line)| line));
    machine.outcome(error, String::new(), output)
}

/// Calls all that an engine calls, as far as it gets. Every text that people may see goes into `output`.
async fn get_credentials(plugin: &mut Plugin, provider: Json, output: &mut Vec<String>) -> Result<(), String> {
    let mut told = |status: tonic::Status| {
        output.push(format!("{status:?}"));
        status.message().to_owned()
    };
    let checked = plugin.check_config(provider.clone()).await.map_err(&mut told)?;
    let failures: Vec<_> =
        checked.failures.iter().map(|failure| format!("{} {}", failure.property, failure.reason)).collect();
    if !failures.is_empty() {
        let text = failures.join("; ");
        output.push(text.clone());
        return Err(text);
    }
    plugin.configure(provider).await.map_err(&mut told)?;
    let answer = plugin.invoke(GET_CREDENTIALS, json!({"registryId": REGISTRY})).await.map_err(&mut told)?;
    assert!(answer.failures.is_empty(), "{:?}", answer.failures);
    Ok(())
}
