//! The log: records of this crate, for the user through the engine and for developers on stderr.
//!
//! The crates that it is built on have nothing to say here: their `tracing` is compiled out, see `Cargo.toml`.

use std::io::{self, Write};

use log::{Level, LevelFilter, Log, Metadata, Record};
use tokio::sync::mpsc;

/// Lines that may wait for an engine; further ones are dropped.
const CAPACITY: usize = 256;

/// A line for the user.
#[derive(Debug)]
pub struct Line {
    /// How serious it is.
    pub level: Level,
    /// The text, without a time or a place.
    pub message: String,
}

/// The lines on their way to the engine.
pub type Receiver = mpsc::Receiver<Line>;

/// Collects this crate's records, and writes those that `verbosity` (the engine's `-v`) asks for to stderr: 0 warnings,
/// 1 to 4 information, 5 and more debug lines. The first call in a process counts.
pub fn install(verbosity: u32) -> Receiver {
    let stderr = match verbosity {
        0 => LevelFilter::Warn,
        1..=4 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    let (lines, receiver) = mpsc::channel(CAPACITY);
    if log::set_boxed_logger(Box::new(Logger { lines, stderr })).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
    receiver
}

struct Logger {
    lines: mpsc::Sender<Line>,
    stderr: LevelFilter,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = Line { level: record.level(), message: record.args().to_string() };
        if line.level <= self.stderr {
            // stderr may be closed.
            let _ = writeln!(io::stderr(), "{:>5} {}", line.level, line.message);
        }
        // Full means that no engine takes lines: there is nobody to tell.
        let _ = self.lines.try_send(line);
    }

    fn flush(&self) {}
}
