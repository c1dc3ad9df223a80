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
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::Error;
use bucket::Bucket;
pub use history::History;
pub(super) use kind::Failure;
pub use kind::Kind;
use pace::Pace;
pub(super) use rules::Rules;
pub(super) use waiting::InWords;
use waiting::{Board, Call};

/// Tries of one service in flight at the same time; there are hardly more connections. At a latency of 50 ms these are 640 calls a
/// second, more than the 500 that AWS allows an account in a Region: with more, the rest would only be throttled.
const MAX_CONCURRENT_TRIES: usize = 32;

/// How calls are tried, and what they know of each other.
#[derive(Debug)]
pub(super) struct Patience {
    rules: Rules,
    services: Mutex<HashMap<String, Arc<Service>>>,
    board: Board,
}

/// What the calls to one service share.
#[derive(Debug)]
struct Service {
    /// How many tries more may be in flight.
    tries: Semaphore,
    pace: Option<Pace>,
    bucket: Option<Arc<Bucket>>,
}

impl Patience {
    /// Patience as the user set it.
    pub(super) fn new(rules: Rules) -> Self {
        let (services, board) = (Mutex::default(), Board::default());
        Self { rules, services, board }
    }

    /// Calls a service, for example `Amazon ECR in eu-west-1`, and waits out what passes. Whoever drops the future ends
    /// any wait.
    ///
    /// # Errors
    ///
    /// That of the last try.
    pub(super) async fn call<T, F>(&self, service: &str, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let call = Call::new(service, History::default().at_most());
        let shared = self.service(service);
        self.board.watch(&call, self.tries(&call, &shared, attempt)).await
    }

    async fn tries<T, F>(&self, call: &Call, service: &Service, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut history = History::new(self.rules.tries.is_some());
        let mut cost = None;
        loop {
            // Nothing closes the semaphore.
            let permit = service.tries.acquire().await;
            if let Some(pace) = &service.pace {
                pace.turn().await;
            }
            let sent = Instant::now();
            let result = attempt().await;
            drop(permit);
            service.learn(&result, sent);
            let failure = match result {
                Ok(value) => {
                    service.bucket.iter().for_each(|bucket| bucket.put_back(cost));
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            let wait = self.wait(call, service, &mut history, &failure);
            let paid = wait.and_then(|wait| Some((wait, service.pay(failure.kind)?)));
            let error = failure.error.after(history.failures(), call.age());
            let Some((wait, paid)) = paid else { return Err(error) };
            cost = paid;
            call.because(error.to_string(), history.at_most());
            sleep(wait).await;
        }
    }

    fn wait(&self, call: &Call, service: &Service, history: &mut History, failure: &Failure) -> Option<Duration> {
        let now = call.age();
        let progress = service.pace.as_ref().and_then(Pace::progress);
        let progress = progress.map(|progress| now.saturating_sub(progress.elapsed()));
        let wait = history.next_wait(failure.kind, now, progress, failure.retry_after, fastrand::f64());
        wait.filter(|_| self.rules.tries.is_none_or(|tries| history.failures() < tries))
    }

    fn service(&self, name: &str) -> Arc<Service> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = services.get(name) {
            return service.clone();
        }
        let service = Arc::new(Service {
            tries: Semaphore::new(MAX_CONCURRENT_TRIES),
            pace: self.rules.is_paced.then(Pace::default),
            bucket: self.rules.capacity.map(Bucket::new),
        });
        services.insert(name.to_owned(), service.clone());
        service
    }
}

impl Service {
    /// Takes in how a try ended that was sent at `sent`.
    fn learn<T>(&self, result: &Result<T, Failure>, sent: Instant) {
        let Some(pace) = &self.pace else { return };
        match result.as_ref().map_err(|failure| failure.kind) {
            Err(Kind::Throttled) => pace.throttled(sent),
            Ok(_) | Err(Kind::Refused) => pace.taken(),
            Err(Kind::Fault | Kind::Network | Kind::Absent) => {}
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
