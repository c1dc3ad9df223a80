//! This plugin beside the libraries of the official provider, on the same files, environment and configuration: who signs,
//! for which Region, which host is asked and by which way, and what other services are asked must be the same.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic that says why")]
#![allow(clippy::print_stdout, reason = "what differs is for people")]

mod case;
mod comparison;
mod proxy;
mod secrets;
mod services;
mod sides;

use futures_util::{StreamExt, stream};

/// How many cases of a file run at the same time.
const AT_ONCE: usize = 4;

/// A test for each file of cases.
macro_rules! cases {
    ($($file:ident),*) => {
        const FILES: &[&str] = &[$(stringify!($file)),*];
        $(#[tokio::test]
        async fn $file() {
            run(include_str!(concat!("cases/", stringify!($file), ".toml"))).await;
        })*
    };
}

cases!(credentials, endpoints, files, names, proxies, roles);

async fn run(text: &str) {
    let cases = case::read(text);
    let only = std::env::var("CASE").ok();
    let wanted = cases.iter().filter(|case| only.as_ref().is_none_or(|only| case.name.contains(only)));
    let verdicts = stream::iter(wanted).map(async |case| (case, comparison::compare(case).await));
    let verdicts: Vec<_> = verdicts.buffer_unordered(AT_ONCE).collect().await;
    for (case, verdict) in verdicts.iter().filter(|(case, _)| case.mend.is_some()) {
        let found = verdict.faults.iter().chain(&verdict.difference).cloned().collect::<Vec<_>>().join("\n");
        println!("to be mended: {}: {}\n", case.name, if found.is_empty() { "nothing any more" } else { &found });
    }
    let problems: Vec<_> = verdicts.iter().filter_map(|(case, verdict)| verdict.problem(case)).collect();
    assert!(problems.is_empty(), "{} of {}:\n\n{}", problems.len(), verdicts.len(), problems.join("\n\n"));
}

#[test]
fn every_file_of_cases_is_run() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official/cases");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let names = names.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut names: Vec<_> = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, FILES);
}
