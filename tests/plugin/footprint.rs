//! What the plugin weighs: bytes, crates, calls to AWS. A change that adds to one of them changes a number here.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use support::{
    ecr::Ecr,
    plugin::{Plugin, command, ecr_configuration},
};

/// The size of the release binary, in bytes: what it has now, and some kilobytes by which linkers differ.
const BINARY_BYTES: u64 = 6_150_000;

/// The crates that the executable is built from, this one and those of its procedural macros included.
const CRATES: usize = 144;

#[test]
fn the_release_binary_has_its_size() {
    let Some(binary) = release_binary() else { return };
    let bytes = std::fs::metadata(binary).unwrap().len();
    assert!(bytes <= BINARY_BYTES, "the release binary has {bytes} bytes, not {BINARY_BYTES}");
}

#[test]
fn the_release_binary_is_hardened() {
    let Some(binary) = release_binary() else { return };
    let readelf = |what: &str| {
        let output = Command::new("readelf").args(["--wide", what]).arg(&binary).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let header = readelf("--file-header");
    assert!(header.contains(" DYN ("), "any place in memory: {header}");
    let segments = readelf("--program-headers");
    assert!(segments.contains("GNU_RELRO"), "relocations that are made read-only: {segments}");
    let stack = segments.lines().find(|line| line.contains("GNU_STACK")).expect("what the stack may do");
    assert!(stack.contains(" RW ") && !stack.contains("RWE"), "a stack that is not executed: {stack}");
    let is_open = |line: &&str| line.contains("LOAD") && line.contains(" RWE ");
    assert_eq!(segments.lines().find(is_open), None, "what can be written is not executed");
    let dynamic = readelf("--dynamic");
    assert!(
        dynamic.contains("BIND_NOW") || dynamic.contains("Flags: NOW"),
        "functions that are bound at the start: {dynamic}"
    );
    let symbols = readelf("--dyn-syms");
    assert!(symbols.contains("__stack_chk_fail"), "stack protection of the parts in C: {symbols}");
}

#[test]
fn the_aws_lc_of_the_lock_file_is_linked() {
    // Cargo builds this test in the environment in which it builds AWS-LC.
    assert_eq!(option_env!("AWS_LC_SYS_USE_SYSTEM"), Some("0"), "a build takes the AWS-LC that the machine has");
}

/// What `make build` built. Without it a test is left out, loudly, but never in CI.
fn release_binary() -> Option<PathBuf> {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/pulumi-resource-aws");
    if binary.exists() {
        return Some(binary);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing: run `make build`", binary.display());
    eprintln!("SKIPPED: {} is missing: run `make build`", binary.display());
    None
}

#[test]
fn the_executable_has_its_crates() {
    let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let mut cargo = Command::new(env!("CARGO"));
    let output =
        cargo.args(tree).args(["--target", "x86_64-unknown-linux-gnu"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = output.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let name_and_version = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let crates: BTreeSet<_> = text.lines().filter(|line| !line.is_empty()).map(name_and_version).collect();
    assert_eq!(crates.len(), CRATES, "{crates:#?}");
}

#[tokio::test]
async fn a_run_makes_one_call_to_aws_for_each_registry() {
    let ecr = Ecr::start().await.unwrap();
    let registries = ["000000000001", "000000000002", "000000000003"];
    let folder = tempfile::tempdir().unwrap();
    // Preview and up are processes of their own; without a folder for tokens each makes its calls.
    for (shared, calls) in
        [("", 3), ("", 6), (folder.path().to_str().unwrap(), 9), (folder.path().to_str().unwrap(), 9)]
    {
        let mut command = command();
        command.env("PULUMI_AWS_ECR_CACHE_DIR", shared);
        let mut plugin = Plugin::from_command(command).await;
        plugin.check_config(ecr_configuration(&ecr)).await.unwrap();
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        let invokes = registries.iter().cycle().take(30).map(|registry| plugin.begin(json!({"registryId": registry})));
        for invoke in invokes.collect::<Vec<_>>() {
            invoke.await.unwrap().unwrap();
        }
        plugin.client.cancel(()).await.unwrap();
        assert_eq!(ecr.requests().len(), calls);
    }
}
