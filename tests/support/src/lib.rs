//! What the tests and the demo share.

#![forbid(unsafe_code)]

pub mod ecr;
pub mod engine;
pub mod http;
pub mod moto;
pub mod plugin;
pub mod proxy;
pub mod sts;
pub mod tls;
pub mod values;

use std::{future::Future, time::Duration};

/// How long anything in a test may take before the test gives up. Long, since machines are busy; nothing waits for it
/// unless it fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for `future`, and panics with `what` when it takes longer than [`DEADLINE`].
pub async fn within_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {DEADLINE:?}"),
    }
}
