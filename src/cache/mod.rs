//! Answers that are served more than once: to this process from a [`Memory`] and, by choice, tokens to other processes
//! from a [`Folder`].

mod folder;
mod memory;
mod window;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::aws::AuthorizationData;
pub use folder::Folder;
pub use memory::Memory;
pub use window::Window;

/// What ECR returned, and when.
///
/// There is no `Debug`: it holds a token.
#[derive(Clone)]
pub struct Token {
    /// What ECR returned.
    pub data: AuthorizationData,
    /// When: Unix time, seconds.
    got_at: i64,
}

impl Token {
    /// What ECR returned just now.
    pub fn now(data: AuthorizationData) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { data, got_at: now.as_secs().cast_signed() }
    }

    /// When it may be served again; `None`: not any more.
    pub fn window(&self) -> Option<Window> {
        let got_at = UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(self.got_at).ok()?))?;
        let life = self.data.expires_at.checked_sub(self.got_at)?;
        Window::new(got_at, Duration::from_secs(u64::try_from(life).ok()?))
    }
}
