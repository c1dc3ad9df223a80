//! Calls to a plugin that runs: one at a time, many at once, very many.

use std::time::{Duration, Instant};

use futures_util::{
    StreamExt,
    future::join_all,
    stream::{FuturesUnordered, iter},
};
use support::plugin::Plugin;

use super::{Bench, Growth, call::Call};
use crate::{
    contenders::{Memory, Provider, REGISTRY},
    report::{Goal, Row, Unit},
    samples::Samples,
};

/// Calls at the same time, as in a burst of a program with many registries.
pub(super) const BURST: usize = 1000;

const IN_FLIGHT: usize = 64;

/// The plugin's own limit of calls to AWS at the same time (`src/aws/client.rs`).
const CONNECTIONS: usize = 32;

const LATENCY: Duration = Duration::from_millis(50);

impl Bench {
    async fn plugin(&self) -> Plugin {
        Provider::Ours.configured(&self.engine, &self.ecr.url()).await
    }

    /// One call at a time; the two kinds take turns.
    pub(super) async fn warm(&self) -> Vec<Row> {
        let plugin = self.plugin().await;
        let (invoke, empty) = (Call::invoke(&plugin, REGISTRY), Call::empty(&plugin));
        invoke.make().await;
        let [mut p50, mut p99, mut empty_p50, mut empty_p99] = <[Samples; 4]>::default();
        for _ in 0..self.times(20) {
            let [mut invokes, mut empties] = <[Samples; 2]>::default();
            for _ in 0..1000 {
                invokes.push(time(invoke.make()).await);
                empties.push(time(empty.make()).await);
            }
            p50.push(invokes.median());
            p99.push(invokes.quantile(0.99));
            empty_p50.push(empties.median());
            empty_p99.push(empties.quantile(0.99));
        }
        let row = |what, ours, theirs| Row {
            what,
            ours,
            against: "empty RPC, same connection",
            theirs,
            unit: Unit::Seconds,
            goal: Goal::AtMost(1.3),
        };
        vec![
            row("cached Invoke, one at a time, p50", p50, empty_p50),
            row("cached Invoke, one at a time, p99", p99, empty_p99),
        ]
    }

    pub(super) async fn throughput(&self) -> Vec<Row> {
        const CALLS: usize = 20_000;
        let plugin = self.plugin().await;
        let go = Provider::GoFromMemory.configured(&self.engine, &self.ecr.url()).await;
        let (invoke, empty, go) = (Call::invoke(&plugin, REGISTRY), Call::empty(&plugin), Call::invoke(&go, REGISTRY));
        for first in [&invoke, &go] {
            first.make().await;
        }
        let [mut ours, mut empties, mut peer] = <[Samples; 3]>::default();
        for _ in 0..self.times(20) {
            ours.push(CALLS as f64 / time(in_flight(CALLS, &invoke)).await);
            empties.push(CALLS as f64 / time(in_flight(CALLS, &empty)).await);
            peer.push(CALLS as f64 / time(in_flight(CALLS, &go)).await);
        }
        let row = |against, theirs, goal| Row {
            what: "cached Invokes a second, 64 in flight",
            ours: ours.clone(),
            against,
            theirs,
            unit: Unit::PerSecond,
            goal: Goal::AtLeast(goal),
        };
        vec![row("empty RPCs, same connection", empties, 0.8), row("Go peer, from memory", peer, 1.0)]
    }

    /// Equal calls at once, to registries that were not asked for before.
    pub(super) async fn equal(&self) -> Vec<Row> {
        let plugin = self.plugin().await;
        let empty = Call::empty(&plugin);
        let [mut calls, mut bursts, mut empties, mut single] = <[Samples; 4]>::default();
        for round in 0..self.times(30) {
            let [many, one] = [2 * round, 2 * round + 1].map(|number| Call::invoke(&plugin, &registry(number)));
            let before = self.ecr.requests().len();
            bursts.push(time(at_once(&vec![many; BURST])).await);
            calls.push((self.ecr.requests().len() - before) as f64);
            empties.push(time(at_once(&vec![empty.clone(); BURST])).await);
            single.push(time(one.make()).await);
        }
        vec![
            Row {
                what: "1,000 equal invokes at once: calls to AWS",
                ours: calls,
                against: "one",
                theirs: 1.0.into(),
                unit: Unit::Count,
                goal: Goal::AtMost(1.0),
            },
            Row {
                what: "1,000 equal invokes at once",
                ours: bursts,
                against: "1,000 empty RPCs at once and that call",
                theirs: empties.plus(&single),
                unit: Unit::Seconds,
                goal: Goal::AtMost(1.5),
            },
        ]
    }

    pub(super) async fn distinct(&self) -> Vec<Row> {
        self.ecr.set_latency(LATENCY);
        let [mut connections, mut took] = <[Samples; 2]>::default();
        for _ in 0..self.times(10) {
            let plugin = self.plugin().await;
            let invokes: Vec<_> = (0..BURST).map(|number| Call::invoke(&plugin, &registry(number))).collect();
            let before = self.ecr.connections();
            took.push(time(at_once(&invokes)).await);
            connections.push((self.ecr.connections() - before) as f64);
        }
        let ideal = LATENCY.as_secs_f64() * BURST as f64 / CONNECTIONS as f64;
        vec![
            Row {
                what: "1,000 registries at once: connections to AWS",
                ours: connections,
                against: "the limit",
                theirs: (CONNECTIONS as f64).into(),
                unit: Unit::Count,
                goal: Goal::AtMost(1.0),
            },
            Row {
                what: "1,000 registries at once, 50 ms each",
                ours: took,
                against: "1,000 / 32 × 50 ms",
                theirs: ideal.into(),
                unit: Unit::Seconds,
                goal: Goal::AtMost(1.2),
            },
        ]
    }

    /// Several runs, the last of which is the plot: a machine that is busy for a second bends one line.
    pub(super) async fn growth(&self, growth: &mut Growth) -> Vec<Row> {
        let [mut memory, mut memory_before, mut time, mut time_before] = <[Samples; 4]>::default();
        for _ in 0..self.times(5) {
            growth.points = self.points().await;
            let points = &growth.points;
            let (early, half, end) = (points[1], points[points.len() / 2], points[points.len() - 1]);
            memory.push(end.1);
            memory_before.push(early.1);
            time.push(end.2 - half.2);
            time_before.push(half.2);
        }
        let row =
            |what, ours, against, theirs, unit| Row { what, ours, against, theirs, unit, goal: Goal::AtMost(1.1) };
        vec![
            row(
                "growth: own memory at the last of 100,000 invokes",
                memory,
                "at the 2,000th",
                memory_before,
                Unit::Bytes,
            ),
            row("growth: time of the second 50,000 invokes", time, "of the first", time_before, Unit::Seconds),
        ]
    }

    /// Invokes, own bytes and seconds, again and again.
    async fn points(&self) -> Vec<(f64, f64, f64)> {
        const STEP: usize = 2000;
        let plugin = self.plugin().await;
        let invoke = Call::invoke(&plugin, REGISTRY);
        let start = Instant::now();
        invoke.make().await;
        let point = |invokes: usize| (invokes as f64, Memory::of(&plugin).own, start.elapsed().as_secs_f64());
        let mut points = vec![point(1)];
        for step in 1..=self.times(50) {
            in_flight(STEP, &invoke).await;
            points.push(point(step * STEP));
        }
        points
    }
}

pub(super) fn registry(number: usize) -> String {
    format!("{number:012}")
}

pub(super) async fn time(work: impl Future) -> f64 {
    let start = Instant::now();
    work.await;
    start.elapsed().as_secs_f64()
}

pub(super) async fn at_once(calls: &[Call]) {
    join_all(calls.iter().map(Call::make)).await;
}

pub(super) async fn in_flight(calls: usize, call: &Call) {
    let mut running: FuturesUnordered<_> = (0..IN_FLIGHT.min(calls)).map(|_| call.make()).collect();
    let mut waiting = iter(running.len()..calls);
    while running.next().await.is_some() {
        if waiting.next().await.is_some() {
            running.push(call.make());
        }
    }
}
