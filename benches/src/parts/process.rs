//! The plugin as a process: size, start, memory, and the first answer.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use tokio::process::Command;

use super::{Bench, call::Call};
use crate::{
    contenders::{self, Provider, REGISTRY, aws_cli, curl, ecr_login, first_line, resident_bytes},
    report::{Goal, Row, Unit},
    samples::Samples,
};

const INVOKES: usize = 10_000;

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
    vec![row("5.5 MB", 5.5e6.into(), Goal::AtMost(1.0)), row("Go peer", size(Provider::Go), Goal::AtMost(1.0 / 6.0))]
}

impl Bench {
    pub(super) async fn start(&self) -> Vec<Row> {
        vec![
            self.starts("bare spawn of a static process", contenders::bare, 2.0).await,
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
        let [mut ours, mut ours_after, mut go, mut go_after] = <[Samples; 4]>::default();
        for _ in 0..self.times(5) {
            for (provider, idle, after) in
                [(Provider::Ours, &mut ours, &mut ours_after), (Provider::GoFromMemory, &mut go, &mut go_after)]
            {
                let checks = self.engine.checks();
                let plugin = provider.configured(&self.engine, &self.ecr.url()).await;
                // The connection to the engine is part of a plugin that idles. The peer makes its own later.
                if provider == Provider::Ours {
                    self.engine.wait_for_more_checks(checks).await;
                }
                idle.push(resident_bytes(&plugin));
                let invoke = Call::invoke(&plugin, REGISTRY);
                for _ in 0..INVOKES {
                    invoke.make().await;
                }
                after.push(resident_bytes(&plugin));
            }
        }
        let row = |what, ours: &Samples, against, theirs, goal| Row {
            what,
            ours: ours.clone(),
            against,
            theirs,
            unit: Unit::Bytes,
            goal: Goal::AtMost(goal),
        };
        let (idle, after) = ("resident memory, configured and idle", "resident memory after 10,000 invokes");
        vec![
            row(idle, &ours, "5 MB", 5e6.into(), 1.0),
            row(idle, &ours, "Go peer", go, 0.25),
            row(after, &ours_after, "8 MB", 8e6.into(), 1.0),
            row(after, &ours_after, "Go peer, from memory", go_after, 0.25),
        ]
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
