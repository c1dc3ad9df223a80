//! Tokens that the processes of several operations share.

use support::ecr::password;

use crate::program::YAML;
use crate::stack::Stack;
use crate::stand_in::StandIn;

const REGISTRY_ID: &str = "012345678901";

#[test]
fn preview_and_up_see_the_same_token() {
    let ecr = StandIn::start();
    let stack = Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID);
    let folder = stack.scratch("tokens").to_string_lossy().into_owned();
    let stack = stack.with("PULUMI_AWS_ECR_CACHE_DIR", folder);

    stack.succeeds("preview", &["preview"]);
    assert_eq!(ecr.requests_for(REGISTRY_ID), 1, "at preview");
    stack.succeeds("up", &["up", "--yes"]);
    let first = stack.outputs();
    assert_eq!(first["password"], password(REGISTRY_ID, 1));
    stack.succeeds("second up", &["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert_eq!(stack.outputs(), first);
    assert_eq!(ecr.requests_for(REGISTRY_ID), 1, "the stand-in gives another token for each request");
}
