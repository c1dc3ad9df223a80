//! Patience: what passes is waited out, what does not pass ends at once. The SDK's own retries are off; every call to
//! every service goes through [`Patience::call`].

mod bucket;
mod history;
mod kind;
mod pace;
mod rules;
#[cfg(test)]
mod tests;
mod waiting;

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    select,
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, sleep_until},
};

use super::Error;
use bucket::Bucket;
pub use history::History;
use history::LONGEST;
pub(super) use kind::Failure;
pub use kind::Kind;
use pace::Pace;
pub(super) use rules::Rules;
pub(super) use waiting::InWords;
use waiting::{Board, Call};

/// Tries of one service in flight at the same time; there are hardly more connections. At a latency of 50 ms these are 640 calls a
/// second, more than the 500 that AWS allows an account in a Region: with more, the rest would only be throttled.
const MAX_CONCURRENT_TRIES: usize = 32;

/// The operations of which something is known at most, but for those that are being called: each Region has its own.
const MAX_OPERATIONS: usize = 256;

/// How calls are tried, and what they know of each other.
#[derive(Debug)]
pub(super) struct Patience {
    rules: Rules,
    operations: Mutex<HashMap<(String, &'static str), Arc<Operation>>>,
    board: Board,
}

/// What the calls of one operation share: services throttle each of theirs by itself.
#[derive(Debug)]
struct Operation {
    /// How many tries more may be in flight.
    tries: Semaphore,
    /// When a call was last taken.
    taken: Mutex<Option<Instant>>,
    pace: Option<Pace>,
    bucket: Option<Arc<Bucket>>,
}

impl Patience {
    /// Patience as the user set it.
    pub(super) fn new(rules: Rules) -> Self {
        let (operations, board) = (Mutex::default(), Board::default());
        Self { rules, operations, board }
    }

    /// How calls are tried.
    pub(super) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Calls an operation of a service, for example of `Amazon ECR in eu-west-1`, and waits out what passes. Whoever drops the
    /// future ends any wait.
    ///
    /// # Errors
    ///
    /// That of the last try.
    pub(super) async fn call<T, F>(
        &self,
        service: &str,
        operation: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let call = Call::new(service, self.rules.tries);
        let shared = self.operation(service, operation);
        self.board.watch(&call, self.tries(&call, &shared, attempt)).await
    }

    async fn tries<T, F>(&self, call: &Call, operation: &Operation, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut history = History::new(self.rules.tries.is_some());
        let mut cost = None;
        // How long it waited for turns while others were taken.
        let mut spared = Duration::ZERO;
        let mut failed = call.began();
        loop {
            let queued = Instant::now();
            let permit = operation.turn(call).await;
            let sent = Instant::now();
            spared += operation.taken().map_or(queued, |taken| taken.clamp(queued, sent)) - queued;
            if history.failures() == 0 {
                call.is_asked(call.age() + history.end());
            }
            let result = attempt().await;
            drop(permit);
            let others_are_taken = operation.pace.is_some() && operation.taken().is_some_and(|taken| taken > failed);
            operation.learn(&result, sent);
            let failure = match result {
                Ok(value) => {
                    operation.bucket.iter().for_each(|bucket| bucket.put_back(cost));
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            failed = Instant::now();
            let at = (sent - call.began()).saturating_sub(spared)..(failed - call.began()).saturating_sub(spared);
            let wait = history.next_wait(failure.kind, at, others_are_taken, failure.retry_after, fastrand::f64());
            let wait = wait.filter(|_| self.rules.allow(failure.kind, history.failures()));
            let paid = wait.and_then(|wait| Some((wait, operation.pay(failure.kind)?)));
            let error = match failure.kind {
                // What was waited out before has nothing to do with a no.
                Kind::Refused | Kind::Clock => failure.error,
                _ => failure.error.after(history.failures(), call.age()),
            };
            let Some((wait, paid)) = paid else { return Err(error) };
            cost = paid;
            log::debug!(
                "{}: try {} failed, and the next is in {:.1} s: {error}",
                call.service(),
                history.failures(),
                wait.as_secs_f64()
            );
            call.because(error.to_string(), history.end() + spared);
            sleep(wait).await;
        }
    }

    fn operation(&self, service: &str, name: &'static str) -> Arc<Operation> {
        let new = || Operation {
            tries: Semaphore::new(MAX_CONCURRENT_TRIES),
            taken: Mutex::default(),
            pace: self.rules.is_paced.then(Pace::default),
            bucket: self.rules.capacity.map(Bucket::new),
        };
        let mut operations = lock(&self.operations);
        if operations.len() >= MAX_OPERATIONS {
            operations.retain(|_, operation| Arc::strong_count(operation) > 1);
        }
        operations.entry((service.to_owned(), name)).or_insert_with(|| Arc::new(new())).clone()
    }
}

impl Operation {
    /// Waits until a try may go. Where none is taken for as long as anything is waited out, nobody waits for a turn any
    /// more, but for room alone: the try will be the last one.
    async fn turn(&self, call: &Call) -> Option<SemaphorePermit<'_>> {
        // Nothing closes the semaphore.
        let room = async || self.tries.acquire().await.ok();
        {
            let mut turn = pin!(async {
                let permit = room().await;
                if let Some(pace) = &self.pace {
                    pace.turn().await;
                }
                permit
            });
            loop {
                let end = call.began().max(self.taken().unwrap_or(call.began())) + LONGEST;
                select! {
                    biased;
                    permit = &mut turn => return permit,
                    () = sleep_until(end) => {}
                }
                if self.taken().is_none_or(|taken| taken + LONGEST <= end) {
                    break;
                }
            }
        }
        room().await
    }

    /// When a call was last taken.
    fn taken(&self) -> Option<Instant> {
        *lock(&self.taken)
    }

    /// Takes in how a try ended that was sent at `sent`.
    fn learn<T>(&self, result: &Result<T, Failure>, sent: Instant) {
        let kind = result.as_ref().map_err(|failure| failure.kind).err();
        let is_taken = matches!(kind, None | Some(Kind::Refused | Kind::Clock));
        if is_taken {
            *lock(&self.taken) = Some(Instant::now());
        }
        match &self.pace {
            Some(pace) if is_taken => pace.taken(),
            Some(pace) if kind == Some(Kind::Throttled) => pace.throttled(sent),
            _ => {}
        }
    }

    /// Pays for another try: what it cost; the outer `None`: it cannot be paid.
    fn pay(&self, kind: Kind) -> Option<Option<u32>> {
        match &self.bucket {
            Some(bucket) => bucket.take(kind).map(Some),
            None => Some(None),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock was held cannot leave these values half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
