//! A program's whole life: preview, up, a second up that changes nothing, refresh and destroy.

use std::fs;

use serde_json::json;

use crate::moto::Moto;
use crate::program::{GO, JAVASCRIPT, PYTHON, Program, TYPESCRIPT, YAML};
use crate::stack::{REGION, SECRET_KEY, Stack};
use crate::tools::{self, ENGINE, ENGINE_WITHOUT_HANDSHAKE, OLD_ENGINE};

/// A leading zero shows that nothing on the way takes the id for a number.
const REGISTRY_ID: &str = "012345678901";

#[test]
fn yaml() {
    lives(ENGINE, &YAML, REGISTRY_ID);
}

#[test]
fn javascript() {
    lives(ENGINE, &JAVASCRIPT, REGISTRY_ID);
}

#[test]
fn typescript() {
    let stack = lives(ENGINE, &TYPESCRIPT, REGISTRY_ID);
    let settings = fs::read_to_string(stack.scratch("project/tsconfig.json")).expect("the compiler's settings");
    assert!(settings.contains(r#""strict": true"#), "{settings}");
    let compiler = tools::node_modules().join(".bin/tsc");
    stack.driven_by("tsc", &compiler.to_string_lossy(), &["--noEmit"]);
}

#[test]
fn python() {
    lives(ENGINE, &PYTHON, REGISTRY_ID);
}

#[test]
fn go() {
    lives(ENGINE, &GO, REGISTRY_ID);
}

#[test]
fn yaml_on_the_last_engine_without_handshake() {
    lives(ENGINE_WITHOUT_HANDSHAKE, &YAML, REGISTRY_ID);
}

#[test]
fn javascript_on_the_last_engine_without_handshake() {
    lives(ENGINE_WITHOUT_HANDSHAKE, &JAVASCRIPT, REGISTRY_ID);
}

/// The YAML host of that time takes digits for a number, with or without a zero before them.
#[test]
fn yaml_on_an_engine_of_2022() {
    lives(OLD_ENGINE, &YAML, "123456789012");
}

#[test]
fn javascript_on_an_engine_of_2022() {
    lives(OLD_ENGINE, &JAVASCRIPT, REGISTRY_ID);
}

#[test]
fn python_on_the_last_engine_without_handshake() {
    lives(ENGINE_WITHOUT_HANDSHAKE, &PYTHON, REGISTRY_ID);
}

#[test]
fn python_on_an_engine_of_2022() {
    lives(OLD_ENGINE, &PYTHON, REGISTRY_ID);
}

#[test]
fn go_on_the_last_engine_without_handshake() {
    lives(ENGINE_WITHOUT_HANDSHAKE, &GO, REGISTRY_ID);
}

#[test]
fn go_on_an_engine_of_2022() {
    lives(OLD_ENGINE, &GO, REGISTRY_ID);
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

fn lives(engine: &'static str, program: &'static Program, registry_id: &str) -> Stack {
    let moto = Moto::start();
    let login = moto.login(REGION, registry_id);
    let expected = program.outputs(&login);
    let stack = Stack::on(engine, program, &moto.endpoint(), registry_id);
    let run = |step: &str, arguments: &[&str]| {
        let text = stack.succeeds(step, arguments);
        assert_hidden(&login.password, &text);
        assert_hidden(&login.authorization_token, &text);
    };

    run("preview", &["preview"]);
    run("up", &["up", "--yes", "--skip-preview"]);
    assert_eq!(stack.outputs(), expected);
    assert_hidden(&login.password, &stack.state());
    assert_hidden(SECRET_KEY, &stack.state());

    // moto's token is always the same, so nothing at all may change.
    run("second up", &["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert_eq!(stack.outputs(), expected);

    // Engines before 3.160 refresh without the program.
    let run_program: &[&str] = if engine == ENGINE { &["--run-program"] } else { &[] };
    run("refresh", &[&["refresh", "--yes", "--expect-no-changes"], run_program].concat());
    assert_eq!(stack.outputs(), expected);

    run("destroy", &["destroy", "--yes", "--skip-preview"]);
    assert_eq!(stack.outputs(), json!({}));
    stack
}

#[track_caller]
fn assert_hidden(secret: &str, text: &str) {
    assert!(!text.contains(secret), "a program's secret is shown:\n{text}");
}
