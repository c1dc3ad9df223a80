//! Measures the plugin against its peers and against floors, and writes what it found as a table and a plot.
//!
//! ```text
//! usage: bench [--quick] [PART...]
//!        bench --fleet MACHINES RATE BURST
//!        bench --soak [MINUTES]
//!        bench --builds NAME=EXECUTABLE NAME=EXECUTABLE
//! ```
//!
//! Without arguments all parts run and `benches/RESULTS.md` and `benches/growth.svg` are written. With `--quick`, or
//! with names of parts, the table is printed only.

#![forbid(unsafe_code)]

mod contenders;
mod fleet;
mod machine;
mod parts;
mod plot;
mod report;
mod samples;
mod soak;
mod throttled;

use std::{env, fs, path::Path, process::ExitCode};

use fleet::Fleet;
use parts::{Bench, Build, Growth, PARTS};

/// The repository's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("benches stands in the repository")
}

#[tokio::main]
async fn main() -> ExitCode {
    let (flags, names): (Vec<_>, Vec<_>) = env::args().skip(1).partition(|argument| argument.starts_with('-'));
    if flags == ["--fleet"]
        && let Some(fleet) = fleet(&names)
    {
        print!("{}", fleet.table());
        println!("{}", throttled::row(&fleet).await);
        return ExitCode::SUCCESS;
    }
    if flags == ["--soak"] {
        return soak::run(names.first().map(String::as_str)).await;
    }
    if flags == ["--builds"]
        && let Some(builds) = Build::pair(&names)
    {
        println!("{}\n{}", machine::describe(), Bench::new(false).await.compare(&builds).await);
        return ExitCode::SUCCESS;
    }
    let quick = flags.iter().any(|flag| flag == "--quick");
    if flags.iter().any(|flag| flag != "--quick") || names.iter().any(|name| !PARTS.contains(&name.as_str())) {
        eprintln!("usage: bench [--quick] [PART...]\nparts: {}", PARTS.join(", "));
        return ExitCode::from(2);
    }
    let machine = machine::describe();
    let bench = Bench::new(quick).await;
    let mut rows = Vec::new();
    let mut growth = Growth::default();
    for part in PARTS.iter().filter(|part| names.is_empty() || names.iter().any(|name| name == *part)) {
        eprintln!("bench: {part} ...");
        rows.extend(bench.run(part, &mut growth).await);
    }
    let results = report::markdown(&machine, &rows);
    println!("{results}");
    if !quick && names.is_empty() {
        let folder = repository().join("benches");
        fs::write(folder.join("RESULTS.md"), results).expect("RESULTS.md is written");
        fs::write(folder.join("growth.svg"), plot::growth(&growth)).expect("growth.svg is written");
    }
    ExitCode::SUCCESS
}

/// Machines, calls a second, calls at once.
fn fleet(numbers: &[String]) -> Option<Fleet> {
    let [machines, rate, burst] = numbers else { return None };
    let is_number = |number: &f64| number.is_finite() && *number > 0.0;
    let [rate, burst] = [rate, burst].map(|number| number.parse().ok().filter(is_number));
    Some(Fleet { machines: machines.parse().ok()?, rate: rate?, burst: burst? })
}
