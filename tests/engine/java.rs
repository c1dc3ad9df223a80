//! The example in Java: a driver of its own brings it up through the Automation API, so no language host is needed.

use serde_json::json;

use crate::moto::Moto;
use crate::program::JAVA;
use crate::stack::{REGION, Stack};
use crate::tools;

const REGISTRY_ID: &str = "012345678901";

#[test]
fn java() {
    let moto = Moto::start();
    let expected = JAVA.outputs(&moto.login(REGION, REGISTRY_ID));
    let stack = Stack::new(&JAVA, &moto.endpoint(), REGISTRY_ID);
    let class_path = tools::java_class_path();
    let run = |step| stack.driven_by(step, "java", &["-cp", &class_path, "registrylogin.Automation", step]);

    run("preview");
    for step in ["up", "second up", "refresh"] {
        run(step);
        assert_eq!(stack.outputs(), expected);
    }
    run("destroy");
    assert_eq!(stack.outputs(), json!({}));
}
