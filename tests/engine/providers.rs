//! Explicit providers: two of them in one program, each with its own Region, keys and endpoint.

use crate::program::PROVIDERS;
use crate::stack::Stack;
use crate::stand_in::StandIn;

const REGISTRY_ID: &str = "012345678901";
const SECRET_KEYS: [&str; 2] = ["secret-key-of-the-first", "secret-key-of-the-second"];

#[test]
fn two_in_one_program_give_two_answers() {
    let (one, two) = (StandIn::start(), StandIn::start());
    // The stack's own configuration leads nowhere.
    let stack = Stack::new(&PROVIDERS, "http://127.0.0.1:9", REGISTRY_ID);
    stack.configure(&[
        &format!("--plaintext=one={}", one.endpoint()),
        &format!("--plaintext=two={}", two.endpoint()),
        &format!("--secret=secretKeyOne={}", SECRET_KEYS[0]),
        &format!("--secret=secretKeyTwo={}", SECRET_KEYS[1]),
    ]);

    stack.succeeds("preview", &["preview"]);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let outputs = stack.outputs();
    assert_eq!(outputs["one"], format!("https://{REGISTRY_ID}.dkr.ecr.eu-west-1.amazonaws.com"));
    assert_eq!(outputs["two"], format!("https://{REGISTRY_ID}.dkr.ecr.us-east-2.amazonaws.com"));
    let state = stack.state();
    for secret_key in SECRET_KEYS {
        assert!(!state.contains(secret_key), "a provider's key is in the state in clear text");
    }

    stack.succeeds("second up", &["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeeds("destroy", &["destroy", "--yes", "--skip-preview"]);
    assert_asked_with(&one, "AKIDONE", SECRET_KEYS[0], "eu-west-1");
    assert_asked_with(&two, "AKIDTWO", SECRET_KEYS[1], "us-east-2");
}

#[track_caller]
fn assert_asked_with(ecr: &StandIn, access_key: &str, secret_key: &str, region: &str) {
    let requests = ecr.requests();
    assert_eq!(requests.len(), 3, "one call for each of preview, up and second up");
    for request in requests {
        assert_eq!((request.access_key.as_str(), request.region.as_str()), (access_key, region));
        assert!(request.is_signed_with(secret_key), "another secret key signs for {access_key}");
    }
}
