//! Explicit providers: two of them in one program, each with its own Region, keys and endpoint, and one with a role.

use support::sts::{Sts, secret_key};

use crate::program::PROVIDERS;
use crate::stack::Stack;
use crate::stand_in::{Background, StandIn};

const REGISTRY_ID: &str = "012345678901";
const EXTERNAL_ID: &str = "external-id-of-the-second";
const SECRET_KEYS: [&str; 2] = ["secret-key-of-the-first", "secret-key-of-the-second"];

#[test]
fn two_in_one_program_give_two_answers() {
    let (one, two, sts) = (StandIn::start(), StandIn::start(), Background::start(Sts::start));
    // The stack's own configuration leads nowhere.
    let stack = Stack::new(&PROVIDERS, "http://127.0.0.1:9", REGISTRY_ID);
    stack.configure(&[
        &format!("--plaintext=one={}", one.endpoint()),
        &format!("--plaintext=two={}", two.endpoint()),
        &format!("--plaintext=sts={}", sts.url()),
        &format!("--secret=externalId={EXTERNAL_ID}"),
        &format!("--secret=secretKeyOne={}", SECRET_KEYS[0]),
        &format!("--secret=secretKeyTwo={}", SECRET_KEYS[1]),
    ]);

    stack.succeeds("preview", &["preview"]);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let outputs = stack.outputs();
    assert_eq!(outputs["one"], format!("https://{REGISTRY_ID}.dkr.ecr.eu-west-1.amazonaws.com"));
    assert_eq!(outputs["two"], format!("https://{REGISTRY_ID}.dkr.ecr.us-east-2.amazonaws.com"));
    let state = stack.state();
    for secret in [SECRET_KEYS[0], SECRET_KEYS[1], EXTERNAL_ID] {
        assert!(!state.contains(secret), "a provider's secret is in the state in clear text");
    }

    stack.succeeds("second up", &["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeeds("destroy", &["destroy", "--yes", "--skip-preview"]);
    assert_asked_with(&one, "AKIDONE", SECRET_KEYS[0], "eu-west-1");
    assert_asked_with(&two, "ASIAR", &secret_key("ASIAR"), "us-east-2");
    assert!(two.requests().iter().all(|request| request.user_agent.ends_with(" product/1.0")));
    assert_role_assumed(&sts);
}

#[track_caller]
fn assert_role_assumed(sts: &Sts) {
    let (roles, identities): (Vec<_>, Vec<_>) =
        sts.asked().into_iter().partition(|asked| asked.field("Action") == "AssumeRole");
    assert_eq!((roles.len(), identities.len()), (3, 3), "one role and one question whose it is for each run");
    for role in roles {
        assert_eq!((role.access_key(), role.region()), ("AKIDTWO", "us-east-2"));
        assert!(role.is_signed_with(SECRET_KEYS[1]));
        let told = ["ExternalId", "DurationSeconds", "Tags.member.1.Value"].map(|field| role.field(field));
        assert_eq!(told, [EXTERNAL_ID, "3600", "a"]);
    }
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
