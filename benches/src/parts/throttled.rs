//! Waiting for AWS, which throttles: many machines, and many registries of one program.

use super::Bench;
use crate::{
    contenders::Provider,
    fleet::Fleet,
    report::{Goal, Row, Unit},
    samples::Samples,
    throttled::{Outcome, at_once},
};

/// As many machines as the plugin is to serve, and a fifth of them: so many processes of the peer fit into the memory of
/// most machines. AWS takes a fifth as much of them, so the least time is the same.
const MACHINES: Fleet = Fleet { machines: 500, rate: 20.0, burst: 100.0 };
const FIFTH: Fleet = Fleet { machines: 100, rate: 4.0, burst: 20.0 };

const REGISTRIES: usize = 1000;
const PROGRAM: Fleet = Fleet { machines: 1, rate: 20.0, burst: 200.0 };
/// The throttled calls that each registry may cost.
const THROTTLED_EACH: f64 = 0.2;

impl Bench {
    /// One round: each takes as long as AWS lets it.
    pub(super) async fn fleet(&self) -> Vec<Row> {
        let many = at_once(Provider::Ours, &self.engine, &MACHINES, 1).await;
        let ours = at_once(Provider::Ours, &self.engine, &FIFTH, 1).await;
        let official = at_once(Provider::GoAsOfficial, &self.engine, &FIFTH, 1).await;
        let [last, throttled] = ["100 machines, throttled: last token", "100 machines, throttled: calls in vain"];
        let mut rows = vec![last_token("500 machines, throttled: last token", &many, MACHINES.least(), 1.4)];
        rows.extend(beside(last, throttled, &ours, &official));
        rows
    }

    pub(super) async fn registries(&self) -> Vec<Row> {
        let ours = at_once(Provider::Ours, &self.engine, &PROGRAM, REGISTRIES).await;
        let official = at_once(Provider::GoAsOfficial, &self.engine, &PROGRAM, REGISTRIES).await;
        let least = (REGISTRIES as f64 - PROGRAM.burst) / PROGRAM.rate;
        let [last, throttled] =
            ["1,000 registries, throttled: last token", "1,000 registries, throttled: calls in vain"];
        let mut rows = vec![
            last_token(last, &ours, least, 1.15),
            Row {
                what: throttled,
                ours: Samples::from(ours.throttled as f64),
                against: "0.2 each",
                theirs: Samples::from(THROTTLED_EACH * REGISTRIES as f64),
                unit: Unit::Count,
                goal: Goal::AtMost(1.0),
            },
        ];
        rows.extend(beside(last, throttled, &ours, &official));
        rows
    }
}

fn last_token(what: &'static str, outcome: &Outcome, least: f64, goal: f64) -> Row {
    assert_eq!(outcome.failed, 0, "{what}");
    Row {
        what,
        ours: Samples::from(outcome.last.as_secs_f64()),
        against: "the least time",
        theirs: Samples::from(least),
        unit: Unit::Seconds,
        goal: Goal::AtMost(goal),
    }
}

/// The plugin beside the peer with the official provider's tries.
fn beside(last: &'static str, throttled: &'static str, ours: &Outcome, official: &Outcome) -> [Row; 2] {
    assert_eq!(ours.failed, 0, "{last}");
    let row = |what, ours: f64, theirs: f64, unit| {
        let (against, goal) = ("Go peer, official tries", Goal::AtMost(1.0));
        Row { what, ours: ours.into(), against, theirs: theirs.into(), unit, goal }
    };
    [
        row(last, ours.last.as_secs_f64(), official.last.as_secs_f64(), Unit::Seconds),
        row(throttled, ours.throttled as f64, official.throttled as f64, Unit::Count),
    ]
}
