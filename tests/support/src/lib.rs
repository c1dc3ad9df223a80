//! What the tests and the demo share.

#![forbid(unsafe_code)]

pub mod ecr;
mod ecr_holdings;
pub mod engine;
pub mod faults;
pub mod gate;
pub mod http;
mod http2;
pub mod listener;
pub mod moto;
pub mod plugin;
pub mod proxy;
mod signature;
pub mod soak;
pub mod sts;
pub mod tls;
pub mod values;

use std::{future::Future, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// How long anything in a test may take before the test gives up. Long, since machines are busy; nothing waits for it
/// unless it fails.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Waits for `future`, and panics with `what` when it takes longer than [`DEADLINE`].
pub async fn within_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {DEADLINE:?}"),
    }
}

/// The forms in which a secret can leak: plain, as base64 and for a URL.
pub fn forms(text: &str) -> [String; 3] {
    [text.to_owned(), BASE64_STANDARD.encode(text), url_encoded(text)]
}

fn url_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_secret_has_three_forms() {
        assert_eq!(super::forms("a/b"), ["a/b", "YS9i", "a%2Fb"]);
    }
}
