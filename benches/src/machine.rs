//! What the measurements were taken on.

use std::{fs, process::Command};

use crate::repository;

/// The machine and the commit, a list in Markdown.
pub(crate) fn describe() -> String {
    let first = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let changed = if output("git", &["status", "--porcelain"]).is_empty() { "" } else { ", with changes" };
    format!(
        "- commit: {}{changed}\n- processor: {}, {cores} cores\n- memory: {}\n- Linux {}\n- {}\n- {}\n- load average before the run: {}\n",
        output("git", &["rev-parse", "--short", "HEAD"]),
        first("/proc/cpuinfo", "model name"),
        first("/proc/meminfo", "MemTotal"),
        kernel.trim(),
        output("rustc", &["--version"]),
        output("go", &["version"]),
        load.split(' ').take(3).collect::<Vec<_>>().join(" "),
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(repository()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
