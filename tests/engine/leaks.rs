//! What is left of a run, and what a full debug log of it shows: no secret that it was made with.

use serde_json::json;
use support::ecr::{password, token};
use support::forms;
use support::sts::{Sts, secret_key, session_token};

use crate::program::YAML;
use crate::stack::Stack;
use crate::stand_in::{Background, StandIn};

const REGISTRY_ID: &str = "012345678901";

/// At this level the engine itself prints the secrets that it hands over; its lines of these kinds are left out.
const ENGINE_S_OWN: [&str; 3] = ["Marshaling property for RPC", "Unmarshaling property for RPC", "RPC finished"];

#[test]
fn neither_the_state_nor_a_full_debug_log_holds_a_secret() {
    let (ecr, sts) = (StandIn::start(), Background::start(Sts::start));
    let stack = Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID)
        .with("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT".to_owned())
        .with("AWS_SECRET_ACCESS_KEY", "environment/secret+key".to_owned())
        .with("AWS_SESSION_TOKEN", "environment/session+token".to_owned());
    let role = json!([{ "roleArn": "arn:aws:iam::111122223333:role/R", "externalId": "external/id+secret" }]);
    stack.configure(&[
        "--secret=aws:accessKey=",
        "--secret=aws:secretKey=",
        &format!("--secret=aws:assumeRoles={role}"),
        &format!("--plaintext=aws:endpoints={}", json!([{ "ecr": ecr.endpoint(), "sts": sts.url() }])),
    ]);

    let up = ["up", "--yes", "--skip-preview", "--debug", "--logtostderr", "--logflow", "-v=9"];
    let log = stack.succeeds("up with a full debug log", &up);
    let log: Vec<_> = log.lines().filter(|line| !ENGINE_S_OWN.iter().any(|own| line.contains(own))).collect();
    assert_eq!(ecr.requests()[0].access_key, "ASIAR", "the role was not assumed");
    let source = "AWS credentials come from the environment";
    assert!(log.iter().any(|line| line.contains(source)), "the log has no debug line of the plugin");

    let state = stack.state();
    let role = [secret_key("ASIAR"), session_token("ASIAR")];
    let environment = ["environment/secret+key", "environment/session+token", "external/id+secret"];
    let given = [token(REGISTRY_ID, 1), password(REGISTRY_ID, 1)];
    for secret in environment.map(str::to_owned).iter().chain(&role).chain(&given).flat_map(|secret| forms(secret)) {
        assert!(!state.contains(&secret), "{secret} is in the state");
        let leak = log.iter().find(|line| line.contains(&secret));
        assert!(leak.is_none(), "{secret} is in the log: {leak:?}");
    }
}
