//! SDKs of earlier major versions, which ask for plugins of their own versions.

use crate::moto::Moto;
use crate::program::{GO_V6, JAVASCRIPT_V4, JAVASCRIPT_V5, JAVASCRIPT_V6, Program};
use crate::stack::{REGION, Stack};

const REGISTRY_ID: &str = "012345678901";

#[test]
fn javascript_v4() {
    comes_up(&JAVASCRIPT_V4);
}

#[test]
fn javascript_v5() {
    comes_up(&JAVASCRIPT_V5);
}

#[test]
fn javascript_v6() {
    comes_up(&JAVASCRIPT_V6);
}

#[test]
fn go_v6() {
    comes_up(&GO_V6);
}

fn comes_up(program: &'static Program) {
    let moto = Moto::start();
    let stack = Stack::new(program, &moto.endpoint(), REGISTRY_ID);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    assert_eq!(stack.outputs(), program.outputs(&moto.login(REGION, REGISTRY_ID)));
}
