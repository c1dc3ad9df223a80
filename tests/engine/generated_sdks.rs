//! What Pulumi's generators make of `schema.json`: SDKs that are sound in their languages and reach this plugin.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::moto::Moto;
use crate::program::{Needs, Program};
use crate::progress::Step;
use crate::stack::Stack;
use crate::tools;

const REGISTRY_ID: &str = "012345678901";

/// Where the programs call ECR: the official SDKs have no such argument.
const REGION: &str = "us-west-2";

/// What the generator's templates have in every SDK: a provider's inputs, a property named `keys`, a decorator, arguments of
/// several types in one dictionary.
const IGNORED_BY_MYPY: &[&str] = &[
    "--disable-error-code=arg-type",
    "--disable-error-code=assignment",
    "--disable-error-code=override",
    "--disable-error-code=return-value",
];

const NODEJS: Program =
    Program::of_test("generated SDK, nodejs", "tests/engine/programs/generated/nodejs", Needs::NodeModules);
const PYTHON: Program =
    Program::of_test("generated SDK, python", "tests/engine/programs/generated/python", Needs::Nothing);
const GO: Program = Program::of_test("generated SDK, go", "tests/engine/programs/generated/go", Needs::GoCaches("go"));

#[test]
fn nodejs() {
    let modules = TempDir::new().expect("a temporary folder");
    let sdk = tools::generated_sdk("nodejs");
    let package = modules.path().join("pulumi-aws-ecr");
    let settings = fs::read_to_string(sdk.join("tsconfig.json")).expect("the compiler's settings");
    assert!(settings.contains(r#""strict": true"#), "{settings}");
    let compiler = tools::node_modules().join(".bin/tsc");
    let arguments = [OsStr::new("--project"), sdk.as_os_str(), OsStr::new("--outDir"), package.as_os_str()];
    passes("compile", Command::new(compiler).args(arguments));
    fs::copy(sdk.join("package.json"), package.join("package.json")).expect("the package's description");

    let search_path = format!("{}:{}", modules.path().display(), tools::node_modules().display());
    works(&NODEJS, |stack| stack.with("NODE_PATH", search_path));
}

#[test]
fn python() {
    let installed = tools::generated_sdk("python-installed");
    let cache = TempDir::new().expect("a temporary folder");
    let checked_by_mypy = |arguments: &[&str]| {
        let mut mypy = Command::new(tools::mypy());
        mypy.arg("--python-executable").arg(tools::python().join("python3")).arg("--cache-dir").arg(cache.path());
        passes("types", mypy.args(arguments).env("MYPYPATH", &installed).current_dir(tools::repository()));
    };
    checked_by_mypy(&[IGNORED_BY_MYPY, &["--package", "pulumi_aws_ecr"]].concat());
    checked_by_mypy(&["--strict", "--follow-imports=silent", &format!("{}/__main__.py", PYTHON.folder())]);

    works(&PYTHON, |stack| stack.with("PYTHONPATH", installed.to_string_lossy().into_owned()));
}

#[test]
fn go() {
    works(&GO, |stack| {
        let project = stack.scratch("project");
        let example = tools::repository().join("examples/go");
        fs::copy(example.join("go.sum"), project.join("go.sum")).expect("the checksums");
        let modules = fs::read_to_string(example.join("go.mod")).expect("the modules");
        let sdk = tools::generated_sdk("go");
        let modules = format!("{modules}\nrequire {GO_MODULE} v0.0.0\n\nreplace {GO_MODULE} => {}\n", sdk.display());
        fs::write(project.join("go.mod"), modules).expect("the modules");
        let all = format!("{GO_MODULE}/...");
        for check in ["vet", "build"] {
            passes(check, Command::new("go").args([check, "-trimpath", &all]).current_dir(&project));
        }
        stack
    });
}

const GO_MODULE: &str = "example.com/pulumi-aws-ecr/sdk/go/aws";

/// No compiler for C# can be had from the package registries, so its SDK is read.
#[test]
fn csharp() {
    let sdk = tools::generated_sdk("dotnet");
    let schema: Value = serde_json::from_str(include_str!("../../schema.json")).expect("a schema");
    let token = "aws:ecr/getCredentials:getCredentials";
    let text = fs::read_to_string(sdk.join("Ecr/GetCredentials.cs")).expect("the function's class");
    assert!(text.contains("namespace EcrCredentials.Aws.Ecr\n"), "{text}");
    is_in_csharp(token, &schema["functions"][token], &text);
    let version = fs::read_to_string(sdk.join("version.txt")).expect("the version");
    assert_eq!(version, schema["version"]);
}

/// The text has the function, its arguments in both forms and its results.
#[track_caller]
pub(crate) fn is_in_csharp(token: &str, function: &Value, text: &str) {
    let class = pascal(token.rsplit(':').next().expect("a name"));
    assert!(text.contains(&format!("<{class}Result>(\"{token}\", ")), "{text}");
    let properties = |part: &str| function[part]["properties"].as_object().expect("properties").clone();
    for name in properties("inputs").keys() {
        let required = function["inputs"]["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
        let attribute =
            if required { format!("[Input(\"{name}\", required: true)]") } else { format!("[Input(\"{name}\")]") };
        assert_eq!(text.matches(&attribute).count(), 2, "{attribute} in the arguments of both forms:\n{text}");
        assert!(text.contains(&format!(" {} {{ get; set; }}", pascal(name))), "{name}:\n{text}");
    }
    let results = text.lines().filter_map(|line| line.trim().strip_prefix("public readonly "));
    let results: Vec<_> = results.filter_map(|result| result.strip_suffix(';')?.split(' ').next_back()).collect();
    for name in properties("outputs").keys() {
        assert!(results.contains(&&*pascal(name)), "{name}:\n{text}");
    }
}

#[test]
fn the_engine_finds_nothing_wrong_with_the_schema() {
    let home = TempDir::new().expect("a temporary folder");
    let mut check = Command::new(tools::engine(tools::ENGINE).join("pulumi"));
    check.args(["schema", "check", "schema.json"]).current_dir(tools::repository());
    let seen = passes("schema check", check.env("PULUMI_HOME", home.path()).env("PULUMI_SKIP_UPDATE_CHECK", "true"));
    assert!(!seen.contains("warning"), "{seen}");
}

fn pascal(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

#[track_caller]
fn works(program: &'static Program, prepare: impl FnOnce(Stack) -> Stack) {
    let moto = Moto::start();
    let stack = prepare(Stack::new(program, &moto.endpoint(), REGISTRY_ID));
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let login = moto.login(REGION, REGISTRY_ID);
    assert_eq!(stack.outputs(), json!({ "proxyEndpoint": login.proxy_endpoint, "password": login.password }));
}

#[track_caller]
fn passes(step: &str, command: &mut Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let _step = Step::start(tools::ENGINE, "generated SDK", format!("{program}, {step}"));
    let output = command.output().expect("the tool runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}
