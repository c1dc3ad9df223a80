//! The package of its own: a newcomer who follows `docs/_index.md` word for word.

use std::fs;
use std::process::Command;

use pulumi_resource_aws::packages::AWS_ECR;
use pulumi_resource_aws::plugin::Schema;
use serde_json::json;
use tempfile::TempDir;

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

#[test]
fn a_newcomer_gets_credentials_in_yaml() {
    let moto = Moto::start();
    let stack = Stack::new(&YAML, &moto.endpoint(), REGISTRY_ID)
        .with("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned())
        .with("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned());
    let project = stack.scratch("project");
    fs::copy(tools::plugin().join("pulumi-resource-aws"), project.join(AWS_ECR.executable())).expect("the plugin");
    let program = project.join("Pulumi.yaml");
    let manifest = fs::read_to_string(&program).expect("a program");
    fs::write(&program, manifest + block("yaml")).expect("a program");

    for line in block("sh").lines() {
        let arguments: Vec<_> = line.strip_prefix("pulumi ").expect("a command").split(' ').collect();
        stack.succeeds(&arguments[..2].join(" "), &arguments);
    }
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
