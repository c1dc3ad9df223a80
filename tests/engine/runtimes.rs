//! The releases of each language's runtime: what the examples ask for is the lowest that their SDKs take, and they come
//! up on the oldest and on the newest one that is to be had.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::csharp::LOWEST_DOTNET;
use crate::java::comes_up_by;
use crate::moto::Moto;
use crate::program::{GO, GO_V6, JAVASCRIPT, PYTHON, Program, TYPESCRIPT};
use crate::stack::{REGION, Stack};
use crate::tools::{self, read, told};

const REGISTRY_ID: &str = "012345678901";

const AGES: [&str; 2] = ["oldest", "newest"];

#[test]
fn javascript_and_typescript_on_the_oldest_and_the_newest_node() {
    for program in [&JAVASCRIPT, &TYPESCRIPT] {
        let releases = AGES.map(|age| comes_up(program, |stack| stack.with_first_on_path(&tools::node_of(age))));
        from_the_lowest_on(&releases, &lowest_node());
    }
}

#[test]
fn python_on_the_oldest_and_the_newest() {
    let [oldest, newest] = AGES.map(|age| comes_up(&PYTHON, |stack| stack.with_first_on_path(&tools::python_of(age))));
    // Those of this machine, which may have one release alone.
    assert!(numbers(&lowest_python()) <= numbers(&oldest), "{oldest}");
    assert!(numbers(&oldest) <= numbers(&newest), "{oldest}, {newest}");
}

#[test]
fn go_by_the_oldest_and_the_newest() {
    let by = |program, go: &str| {
        let release = comes_up(program, |stack| stack.with("GOTOOLCHAIN", format!("go{go}")));
        assert!(numbers(&release).starts_with(&numbers(go)), "{release} is not {go}");
        release
    };
    for (program, example) in [(&GO, "go"), (&GO_V6, "go-v6")] {
        by(program, &go_line(example));
    }
    let newest = by(&GO, read("tests/engine/toolchain/go-newest").trim());
    assert!(numbers(&go_line("go")) < numbers(&newest), "{newest}");
}

/// Since Java 25 all asynchronous work shares a pool of one thread less than the machine has processors, and the SDK,
/// whose tasks wait for each other, waits for ever where that is one thread.
const COMMON_POOL: &str = "-Djava.util.concurrent.ForkJoinPool.common.parallelism=8";

#[test]
fn java_on_the_oldest_and_the_newest() {
    let releases = [("oldest", ""), ("newest", COMMON_POOL)].map(|(age, options)| {
        let java = tools::java_of(age);
        comes_up_by(&java, options);
        told(Command::new(java).arg("--version"))
    });
    assert!(read("examples/README.md").contains(COMMON_POOL), "examples/README.md has no {COMMON_POOL}");
    from_the_lowest_on(&releases, &lowest_java().to_string());
}

/// Brings the example up and gives the release that it ran on, as its language host tells it.
fn comes_up(program: &'static Program, on: impl FnOnce(Stack) -> Stack) -> String {
    let moto = Moto::start();
    let stack = on(Stack::new(program, &moto.endpoint(), REGISTRY_ID));
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    assert_eq!(stack.outputs(), program.outputs(&moto.login(REGION, REGISTRY_ID)));
    stack.runtime_release()
}

/// The oldest of these is a release that the lowest one names, and the newest is newer.
fn from_the_lowest_on([oldest, newest]: &[String; 2], lowest: &str) {
    assert!(numbers(oldest).starts_with(&numbers(lowest)), "{oldest} is not {lowest}");
    assert!(numbers(oldest) < numbers(newest), "{oldest}, {newest}");
}

fn numbers(release: &str) -> Vec<u32> {
    release.split(|character: char| !character.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
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

/// The release that the classes of the SDKs are compiled for; the first one has the number 45 in class files.
fn lowest_java() -> u32 {
    let classes = ["com.pulumi.Pulumi", "com.pulumi.aws.ecr.EcrFunctions"];
    let told = told(Command::new("javap").args(["-v", "-cp", &tools::java_class_path()]).args(classes));
    let majors = told.lines().filter_map(|line| line.trim().strip_prefix("major version: "));
    majors.filter_map(|major| major.parse::<u32>().ok()).max().expect("a class file has a version") - 44
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
    modules.lines().max_by_key(|line| numbers(line)).expect("modules").to_owned()
}

fn go_line(example: &str) -> String {
    let module = read(&format!("examples/{example}/go.mod"));
    module.lines().find_map(|line| line.strip_prefix("go ")).expect("a go line").to_owned()
}
