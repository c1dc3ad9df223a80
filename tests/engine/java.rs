//! The example in Java: a driver of its own brings it up through the Automation API, so no language host is needed.

use std::path::Path;

use serde_json::json;

use crate::moto::Moto;
use crate::program::JAVA;
use crate::stack::{REGION, Stack};
use crate::tools;

const REGISTRY_ID: &str = "012345678901";

#[test]
fn java() {
    let (moto, stack) = new();
    let expected = JAVA.outputs(&moto.login(REGION, REGISTRY_ID));
    let run = |step| drive(&stack, Path::new("java"), step);

    run("preview");
    for step in ["up", "second up", "refresh"] {
        run(step);
        assert_eq!(stack.outputs(), expected);
    }
    run("destroy");
    assert_eq!(stack.outputs(), json!({}));
}

/// Brings the example up by this executable of Java, with these options.
pub(crate) fn comes_up_by(java: &Path, options: &str) {
    let (moto, stack) = new();
    let stack = stack.with("JDK_JAVA_OPTIONS", options.to_owned());
    drive(&stack, java, "up");
    assert_eq!(stack.outputs(), JAVA.outputs(&moto.login(REGION, REGISTRY_ID)));
}

fn new() -> (Moto, Stack) {
    let moto = Moto::start();
    let stack = Stack::new(&JAVA, &moto.endpoint(), REGISTRY_ID);
    (moto, stack)
}

fn drive(stack: &Stack, java: &Path, step: &str) {
    stack.driven_by(
        step,
        &java.to_string_lossy(),
        &["-cp", &tools::java_class_path(), "registrylogin.Automation", step],
    );
}
