//! Real processes that ask at the same time, of a stand-in that throttles as AWS does.

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;
use support::{ecr::Ecr, engine::Engine, plugin::Plugin};

use crate::{contenders::Provider, fleet::Fleet};

/// With more processes, starting them is what is measured.
const MOST: u32 = 500;
/// What a process takes of the machine's memory at most, and of this process's open files.
const MEMORY_KB: u32 = 8 * 1024;
const FILES: u32 = 8;

/// How it went.
pub(crate) struct Outcome {
    pub(crate) failed: usize,
    /// When the last token was there.
    pub(crate) last: Duration,
    /// The calls in vain.
    pub(crate) throttled: usize,
}

/// Starts as many processes as there are machines and lets each ask for the tokens of so many registries, all at once.
pub(crate) async fn at_once(provider: Provider, engine: &Engine, fleet: &Fleet, registries: usize) -> Outcome {
    let ecr = Ecr::start().await.expect("a free port");
    let mut plugins = Vec::new();
    for _ in 0..fleet.machines {
        plugins.push(provider.configured(engine, &ecr.url()).await);
    }
    ecr.set_allowance(fleet.rate, fleet.burst);
    let start = Instant::now();
    let begin = |plugin: &Plugin, number| plugin.begin(json!({"registryId": format!("{number:012}")}));
    let calls = plugins.iter().flat_map(|plugin| (0..registries).map(move |number| begin(plugin, number)));
    let calls = calls.map(async |call| {
        let answer = call.await.expect("the call does not panic");
        answer.is_ok_and(|answer| answer.failures.is_empty()).then(|| start.elapsed())
    });
    let ends = join_all(calls.collect::<Vec<_>>()).await;
    let tokens = ends.iter().flatten().count();
    Outcome {
        failed: ends.len() - tokens,
        last: ends.into_iter().flatten().max().unwrap_or_default(),
        throttled: ecr.requests().len() - tokens,
    }
}

/// The row of a fleet's table that is no simulation: as many processes as the machine holds. Where these are fewer than
/// the fleet has machines, AWS takes as much less of them.
pub(crate) async fn row(fleet: &Fleet) -> String {
    let engine = Engine::start().await.expect("a free port");
    let processes = fleet.machines.min(capacity());
    let part = f64::from(processes) / f64::from(fleet.machines);
    let held = Fleet { machines: processes, rate: fleet.rate * part, burst: (fleet.burst * part).max(1.0) };
    let Outcome { failed, last, throttled } = at_once(Provider::Ours, &engine, &held, 1).await;
    fleet.row(
        &format!("this plugin, {processes} processes"),
        failed,
        last.as_secs_f64(),
        throttled as f64 / f64::from(processes),
    )
}

fn capacity() -> u32 {
    let number = |path: &str, line: &str| {
        let text = fs::read_to_string(path).expect("Linux tells");
        let rest = text.lines().find_map(|text| text.strip_prefix(line)).expect("Linux tells");
        rest.split_whitespace().next().and_then(|number| number.parse::<u32>().ok()).unwrap_or(u32::MAX)
    };
    let memory = number("/proc/meminfo", "MemAvailable:") / 2 / MEMORY_KB;
    let files = number("/proc/self/limits", "Max open files") / 2 / FILES;
    memory.min(files).clamp(1, MOST)
}
