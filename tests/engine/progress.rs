//! One line for each step, past the test runner's capture: the runs take minutes and a person watches.

use std::fmt::Display;
use std::io::{Write as _, stderr};
use std::thread::panicking;

/// A step at work. Dropping it prints how it ended.
pub(crate) struct Step(String);

impl Step {
    pub(crate) fn start(engine: impl Display, program: impl Display, step: impl Display) -> Self {
        Self(format!("engine {engine} · {program} · {step}"))
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let end = if panicking() { "FAILED" } else { "ok" };
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(stderr(), "{} ... {end}", self.0);
    }
}
