//! The project's own stand-ins, while a test waits for a program. That for ECR gives another token for each request and
//! remembers who asked.

use std::future::Future;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, mpsc};
use std::thread;

use serde_json::Value;
use support::ecr::{Answer, Ecr, Recorded};
use tokio::runtime;
use tokio::sync::oneshot;

/// A running stand-in. Dropping it ends it.
pub(crate) struct StandIn(Background<Ecr>);

impl StandIn {
    pub(crate) fn start() -> Self {
        Self(Background::start(Ecr::start))
    }

    pub(crate) fn endpoint(&self) -> String {
        self.0.url()
    }

    /// See [`Ecr::hold`].
    pub(crate) fn hold(&self, kind: &'static str, thing: Value) {
        self.0.hold(kind, thing);
    }

    /// See [`Ecr::ask_first`].
    pub(crate) fn ask_first(&self, other: impl Fn(&Recorded) -> Option<Value> + Send + Sync + 'static) {
        self.0.ask_first(other);
    }

    /// Throttles the next calls.
    pub(crate) fn throttle_next(&self, calls: usize) {
        (0..calls).for_each(|_| self.0.answer_next(Answer::Error(400, "ThrottlingException", "Rate exceeded")));
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.0.requests()
    }

    /// How often the credentials of a registry were asked for.
    pub(crate) fn requests_for(&self, registry_id: &str) -> usize {
        self.requests().iter().filter(|request| request.registry_ids == [registry_id]).count()
    }
}

/// A service that runs in a thread of its own. Dropping it ends it.
pub(crate) struct Background<T> {
    service: Arc<T>,
    _stop: oneshot::Sender<()>,
}

impl<T: Send + Sync + 'static> Background<T> {
    pub(crate) fn start<F>(start: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<T>>,
    {
        let (started, service) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let service = Arc::new(start().await.expect("a free port"));
                started.send(service).expect("the test waits");
                // The sender is only ever dropped.
                let _: Result<(), _> = stopped.await;
            });
        });
        Self { service: service.recv().expect("the stand-in starts"), _stop: stop }
    }
}

impl<T> Deref for Background<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.service
    }
}
