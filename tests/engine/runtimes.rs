//! The releases of each language's runtime: what the examples ask for is the lowest that their SDKs take, and they come
//! up on the oldest and on the newest one that is to be had.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::csharp::LOWEST_DOTNET;
use crate::java::comes_up_by;
use crate::moto::Moto;
use crate::program::{GO, GO_V6, PYTHON, Program, TYPESCRIPT};
use crate::stack::{REGION, Stack};
use crate::tools::{self, read};

const REGISTRY_ID: &str = "012345678901";

#[test]
fn typescript_on_the_oldest_and_the_newest_node() {
    for age in ["oldest", "newest"] {
        comes_up(&TYPESCRIPT, |stack| stack.with_first_on_path(&tools::node_of(age)));
    }
}

#[test]
fn python_on_the_oldest_and_the_newest() {
    for age in ["oldest", "newest"] {
        comes_up(&PYTHON, |stack| stack.with_first_on_path(&tools::python_of(age)));
    }
}

#[test]
fn go_by_the_oldest() {
    for (program, example) in [(&GO, "go"), (&GO_V6, "go-v6")] {
        let oldest = format!("go{}", go_line(example));
        comes_up(program, |stack| stack.with("GOTOOLCHAIN", oldest));
    }
}

/// The release of Java on which programs of the SDK wait for ever: their engine never hears that they are done.
const TOO_NEW_JAVA: u32 = 25;

#[test]
fn java_on_all_that_are_here() {
    let runtimes: Vec<_> = java_runtimes().into_iter().filter(|(version, _)| *version < TOO_NEW_JAVA).collect();
    assert!(!runtimes.is_empty(), "there is a Java that the SDK takes");
    for (version, java) in runtimes {
        eprintln!("Java {version}");
        comes_up_by(&java);
    }
}

fn comes_up(program: &'static Program, on: impl FnOnce(Stack) -> Stack) {
    let moto = Moto::start();
    let stack = on(Stack::new(program, &moto.endpoint(), REGISTRY_ID));
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    assert_eq!(stack.outputs(), program.outputs(&moto.login(REGION, REGISTRY_ID)));
}

/// One executable for each release of Java: the one on the PATH and those where Linux distributions lay them.
fn java_runtimes() -> BTreeMap<u32, PathBuf> {
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    let candidates = installed.map(|folder| folder.path().join("bin/java")).chain(["java".into()]);
    let release = |java: PathBuf| {
        let told = Command::new(&java).args(["-XshowSettings:properties", "-version"]).output().ok()?.stderr;
        let told = String::from_utf8(told).ok()?;
        let line = told.lines().find_map(|line| line.trim().strip_prefix("java.specification.version = "));
        line.and_then(|version| version.parse().ok()).map(|version| (version, java))
    };
    candidates.filter_map(release).collect()
}

#[test]
fn examples_ask_for_the_lowest_that_their_sdks_take() {
    let needs = read("examples/README.md");
    for (language, lowest) in [
        ("TypeScript, JavaScript", format!("Node.js {}", lowest_node())),
        ("Python", format!("Python {}", lowest_python())),
        ("Go", format!("Go {}", go_line("go"))),
        ("Go, SDK v6", format!("Go {}", go_line("go-v6"))),
        ("Java", format!("Java {}", lowest_java())),
        ("C#", format!(".NET {LOWEST_DOTNET}")),
    ] {
        let row = format!("| {language} | {lowest} |");
        assert!(needs.contains(&row), "examples/README.md has no {row}");
    }

    let package: Value = serde_json::from_str(&read("examples/typescript/package.json")).expect("JSON");
    assert_eq!(package["devDependencies"]["@types/node"], format!("^{}", lowest_node()));
    let release = format!("<maven.compiler.release>{}</maven.compiler.release>", lowest_java());
    assert!(read("examples/java/pom.xml").contains(&release), "examples/java is compiled for {release}");
    for example in ["go", "go-v6"] {
        assert_eq!(go_line(example), lowest_go(example), "the go line of examples/{example}");
    }
}

/// `engines` of @pulumi/pulumi.
fn lowest_node() -> String {
    let package = tools::node_modules().join("@pulumi/pulumi/package.json");
    let package: Value = serde_json::from_str(&fs::read_to_string(package).expect("the SDK")).expect("JSON");
    let engines = package["engines"]["node"].as_str().expect("a range");
    engines.strip_prefix(">=").expect("a lower bound").to_owned()
}

/// The higher one of pulumi's `Requires-Python` and pulumi-aws's.
fn lowest_python() -> String {
    let python = tools::python().join("python3");
    let code = "from importlib.metadata import metadata\n\
                needs = [metadata(name)['Requires-Python'].removeprefix('>=') for name in ('pulumi', 'pulumi-aws')]\n\
                print(max(needs, key=lambda version: tuple(map(int, version.split('.')))))";
    told(Command::new(python).args(["-c", code]))
}

/// The release that the classes of Pulumi's SDK are compiled for; the first one has the number 45 in class files.
fn lowest_java() -> u32 {
    let class_path = tools::java_class_path();
    let told = told(Command::new("javap").args([
        "-v",
        "-cp",
        &class_path.replace("/*", "/pulumi-1.16.3.jar"),
        "com.pulumi.Pulumi",
    ]));
    let major = told.lines().find_map(|line| line.trim().strip_prefix("major version: "));
    major.and_then(|major| major.parse::<u32>().ok()).expect("a class file has a version") - 44
}

/// The highest `go` line of the modules that the example is built from.
fn lowest_go(example: &str) -> String {
    let mut command = Command::new("go");
    command.current_dir(tools::repository().join("examples").join(example)).envs(tools::go_caches(example));
    let modules = told(command.args([
        "list",
        "-deps",
        "-f",
        "{{with .Module}}{{if not .Main}}{{.GoVersion}}{{end}}{{end}}",
        ".",
    ]));
    let number = |line: &&str| line.split('.').map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>();
    modules.lines().max_by_key(number).expect("modules").to_owned()
}

fn go_line(example: &str) -> String {
    let module = read(&format!("examples/{example}/go.mod"));
    module.lines().find_map(|line| line.strip_prefix("go ")).expect("a go line").to_owned()
}

fn told(command: &mut Command) -> String {
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}
