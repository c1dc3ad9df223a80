//! The values that programs hand over, and what becomes of the results.

use serde_json::{Value, json};
use support::ecr::token;

use crate::program::{VALUES, VALUES_GO, VALUES_PYTHON, YAML};
use crate::stack::{ACCESS_KEY, REGION, SECRET_KEY, Stack};
use crate::stand_in::StandIn;

const REGISTRY_ID: &str = "012345678901";

/// What marks a secret in a stack's state.
const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
const SECRET: &str = "1b47061264138c4ac30d75fd1eb44270";

/// The registry ids of `programs/values`.
const PLAIN: &str = "100000000001";
const OUTPUT: &str = "100000000002";
const OF_SECRET: &str = "100000000003";
const UNKNOWN: &str = "100000000004";
const FIFTY_TIMES: &str = "100000000005";
const DEPENDENT: &str = "100000000006";
const NUMBER: &str = "100000000007";

#[test]
fn javascript() {
    let ecr = StandIn::start();
    let stack = Stack::new(&VALUES, &ecr.endpoint(), REGISTRY_ID);

    let seen = stack.succeeds("preview", &["preview"]);
    let known = [PLAIN, OUTPUT, OF_SECRET, FIFTY_TIMES, DEPENDENT, NUMBER];
    for registry_id in known {
        assert_eq!(ecr.requests_for(registry_id), 1, "{registry_id} at preview");
    }
    assert_eq!(ecr.requests().len(), known.len(), "neither an unknown id nor a bad one makes a call");
    assert!(seen.contains("unknown  : [unknown]"), "{seen}");

    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let outputs = stack.outputs();
    for (name, registry_id) in [
        ("plain", PLAIN),
        ("output", OUTPUT),
        ("secret", OF_SECRET),
        ("unknown", UNKNOWN),
        ("dependent", DEPENDENT),
        ("number", NUMBER),
    ] {
        assert_results(&outputs[name], registry_id);
    }
    assert_problem(&outputs["null"], "is null");
    assert_problem(&outputs["missing"], "is missing");
    assert_eq!(ecr.requests_for(FIFTY_TIMES), 2, "one call for fifty invokes, at preview and at up");
    assert_eq!(outputs["equal"].as_array().map(Vec::len), Some(1), "fifty invokes, one token: {outputs}");

    let state = stack.output_state();
    assert!(is_secret(&state["secret"]), "the results of a secret are secret: {state}");
    assert_results(&state["plain"], PLAIN);
    stack.succeeds("destroy", &["destroy", "--yes", "--skip-preview"]);
}

#[test]
fn python() {
    let ecr = StandIn::start();
    let stack = Stack::new(&VALUES_PYTHON, &ecr.endpoint(), REGISTRY_ID);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let outputs = stack.outputs();
    assert_eq!(outputs["number"], PLAIN);
    // The SDK leaves out what is None.
    for (name, part) in [("null", "is missing"), ("missing", "is missing"), ("list", "must be")] {
        assert_problem(&outputs[name], part);
    }
    assert!(is_secret(&stack.output_state()["secret"]));
    assert_eq!(ecr.requests().len(), 2, "bad arguments make no call");
}

#[test]
fn go() {
    let ecr = StandIn::start();
    let stack = Stack::new(&VALUES_GO, &ecr.endpoint(), REGISTRY_ID);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    assert_eq!(stack.outputs()["dependent"], PLAIN);
    let state = stack.output_state();
    assert!(is_secret(&state["secret"]), "the results of a secret are secret: {state}");
    assert!(state["plain"].is_string(), "those of plain text are not: {state}");
    assert_eq!(ecr.requests_for(OF_SECRET), 1);
}

/// SDKs unwrap secret arguments and mark the results themselves; here the plugin does.
#[test]
fn results_are_secret_on_request() {
    let ecr = StandIn::start();
    let stack =
        Stack::new(&VALUES_GO, &ecr.endpoint(), REGISTRY_ID).with("PULUMI_AWS_ECR_SECRET_RESULTS", "true".to_owned());
    stack.succeeds("up with secret results", &["up", "--yes", "--skip-preview"]);
    let state = stack.output_state();
    assert!(is_secret(&state["plain"]), "{state}");
    assert!(!stack.state().contains(&token(PLAIN, 1)) && !stack.state().contains(&token(PLAIN, 2)));
}

#[test]
fn a_new_token_changes_nothing_else() {
    let ecr = StandIn::start();
    let stack = Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let first = stack.outputs();
    stack.succeeds("up with a new token", &["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    let second = stack.outputs();

    assert_ne!(first["password"], second["password"]);
    assert_eq!(without_token(first), without_token(second));
    assert_eq!(ecr.requests_for(REGISTRY_ID), 2);
    // The default provider is configured by the stack, whose keys are secret.
    for request in ecr.requests() {
        assert_eq!((request.access_key.as_str(), request.region.as_str()), (ACCESS_KEY, REGION));
        assert!(request.is_signed_with(SECRET_KEY), "another secret key signs");
    }
}

#[track_caller]
fn assert_results(results: &Value, registry_id: &str) {
    assert_eq!(results["registryId"], registry_id, "{results}");
    let endpoint = format!("https://{registry_id}.dkr.ecr.{REGION}.amazonaws.com");
    assert_eq!(results["proxyEndpoint"], endpoint, "{results}");
    assert!(results["authorizationToken"].is_string(), "{results}");
}

#[track_caller]
fn assert_problem(message: &Value, part: &str) {
    let problem = message.as_str().expect("a message");
    assert!(problem.contains("registryId") && problem.contains(part), "{problem}");
}

fn is_secret(value: &Value) -> bool {
    value[SIGNATURE] == SECRET && value["ciphertext"].is_string()
}

fn without_token(mut outputs: Value) -> Value {
    outputs["password"] = json!(null);
    outputs["expiresAt"] = json!(null);
    outputs
}
