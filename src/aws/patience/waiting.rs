use std::{
    borrow::Cow,
    fmt,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    select,
    time::{Instant, sleep_until},
};

use super::{LONGEST, lock};
use crate::STATUS;

/// How long a call may take before the user hears of it, and how often at most the line is renewed.
const SILENT: Duration = Duration::from_secs(2);
const RENEWED: Duration = Duration::from_secs(10);

/// Tells the user what is waited for, one line for all calls. Clones share one state.
#[derive(Debug, Clone, Default)]
pub(super) struct Board {
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug, Default)]
struct Shown {
    /// The calls that take long, in the order in which they began to.
    waiting: Vec<Arc<Call>>,
    /// When the line was renewed; none is shown otherwise.
    renewed: Option<Instant>,
}

/// What is known of a call in flight.
#[derive(Debug)]
pub(super) struct Call {
    service: String,
    began: Instant,
    /// How often it is tried at most, if that is counted.
    tries: Option<u32>,
    reason: Mutex<(Cow<'static, str>, Duration)>,
}

impl Call {
    /// A call that others go before.
    pub(super) fn new(service: &str, tries: Option<u32>) -> Arc<Self> {
        let reason = Mutex::new(("the calls before it go first".into(), LONGEST));
        Arc::new(Self { service: service.to_owned(), began: Instant::now(), tries, reason })
    }

    /// Whom it asks.
    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// When it began.
    pub(super) const fn began(&self) -> Instant {
        self.began
    }

    /// Since when it runs.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Says that the service was asked, and how old the call may become at most.
    pub(super) fn is_asked(&self, at_most: Duration) {
        *lock(&self.reason) = ("it has not answered yet".into(), at_most);
    }

    /// Says why it has no result yet, and how old it may become for that at most.
    pub(super) fn because(&self, reason: String, at_most: Duration) {
        *lock(&self.reason) = (reason.into(), at_most);
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reason, at_most) = &*lock(&self.reason);
        let age = self.age();
        let (age, at_most) = (InWords(age), InWords(age.max(*at_most)));
        write!(f, "waiting for {} for {age} now, at most {at_most}", self.service)?;
        if let Some(tries) = self.tries {
            write!(f, " or {tries} tries")?;
        }
        write!(f, ": {reason}")
    }
}

impl Board {
    /// Runs a call, and shows it while it takes long.
    pub(super) async fn watch<T>(&self, call: &Arc<Call>, run: impl Future<Output = T>) -> T {
        let mut run = pin!(run);
        let mut due = call.began + SILENT;
        let mut place = None;
        loop {
            select! {
                biased;
                result = &mut run => return result,
                () = sleep_until(due) => {
                    place.get_or_insert_with(|| Place::take(self.clone(), call.clone()));
                    due = self.renew();
                }
            }
        }
    }

    /// Shows the line anew, unless it is too soon: when it may be renewed next.
    fn renew(&self) -> Instant {
        let mut shown = lock(&self.shown);
        let now = Instant::now();
        if let Some(next) = shown.renewed.map(|renewed| renewed + RENEWED).filter(|next| *next > now) {
            return next;
        }
        if let [first, others @ ..] = &shown.waiting[..] {
            let others = match others.len() {
                0 => String::new(),
                1 => " (and 1 more call)".to_owned(),
                number => format!(" (and {number} more calls)"),
            };
            log::info!(target: STATUS, "{first}{others}");
        }
        shown.renewed = Some(now);
        now + RENEWED
    }
}

/// A call's place among those that are shown, until it is dropped.
struct Place(Board, Arc<Call>);

impl Place {
    fn take(board: Board, call: Arc<Call>) -> Self {
        lock(&board.shown).waiting.push(call.clone());
        Self(board, call)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shown = lock(&self.0.shown);
        shown.waiting.retain(|call| !Arc::ptr_eq(call, &self.1));
        if shown.waiting.is_empty() && shown.renewed.take().is_some() {
            log::info!(target: STATUS, "");
        }
    }
}

/// A time for people: seconds up to two minutes, then minutes.
pub(in super::super) struct InWords(pub(in super::super) Duration);

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds => write!(f, "{} min", seconds / 60),
        }
    }
}
