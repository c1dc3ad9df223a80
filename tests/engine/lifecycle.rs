//! A program's whole life: preview, up, a second up that changes nothing, refresh and destroy.

use serde_json::json;

use crate::moto::Moto;
use crate::program::{JAVASCRIPT, PYTHON, Program, YAML};
use crate::stack::{REGION, Stack};

/// A leading zero shows that nothing on the way takes the id for a number.
const REGISTRY_ID: &str = "012345678901";

#[test]
fn yaml() {
    lives(&YAML);
}

#[test]
fn javascript() {
    lives(&JAVASCRIPT);
}

#[test]
fn python() {
    lives(&PYTHON);
}

/// The engine hands a YAML program a number where the stack's configuration has digits alone.
#[test]
fn yaml_with_a_registry_id_of_digits_alone() {
    let registry_id = "123456789012";
    let moto = Moto::start();
    let stack = Stack::new(&YAML, &moto.endpoint(), registry_id);
    stack.succeeds("up with a registry id of digits alone", &["up", "--yes"]);
    assert_eq!(stack.outputs(), YAML.outputs(&moto.login(REGION, registry_id)));
}

fn lives(program: &'static Program) {
    let moto = Moto::start();
    let login = moto.login(REGION, REGISTRY_ID);
    let expected = program.outputs(&login);
    let stack = Stack::new(program, &moto.endpoint(), REGISTRY_ID);
    let run = |step: &str, arguments: &[&str]| {
        let text = stack.succeeds(step, arguments);
        assert_hidden(&login.password, &text);
        assert_hidden(&login.authorization_token, &text);
    };

    run("preview", &["preview"]);
    run("up", &["up", "--yes"]);
    assert_eq!(stack.outputs(), expected);
    assert_hidden(&login.password, &stack.state());

    // moto's token is always the same, so nothing at all may change.
    run("second up", &["up", "--yes", "--expect-no-changes"]);
    assert_eq!(stack.outputs(), expected);

    run("refresh", &["refresh", "--yes", "--run-program", "--expect-no-changes"]);
    assert_eq!(stack.outputs(), expected);

    run("destroy", &["destroy", "--yes"]);
    assert_eq!(stack.outputs(), json!({}));
}

#[track_caller]
fn assert_hidden(secret: &str, text: &str) {
    assert!(!text.contains(secret), "a program's secret is shown:\n{text}");
}
