use std::{sync::Mutex, time::Duration};

use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, sleep_until},
};

use super::lock;

/// The calls a second after the first one was throttled. What the service holds back meanwhile is not lost: the rate
/// grows until it is used up.
const FIRST_RATE: f64 = 8.0;
/// So few are still tried when the service takes none.
const LEAST_RATE: f64 = 0.2;
/// What each call that is taken adds while the rate that the service takes is not known ...
const SEARCH: f64 = 1.0;
/// ... and when it is: then a few calls in a hundred are throttled, which tells that it is still the same.
const PROBE: f64 = 0.1;
/// The calls from which a rate can be told.
const ENOUGH: f64 = 5.0;
/// How long the service has to take all calls until they are not paced any more, and how many of them.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);
/// Timers are late; up to so much is made up for.
const SLACK: Duration = Duration::from_millis(100);
/// How often the call whose turn is next looks whether the rate has changed.
const LOOK: Duration = Duration::from_millis(250);

/// Lets the calls of one program to one service go at the rate at which it takes them. Nothing is paced until a call was
/// throttled, and calls go in the order in which they came.
///
/// A service that throttles holds an allowance that refills at a steady rate. It was empty when a call was throttled; when
/// the next one is, the calls taken in between are what was refilled, which is the rate.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Held by the call whose turn is next.
    turn: AsyncMutex<()>,
    limit: Mutex<Option<Limit>>,
}

#[derive(Debug)]
struct Limit {
    /// Calls a second.
    rate: f64,
    /// When the last call should have gone.
    last: Instant,
    /// When the allowance was empty, and how many calls were taken since then.
    since: Instant,
    taken: u32,
    /// When the rate was last lowered.
    lowered: Instant,
    /// What each call that is taken adds to the rate.
    growth: f64,
    /// Whether the service took none at all when the rate was last lowered: then it tells nothing of what it takes later.
    is_outage: bool,
}

impl Pace {
    /// Waits until a call may go.
    pub(super) async fn turn(&self) {
        if self.due().is_none() {
            return;
        }
        let _turn = self.turn.lock().await;
        while let Some(due) = self.due() {
            let now = Instant::now();
            if due <= now {
                return self.go(due.max(now - SLACK));
            }
            sleep_until(due.min(now + LOOK)).await;
        }
    }

    /// When the next call may go; `None`: at once.
    fn due(&self) -> Option<Instant> {
        let mut limit = lock(&self.limit);
        limit.take_if(|limit| limit.is_forgotten());
        limit.as_ref().map(|limit| limit.last + Duration::from_secs_f64(1.0 / limit.rate))
    }

    fn go(&self, due: Instant) {
        if let Some(limit) = &mut *lock(&self.limit) {
            limit.last = due;
        }
    }

    /// The service took a call.
    pub(super) fn taken(&self) {
        if let Some(limit) = &mut *lock(&self.limit) {
            limit.taken();
        }
    }

    /// The service throttled a call that was sent at `sent`.
    pub(super) fn throttled(&self, sent: Instant) {
        match &mut *lock(&self.limit) {
            Some(limit) => limit.throttled(sent),
            none => *none = Some(Limit::new()),
        }
    }
}

impl Limit {
    fn new() -> Self {
        let now = Instant::now();
        Self { rate: FIRST_RATE, last: now, since: now, taken: 0, lowered: now, growth: SEARCH, is_outage: false }
    }

    fn taken(&mut self) {
        self.taken += 1;
        self.rate += self.growth;
        if std::mem::take(&mut self.is_outage) {
            self.rate = self.rate.max(FIRST_RATE);
        }
    }

    fn throttled(&mut self, sent: Instant) {
        let now = Instant::now();
        // Of calls that went together, the first one tells.
        if sent < self.lowered || (now - self.lowered).as_secs_f64() * self.rate < ENOUGH {
            return;
        }
        self.lowered = now;
        let taken = f64::from(self.taken);
        self.is_outage = self.taken == 0;
        if taken < ENOUGH {
            self.rate = (self.rate / 2.0).max(LEAST_RATE);
            self.growth = if self.is_outage { SEARCH } else { PROBE };
        } else {
            self.rate = (taken / (now - self.since).as_secs_f64()).max(LEAST_RATE);
            self.growth = PROBE;
            (self.since, self.taken) = (now, 0);
        }
    }

    fn is_forgotten(&self) -> bool {
        self.lowered.elapsed() > FORGOTTEN_AFTER.max(Duration::from_secs_f64(2.0 * ENOUGH / self.rate))
    }
}
