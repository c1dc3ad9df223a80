//! The ways in which the engine finds the plugin. That `plugins.providers` names its folder is shown everywhere else.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::attached::Attached;
use crate::program::{JAVASCRIPT, YAML};
use crate::progress::Step;
use crate::stack::{REGION, Stack};
use crate::stand_in::StandIn;
use crate::tools;

const REGISTRY_ID: &str = "012345678901";
const UP: &[&str] = &["up", "--yes", "--skip-preview"];

/// What the other tests here are worth.
#[test]
fn nowhere() {
    let ecr = StandIn::start();
    let stack = Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID).without_plugin();
    let seen = stack.fails("up without the plugin", UP);
    assert!(seen.contains("plugin") && seen.contains("aws"), "{seen}");
    assert!(ecr.requests().is_empty());
}

#[test]
fn on_the_path() {
    let ecr = StandIn::start();
    let stack = Stack::new(&JAVASCRIPT, &ecr.endpoint(), REGISTRY_ID).without_plugin().with_on_path(&tools::plugin());
    stack.succeeds("up with the plugin on PATH", UP);
    assert_logged_in(&stack);
}

#[test]
fn installed_from_a_tarball() {
    let ecr = StandIn::start();
    let stack = Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID).without_plugin();
    let tarball = tarball_of_make_dist(&stack);
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    let arguments = ["plugin", "install", "resource", "aws", &version, "-f", &tarball.to_string_lossy()];
    stack.succeeds("plugin install", &arguments);
    stack.succeeds("up with the plugin installed", UP);
    assert_logged_in(&stack);
}

#[test]
fn attached() {
    let ecr = StandIn::start();
    let mut plugin = Attached::start();
    let stack = Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID)
        .without_plugin()
        .with("PULUMI_DEBUG_PROVIDERS", format!("aws:{}", plugin.port));
    stack.succeeds("up with the plugin attached", UP);
    assert_logged_in(&stack);
    stack.succeeds("second up with the same process", &["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert_logged_in(&stack);
    assert!(plugin.runs(), "the plugin has ended with an operation of the engine");
}

#[track_caller]
pub(crate) fn assert_logged_in(stack: &Stack) {
    let address = format!("https://{REGISTRY_ID}.dkr.ecr.{REGION}.amazonaws.com");
    let outputs = stack.outputs();
    // The programs name this output in their own ways.
    assert!(outputs["address"] == address || outputs["registry"]["address"] == address, "{outputs}");
}

/// The tarball that `make dist` would make of the plugin under test.
pub(crate) fn tarball_of_make_dist(stack: &Stack) -> PathBuf {
    let tarball = stack.scratch("plugin.tar.gz");
    pack(&tools::plugin().join("pulumi-resource-aws"), &tarball, "pulumi-resource-aws");
    tarball
}

/// Packs an executable under this name as `make dist` does.
#[track_caller]
pub(crate) fn pack(executable: &Path, tarball: &Path, name: &str) {
    let _step = Step::start(tools::ENGINE, "yaml", "pack");
    let packed = Command::new(tools::repository().join("platforms/pack.sh"))
        .args([executable, tarball])
        .arg(name)
        .output()
        .expect("pack.sh runs");
    assert!(packed.status.success(), "pack.sh failed:\n{}", String::from_utf8_lossy(&packed.stderr));
}
