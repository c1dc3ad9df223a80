//! The project's own stand-in for ECR, which gives another token for each request and remembers who asked.

use std::sync::{Arc, mpsc};
use std::thread;

use support::ecr::{Ecr, Recorded};
use tokio::runtime;
use tokio::sync::oneshot;

/// A running stand-in. Dropping it ends it.
pub(crate) struct StandIn {
    ecr: Arc<Ecr>,
    _stop: oneshot::Sender<()>,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let (started, ecr) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let ecr = Arc::new(Ecr::start().await.expect("a free port"));
                started.send(ecr).expect("the test waits");
                // The sender is only ever dropped.
                let _: Result<(), _> = stopped.await;
            });
        });
        Self { ecr: ecr.recv().expect("the stand-in starts"), _stop: stop }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.ecr.url()
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.ecr.requests()
    }

    /// How often the credentials of a registry were asked for.
    pub(crate) fn requests_for(&self, registry_id: &str) -> usize {
        self.requests().iter().filter(|request| request.registry_ids == [registry_id]).count()
    }
}
