//! What the engine shows while the plugin waits for AWS.

use std::fs;

use serde_json::Value;

use crate::program::YAML;
use crate::stack::Stack;
use crate::stand_in::StandIn;

const REGISTRY_ID: &str = "012345678901";

#[test]
fn a_wait_is_shown_while_it_lasts_and_gone_afterwards() {
    let ecr = StandIn::start();
    // Up to one second is waited, then half a second at least, then two.
    ecr.throttle_next(3);
    let stack = Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID);
    // The engine has a log of its events for its own developers.
    let stack = stack.with("PULUMI_DEBUG_COMMANDS", "true".to_owned());
    let log = stack.scratch("events.json");
    let up = ["up", "--yes", "--skip-preview", "--event-log", &log.to_string_lossy()];
    let seen = stack.succeeds("up while AWS throttles", &up);

    let text = fs::read_to_string(log).expect("the engine's events");
    let events = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let mut messages = events.map(|event| event.expect("an event")["diagnosticEvent"].clone());
    let shown = messages.find(|message| message["message"].as_str().is_some_and(|text| text.contains("waiting for")));
    let shown = shown.unwrap_or_else(|| panic!("no wait is shown:\n{text}"));
    assert!(shown["message"].to_string().contains("Amazon ECR in eu-central-1"), "{shown}");
    assert_eq!((&shown["ephemeral"], &shown["severity"]), (&true.into(), &"info".into()), "{shown}");
    let end = messages.find(|message| message["ephemeral"] == true).expect("the line's end");
    assert!(!end["message"].to_string().contains("waiting"), "{end}");
    let rows = seen.lines().filter(|line| line.contains("pulumi:pulumi:Stack")).collect::<Vec<_>>();
    assert!(rows.iter().any(|row| row.contains(" creating ") && row.contains(" waiting for ")), "{seen}");
    assert!(rows.last().is_some_and(|row| !row.contains("waiting")), "it stays:\n{seen}");
}
