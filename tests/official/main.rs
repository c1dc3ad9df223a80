//! This plugin beside the libraries of the official provider, on the same files, environment and configuration: who signs,
//! for which Region, which host is asked and by which way, and what other services are asked must be the same.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic that says why")]

mod case;
mod comparison;
mod generated;
mod proxy;
mod secrets;
mod services;
mod sides;

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

/// How many cases of a file run at the same time.
const AT_ONCE: usize = 4;

/// A test for each file of cases.
macro_rules! cases {
    ($($file:ident),*) => {
        const FILES: &[&str] = &[$(stringify!($file)),*];
        const TEXTS: &[&str] = &[$(include_str!(concat!("cases/", stringify!($file), ".toml"))),*];
        $(#[tokio::test]
        async fn $file() {
            run(include_str!(concat!("cases/", stringify!($file), ".toml"))).await;
        })*
    };
}

cases!(
    clock,
    container,
    credentials,
    endpoints,
    files,
    instance,
    login,
    names,
    paths,
    process,
    proxies,
    redirects,
    roles,
    secrets,
    settings,
    sso
);

async fn run(text: &str) {
    let cases = case::read(text);
    let only = std::env::var("CASE").ok();
    let wanted = cases.iter().filter(|case| only.as_ref().is_none_or(|only| case.name.contains(only)));
    let verdicts = stream::iter(wanted).map(async |case| (case, comparison::compare(case).await));
    let verdicts: Vec<_> = verdicts.buffer_unordered(AT_ONCE).collect().await;
    let problems: Vec<_> = verdicts.iter().filter_map(|(case, verdict)| verdict.problem(case)).collect();
    assert!(problems.is_empty(), "{} of {}:\n\n{}", problems.len(), verdicts.len(), problems.join("\n\n"));
}

/// How many cases are generated unless more are asked for.
const GENERATED: u64 = 300;

/// How many of those that fail are made small and shown.
const SHOWN: usize = 5;

/// Cases that are in no file of this folder yet: `make official FILE=…`.
#[tokio::test]
async fn a_file_of_one_s_own() {
    if let Some(file) = std::env::var_os("FILE").filter(|file| !file.is_empty()) {
        run(&std::fs::read_to_string(file).expect("FILE names a file of cases")).await;
    }
}

#[tokio::test]
async fn generated_cases_are_the_same_too() {
    let count = std::env::var("CASES").map_or(GENERATED, |count| count.parse().expect("CASES is a number"));
    let found = stream::iter(0..count).map(generated::run).buffer_unordered(AT_ONCE);
    let found: Vec<_> = found.filter_map(std::future::ready).take(SHOWN).collect().await;
    assert!(found.is_empty(), "of {count} generated cases, smallest first:\n\n{}", found.join("\n\n"));
}

#[test]
fn every_difference_has_a_reason_in_the_documentation() {
    let documentation = include_str!("../../docs/configuration.md");
    let (_, section) = documentation.split_once("## Where it differs").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let items = section.lines().filter_map(|line| line.strip_prefix("- "));
    let reasons = items.map(|item| item.strip_prefix("**").and_then(|item| item.split_once("**")));
    let reasons = reasons.map(|reason| reason.expect("an item begins with its reason").0.trim_end_matches('.'));
    let reasons: BTreeSet<_> = reasons.collect();
    let cases: Vec<_> = TEXTS.iter().flat_map(|text| case::read(text)).collect();
    let given: BTreeSet<_> =
        cases.iter().filter_map(|case| case.differs.as_deref().or(case.kinder.as_deref())).collect();
    assert_eq!(given, reasons);
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
