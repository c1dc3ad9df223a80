//! The package of its own: a newcomer who follows `docs/_index.md` word for word.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pulumi_resource_aws::packages::AWS_ECR;
use pulumi_resource_aws::plugin::Schema;
use serde_json::json;
use tempfile::TempDir;

use crate::beside::serve;
use crate::discovery::pack;
use crate::moto::Moto;
use crate::program::{Needs, Program};
use crate::stack::{ACCESS_KEY, SECRET_KEY, Stack};
use crate::tools;

const PAGE: &str = include_str!("../../docs/_index.md");

/// The registry and the Region of the page.
const REGISTRY_ID: &str = "123456789012";
const REGION: &str = "eu-west-1";

const YAML: Program = Program::of_test("aws-ecr, yaml", "tests/engine/programs/own-package/yaml", Needs::Nothing);

/// The page's first block of code in a language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("```{language}\n")).expect("a block of code");
    rest.split_once("```").expect("its end").0
}

/// A stack of the page's program in YAML.
fn newcomer(moto: &Moto) -> Stack {
    let stack = Stack::new(&YAML, &moto.endpoint(), REGISTRY_ID)
        .with("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned())
        .with("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned());
    let program = stack.scratch("project/Pulumi.yaml");
    let manifest = fs::read_to_string(&program).expect("a program");
    fs::write(&program, manifest + block("yaml")).expect("a program");
    stack
}

/// The name of the tarball that `make dist` makes here.
fn tarball_name() -> String {
    format!("{}-v{}-linux-amd64.tar.gz", AWS_ECR.executable(), AWS_ECR.version)
}

/// Puts the tarball that `make dist` would make of the plugin under test into a folder of the stack.
fn tarball(stack: &Stack, folder: &str) -> PathBuf {
    let tarball = stack.scratch(folder).join(tarball_name());
    pack(&tools::plugin().join("pulumi-resource-aws"), &tarball, &AWS_ECR.executable());
    tarball
}

/// The page's first commands.
fn commands() -> impl Iterator<Item = Vec<&'static str>> {
    block("sh").lines().map(|line| line.strip_prefix("pulumi ").expect("a command").split(' ').collect())
}

#[test]
fn a_newcomer_gets_credentials_in_yaml() {
    let moto = Moto::start();
    let stack = newcomer(&moto);
    tarball(&stack, "project");
    for arguments in commands() {
        stack.succeeds(&arguments[..2].join(" "), &arguments);
    }
    logs_in(&stack, &moto);
}

#[test]
fn from_a_server_by_its_name() {
    let moto = Moto::start();
    let stack = newcomer(&moto);
    let server = serve("200 OK", fs::read(tarball(&stack, "served")).expect("the tarball"));
    for mut arguments in commands() {
        if let Some(at) = arguments.iter().position(|argument| *argument == "-f") {
            arguments.truncate(at);
            arguments.extend(["--server", &server]);
        }
        stack.succeeds(&arguments[..2].join(" "), &arguments);
    }
    logs_in(&stack, &moto);
}

#[test]
fn the_engine_runs_doctor() {
    let moto = Moto::start();
    let stack = newcomer(&moto);
    let tarball = tarball(&stack, "served");
    let install = ["plugin", "install", "resource", AWS_ECR.name, AWS_ECR.version, "-f"];
    stack.succeeds("plugin install", &[&install[..], &[&tarball.to_string_lossy()]].concat());
    let run = format!(
        "pulumi plugin run --kind resource aws-ecr -- doctor --registry {REGISTRY_ID} --config 'endpoints={}' \"$@\"; \
         echo \"exit code $?\"",
        json!([{ "ecr": moto.endpoint(), "sts": moto.endpoint() }])
    );
    let doctor = |arguments: &[&str]| stack.driven_by("doctor", "sh", &[&["-c", &run, "sh"], arguments].concat());
    let seen = doctor(&[]);
    assert!(seen.contains("ill: getCredentials for registry 123456789012: no AWS Region is configured"), "{seen}");
    assert!(seen.contains("exit code 4"), "{seen}");
    let seen = doctor(&["--config", &format!("aws-ecr:region={REGION}")]);
    assert!(seen.contains("well: an Invoke of getCredentials finds what it needs"), "{seen}");
    assert!(seen.contains(&moto.login(REGION, REGISTRY_ID).proxy_endpoint), "{seen}");
    assert!(seen.contains("exit code 0"), "{seen}");
}

#[track_caller]
fn logs_in(stack: &Stack, moto: &Moto) {
    stack.configure(&[&format!("--plaintext=aws-ecr:endpoints={}", json!([{ "ecr": moto.endpoint() }]))]);
    let seen = stack.succeeds("up", &["up", "--yes", "--skip-preview"]);

    assert!(!seen.contains("warning"), "{seen}");
    let login = moto.login(REGION, REGISTRY_ID);
    assert_eq!(stack.outputs(), json!({ "registry": login.proxy_endpoint, "password": login.password }));
    assert!(!stack.state().contains(&login.password), "the password is secret");
}

#[test]
fn the_engine_finds_nothing_wrong_with_its_schema() {
    let home = TempDir::new().expect("a temporary folder");
    let schema = Schema::of(&AWS_ECR).and_then(|schema| schema.text()).expect("a schema");
    fs::write(home.path().join("schema.json"), schema.as_bytes()).expect("the schema");
    let mut check = Command::new(tools::engine(tools::ENGINE).join("pulumi"));
    check.args(["schema", "check", "schema.json"]).current_dir(home.path());
    let output = check.env("PULUMI_HOME", home.path()).env("PULUMI_SKIP_UPDATE_CHECK", "true").output();
    let output = output.expect("the engine runs");
    let seen = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !seen.contains("warning"), "{seen}");
}
