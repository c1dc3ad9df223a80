//! A soak of the release, and whether what it takes of the machine stays as it was.

use std::{fs, process::ExitCode, time::Duration};

use support::soak::{Report, Sample, Soak};
use tokio::process::Command;

use crate::{contenders::Provider, plot, repository};

/// The invokes of a soak that is not bounded by time.
const INVOKES: usize = 1_000_000;

type Measure = fn(&Sample) -> f64;

/// What must not grow.
pub(crate) const MEASURES: [(&str, Measure); 4] = [
    ("Own memory, MB", |sample| sample.memory as f64 / 1e3),
    ("Open files", |sample| sample.descriptors as f64),
    ("Connections and ports", |sample| sample.connections as f64),
    ("Threads", |sample| sample.threads as f64),
];

/// How much more than in the second quarter there may be in the last one: connections are counted while calls are made, and
/// memory is kept in pieces.
const TOLERANCE: f64 = 1.15;
const MORE: f64 = 3.0;

/// Runs for so many minutes, or for a million invokes.
pub(crate) async fn run(minutes: Option<&str>) -> ExitCode {
    let soak = match minutes.map(str::parse) {
        None => Soak { command, invokes: INVOKES, time: Duration::MAX },
        Some(Ok(minutes)) => Soak { command, invokes: usize::MAX, time: Duration::from_secs(60) * minutes },
        Some(Err(_)) => {
            eprintln!("usage: bench --soak [MINUTES]");
            return ExitCode::from(2);
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let report = support::soak::run(soak, folder.path()).await;
    println!("{} invokes: {:?}", report.ends.all(), report.ends);
    let plot = repository().join("benches/soak.svg");
    fs::write(&plot, plot::soak(&report)).expect("soak.svg is written");
    println!("{}", plot.display());
    if is_flat(&report) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn command() -> Command {
    Provider::Ours.attached()
}

/// Whether each plugin takes in the last quarter what it took in the second.
fn is_flat(report: &Report) -> bool {
    let mut flat = true;
    for (name, measure) in MEASURES {
        for (number, samples) in report.samples.iter().enumerate() {
            let quarter = samples.len() / 4;
            let (before, after) =
                (median(&samples[quarter..2 * quarter], measure), median(&samples[3 * quarter..], measure));
            println!("plugin {number}: {name}: {before:.1}, then {after:.1}");
            if after > before * TOLERANCE + MORE {
                println!("plugin {number}: {name}: this grew");
                flat = false;
            }
        }
    }
    flat
}

fn median(samples: &[Sample], measure: Measure) -> f64 {
    let mut values: Vec<_> = samples.iter().map(measure).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
