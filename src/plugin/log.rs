//! The log: records of this crate, for the user through the engine and for developers on stderr.
//!
//! The crates that it is built on have nothing to say here: their `tracing` is compiled out, see `Cargo.toml`. Nothing
//! waits for whoever reads the log: lines that find no room are dropped, and the next one says how many.

use std::{
    io::{self, Write},
    ops::Deref,
    sync::{
        LazyLock, OnceLock, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver as StdReceiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use log::{Level, LevelFilter, Log, Metadata, Record};
use tokio::sync::mpsc;

use crate::{
    STATUS,
    redaction::{Secrets, Shared},
    steps::TARGET,
};

/// Lines that may wait for an engine, and as many for stderr.
const CAPACITY: usize = 256;

/// How long the end of the process may wait for stderr to take the last lines.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The length of a line, in characters.
const MAX_LINE: usize = 4000;

/// What no line shows: the secrets of configurations and arguments that are in use.
static HIDDEN: LazyLock<RwLock<Shared>> = LazyLock::new(RwLock::default);

/// What no line shows as long as someone has it.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    secrets: Secrets,
    /// Nothing for the default, which hides nothing.
    had_room: Option<bool>,
}

impl Hidden {
    /// Keeps `secrets` out of all lines until it is dropped.
    pub(super) fn new(secrets: Secrets) -> Self {
        let had_room = Some(HIDDEN.write().unwrap_or_else(PoisonError::into_inner).add(&secrets));
        Self { secrets, had_room }
    }
}

impl Deref for Hidden {
    type Target = Secrets;

    fn deref(&self) -> &Secrets {
        &self.secrets
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(had_room) = self.had_room {
            HIDDEN.write().unwrap_or_else(PoisonError::into_inner).remove(&self.secrets, had_room);
        }
    }
}

/// A line for the user.
#[derive(Debug, Clone)]
pub struct Line {
    /// How serious it is.
    pub level: Level,
    /// Whether it stands there only until the next one.
    pub is_status: bool,
    /// The name of the step of an Invoke that it tells of, if it does.
    pub step: Option<String>,
    /// The text, without a time or a place.
    pub message: String,
}

/// The lines on their way to the engine.
pub type Receiver = mpsc::Receiver<Line>;

/// Collects this crate's records, and writes those that `verbosity` (the engine's `-v`) asks for to stderr: 0 warnings,
/// 1 to 4 information, 5 and more debug lines. The first call in a process counts.
pub fn install(verbosity: u32) -> Receiver {
    let shown = match verbosity {
        0 => LevelFilter::Warn,
        1..=4 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    collect(LevelFilter::Debug, shown)
}

/// The same with all steps of an Invoke, for one who shows every line: of them, stderr gets errors alone.
pub fn install_with_steps() -> Receiver {
    collect(LevelFilter::Trace, LevelFilter::Error)
}

fn collect(most: LevelFilter, shown: LevelFilter) -> Receiver {
    let (lines, receiver) = mpsc::channel(CAPACITY);
    let logger = Logger { engine: lines, lost: Lost::default(), shown, stderr: Stderr::default() };
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(most);
    }
    receiver
}

struct Logger {
    engine: mpsc::Sender<Line>,
    lost: Lost,
    shown: LevelFilter,
    stderr: Stderr,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args().to_string();
        let message = HIDDEN.read().unwrap_or_else(PoisonError::into_inner).show(&message, MAX_LINE);
        let step = record.target().strip_prefix(TARGET).map(str::to_owned);
        let line = Line { level: record.level(), is_status: record.target() == STATUS, step, message };
        if line.level <= self.shown && !line.message.is_empty() {
            self.stderr.write(line.clone());
        }
        self.lost.send(line, |line| self.engine.try_send(line).is_ok());
    }

    fn flush(&self) {
        self.stderr.flush();
    }
}

/// The number of lines that found no room since the last one that did.
#[derive(Default)]
struct Lost(AtomicUsize);

impl Lost {
    fn send(&self, mut line: Line, send: impl FnOnce(Line) -> bool) {
        let lost = self.0.swap(0, Ordering::Relaxed);
        if lost > 0 {
            line.message = format!("(dropped before this line, since the log was not read: {lost}) {}", line.message);
        }
        if !send(line) {
            self.0.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}

/// stderr, by a thread that starts with the first line: whoever holds the other end may not read it.
#[derive(Default)]
struct Stderr {
    writer: OnceLock<Option<SyncSender<Job>>>,
    lost: Lost,
}

enum Job {
    Line(Line),
    /// Tells that all lines before it are written.
    Mark(SyncSender<()>),
}

impl Stderr {
    fn write(&self, line: Line) {
        let writer = self.writer.get_or_init(|| {
            let (sender, receiver) = sync_channel(CAPACITY);
            thread::Builder::new().name("stderr".to_owned()).spawn(move || write(&receiver)).ok().map(|_| sender)
        });
        self.lost.send(line, |line| writer.as_ref().is_some_and(|writer| writer.try_send(Job::Line(line)).is_ok()));
    }

    fn flush(&self) {
        let Some(writer) = self.writer.get().and_then(Option::as_ref) else { return };
        let (mark, written) = sync_channel(1);
        if writer.try_send(Job::Mark(mark)).is_ok() {
            let _nobody_reads = written.recv_timeout(LAST_LINES);
        }
    }
}

fn write(queue: &StdReceiver<Job>) {
    for job in queue {
        match job {
            // stderr may be closed.
            Job::Line(Line { level, message, .. }) => drop(writeln!(io::stderr(), "{level:>5} {message}")),
            Job::Mark(mark) => drop(mark.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_line_says_how_many_were_lost() {
        let line = Line { level: Level::Warn, is_status: false, step: None, message: "line".to_owned() };
        let lost = Lost::default();
        let mut sent = Vec::new();
        for has_room in [true, false, false, true, true] {
            lost.send(line.clone(), |line| {
                sent.extend(has_room.then_some(line.message));
                has_room
            });
        }
        assert_eq!(sent, ["line", "(dropped before this line, since the log was not read: 2) line", "line"]);
    }
}
