//! The log: `tracing` events of this crate, for the user through the engine and for developers on stderr.
//!
//! Events of other crates go nowhere: the AWS SDK's contain tokens at low levels.

use std::fmt::{self, Write};

use tokio::sync::mpsc;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

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

/// A `tracing` layer, and the lines that it collects.
pub fn channel() -> (EngineLayer, Receiver) {
    let (lines, receiver) = mpsc::channel(CAPACITY);
    (EngineLayer { lines }, receiver)
}

/// Installs `layer` and a writer to stderr for the whole process. `verbosity` is the engine's `-v`: 0 shows warnings,
/// 1 to 4 information, 5 and more debug lines on stderr.
pub fn install(layer: EngineLayer, verbosity: u32) {
    let stderr = match verbosity {
        0 => LevelFilter::WARN,
        1..=4 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let own = |level| Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).without_time();
    tracing_subscriber::registry()
        .with(layer.with_filter(own(LevelFilter::DEBUG)))
        .with(fmt.with_filter(own(stderr)))
        .init();
}

/// Sends events to the engine's log.
#[derive(Debug)]
pub struct EngineLayer {
    lines: mpsc::Sender<Line>,
}

impl<S: Subscriber> Layer<S> for EngineLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        // Full means that no engine takes lines: there is nobody to tell.
        let _ = self.lines.try_send(Line { level: *event.metadata().level(), message: message.0 });
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
