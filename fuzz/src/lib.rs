//! What strangers can send or write, made up by fuzzers: no input ends the process, and none gets a secret told.
//!
//! Each target of [`TARGETS`] takes any bytes. `make fuzz` has libFuzzer look for those that break something; the tests
//! replay what is in `corpus` and variants of it.

#![forbid(unsafe_code)]
// The plugin's futures lie deep in those of the targets, deeper without the release's link-time optimisation.
#![recursion_limit = "256"]

// Private in their crates, and to be tried for themselves.
#[expect(dead_code, reason = "it is the executable's")]
#[path = "../../src/arguments.rs"]
mod arguments;
#[path = "../../src/aws/shared_files.rs"]
mod shared_files;

mod answers;
mod plugin;
#[cfg(test)]
mod replay;
mod targets;

use std::sync::LazyLock;

pub use plugin::Plugin;
pub use targets::TARGETS;

/// Gives `input` to the target of this name, for one that has no [`Plugin`] of its own.
///
/// # Panics
///
/// When the input breaks something, and where there is no such target.
pub fn run(target: &str, input: &[u8]) {
    static PLUGIN: LazyLock<Plugin> = LazyLock::new(Plugin::start);
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    run(&PLUGIN, input);
}
