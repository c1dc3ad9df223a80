//! The plugin as a process: size, start, memory, and the first answer.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use tokio::process::Command;

use super::{Bench, call::Call};
use crate::{
    contenders::{self, Memory, Provider, REGISTRY, aws_cli, curl, ecr_login, first_line},
    report::{Goal, Row, Unit},
    samples::Samples,
};

const INVOKES: usize = 10_000;

/// The memory of a plugin that idles, and after its invokes.
#[derive(Default)]
struct MemorySamples {
    own: Samples,
    own_after: Samples,
    resident: Samples,
    resident_after: Samples,
}

impl MemorySamples {
    fn push(&mut self, idle: &Memory, after: &Memory) {
        self.own.push(idle.own);
        self.own_after.push(after.own);
        self.resident.push(idle.resident);
        self.resident_after.push(after.resident);
    }
}

pub(super) fn size() -> Vec<Row> {
    let size = |provider: Provider| {
        let metadata = fs::metadata(provider.executable()).expect("the executable is there");
        Samples::from(metadata.len() as f64)
    };
    let row = |against, theirs, goal| Row {
        what: "size of the release binary",
        ours: size(Provider::Ours),
        against,
        theirs,
        unit: Unit::Bytes,
        goal,
    };
    vec![row("6.2 MB", 6.2e6.into(), Goal::AtMost(1.0)), row("Go peer", size(Provider::Go), Goal::AtMost(1.0 / 6.0))]
}

impl Bench {
    pub(super) async fn start(&self) -> Vec<Row> {
        vec![
            self.starts("bare spawn of a static process", contenders::bare, 2.1).await,
            self.starts("Go peer", || Provider::Go.command(&self.engine, None), 0.1).await,
        ]
    }

    /// Two contenders alone: a third that runs for longer would leave the processor's caches to the one behind it.
    async fn starts(&self, against: &'static str, other: impl Fn() -> Command, goal: f64) -> Row {
        let [mut ours, mut theirs] = <[Samples; 2]>::default();
        for _ in 0..self.times(100) {
            ours.push(first_line(Provider::Ours.command(&self.engine, None)).await.as_secs_f64());
            theirs.push(first_line(other()).await.as_secs_f64());
        }
        let (what, unit, goal) = ("spawn to port line", Unit::Seconds, Goal::AtMost(goal));
        Row { what, ours, against, theirs, unit, goal }
    }

    pub(super) async fn memory(&self) -> Vec<Row> {
        let [mut ours, mut go] = <[MemorySamples; 2]>::default();
        for _ in 0..self.times(5) {
            for (provider, samples) in [(Provider::Ours, &mut ours), (Provider::GoFromMemory, &mut go)] {
                let checks = self.engine.checks();
                let plugin = provider.configured(&self.engine, &self.ecr.url()).await;
                // The connection to the engine is part of a plugin that idles. The peer makes its own later.
                if provider == Provider::Ours {
                    self.engine.wait_for_more_checks(checks).await;
                }
                let idle = Memory::of(&plugin);
                let invoke = Call::invoke(&plugin, REGISTRY);
                for _ in 0..INVOKES {
                    invoke.make().await;
                }
                samples.push(&idle, &Memory::of(&plugin));
            }
        }
        let rows = |what, limit, ours: Samples, bytes: f64, theirs| {
            let row = |against, theirs, goal| {
                let (ours, unit, goal) = (ours.clone(), Unit::Bytes, Goal::AtMost(goal));
                Row { what, ours, against, theirs, unit, goal }
            };
            [row(limit, bytes.into(), 1.0), row("Go peer, from memory", theirs, 0.25)]
        };
        [
            rows("own memory, configured and idle", "1.5 MB", ours.own, 1.5e6, go.own),
            rows("own memory after 10,000 invokes", "2.5 MB", ours.own_after, 2.5e6, go.own_after),
            rows("resident memory, configured and idle", "5.5 MB", ours.resident, 5.5e6, go.resident),
            rows("resident memory after 10,000 invokes", "8 MB", ours.resident_after, 8e6, go.resident_after),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// From nothing to the first answer, over plain HTTP, or over TLS if `ca` names the authority.
    pub(super) async fn cold(&self, ca: Option<&Path>) -> Vec<Row> {
        let url = self.url(ca);
        let [mut ours, mut go, mut login, mut floor, mut cli] = <[Samples; 5]>::default();
        for round in 0..self.times(60) {
            ours.push(self.first_answer(Provider::Ours, ca).await.as_secs_f64());
            go.push(self.first_answer(Provider::Go, ca).await.as_secs_f64());
            login.push(ecr_login(&url, ca).await.as_secs_f64());
            floor.push(curl(&url, ca).await.as_secs_f64());
            // Hundreds of times slower: few rounds tell enough.
            if round % 10 == 0 {
                cli.push(aws_cli(&url, ca).await.as_secs_f64());
            }
        }
        let what = if ca.is_some() { "spawn to first answer, over TLS" } else { "spawn to first answer" };
        let cli = Samples::from(cli.median());
        let row = |against, theirs, goal| Row {
            what,
            ours: ours.clone(),
            against,
            theirs,
            unit: Unit::Seconds,
            goal: Goal::AtMost(goal),
        };
        let mut rows = vec![
            row("Go peer", go, if ca.is_some() { 1.0 } else { 0.5 }),
            row("docker-credential-ecr-login, whole run", login, 1.0),
        ];
        if ca.is_none() {
            rows.push(row("`curl --aws-sigv4`, whole run", floor, 1.3));
        }
        rows.push(row("AWS CLI, whole run (median of fewer rounds)", cli, 1.0));
        rows
    }

    async fn first_answer(&self, provider: Provider, ca: Option<&Path>) -> Duration {
        let (command, url) = (provider.command(&self.engine, ca), self.url(ca));
        let start = Instant::now();
        let mut plugin = contenders::configured(command, &self.engine, &url).await;
        Call::invoke(&plugin, REGISTRY).make().await;
        let took = start.elapsed();
        plugin.process.kill().await.expect("the plugin ends");
        took
    }
}
