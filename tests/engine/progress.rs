//! One line for each step, past the test runner's capture: the runs take minutes and a person watches.

use std::env;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, Write as _, stderr};
use std::thread::panicking;

/// Names the file that steps are added to, for the summary of `make test-engine`.
const VARIABLE: &str = "ENGINE_STEPS";

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
        let line = format!("{} ... {end}\n", self.0);
        // A closed stderr leaves nobody to tell.
        let _ = stderr().write_all(line.as_bytes());
        if let Err(error) = keep(&line) {
            let _ = writeln!(stderr(), "{VARIABLE}: {error}");
        }
    }
}

fn keep(line: &str) -> io::Result<()> {
    let Some(path) = env::var_os(VARIABLE) else { return Ok(()) };
    OpenOptions::new().append(true).create(true).open(path)?.write_all(line.as_bytes())
}
