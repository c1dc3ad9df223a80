//! What a person reads when a program cannot get its credentials.

use support::listener::Vacant;

use crate::moto::Moto;
use crate::program::{JAVASCRIPT, PYTHON, Program, YAML};
use crate::stack::{REGION, Stack};

const REGISTRY_ID: &str = "012345678901";

#[test]
fn yaml() {
    fails_with_help(&YAML);
}

#[test]
fn javascript() {
    fails_with_help(&JAVASCRIPT);
}

#[test]
fn python() {
    fails_with_help(&PYTHON);
}

fn fails_with_help(program: &'static Program) {
    let moto = Moto::start();
    let stack = Stack::new(program, &moto.endpoint(), "my-app");
    let seen = stack.fails("up with a wrong registry id", &["up", "--yes"]);
    assert_shows(&seen, &["registryId", "my-app", "12 digits"]);

    let vacant = Vacant::take().expect("a free port");
    let endpoint = format!("http://{}", vacant.address().expect("an address"));
    let stack = Stack::new(program, &endpoint, REGISTRY_ID);
    let seen = stack.fails("preview with ECR down", &["preview"]);
    assert_shows(&seen, &["getCredentials", REGISTRY_ID, REGION, "Connection refused", "Check the network"]);
}

#[track_caller]
fn assert_shows(seen: &str, parts: &[&str]) {
    for part in parts {
        assert!(seen.contains(part), "the message lacks {part:?}:\n{seen}");
    }
}
