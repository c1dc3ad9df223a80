//! A short soak; `make soak` runs a long one.

use std::{sync::atomic::Ordering, time::Duration};

use support::{
    plugin::command,
    soak::{Soak, run},
};

/// A plugin that serves takes no more than this, in kB.
const MAX_MEMORY: u64 = 32 * 1024;

/// Eight for the folder of shared tokens, and those of its start.
const MAX_THREADS: u64 = 20;

#[tokio::test]
async fn every_answer_is_the_right_one_while_much_goes_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let soak = Soak { command, invokes: 20_000, time: Duration::from_secs(5) };
    let report = run(soak, folder.path()).await;
    for number in [&report.ends.tokens, &report.ends.faults, &report.ends.cancelled, &report.ends.refused] {
        assert!(number.load(Ordering::Relaxed) > 0, "{:?}", report.ends);
    }
    for sample in report.samples.iter().flatten() {
        assert!(sample.memory < MAX_MEMORY && sample.descriptors < 200 && sample.connections < 100, "{sample:?}");
        assert!(sample.threads < MAX_THREADS, "{sample:?}");
    }
}
