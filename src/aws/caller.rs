use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{credentials::Found, session::Session};

/// Credentials that expire sooner than this are looked up again.
const EXPIRY_WINDOW: Duration = Duration::from_secs(60);

/// Who calls ECR, and where: all that decides about an answer besides what is asked.
///
/// There is no `Debug`: it holds keys.
#[derive(Clone)]
pub struct Caller {
    pub(super) found: Found,
    pub(super) session: Arc<Session>,
}

impl Caller {
    /// Whether the credentials can be used for a while.
    pub(super) fn is_fresh(&self) -> bool {
        self.found.credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + EXPIRY_WINDOW)
    }

    /// What tells this caller from all others. Temporary credentials have an access key id of their own, so each
    /// session of a role is another caller.
    pub fn identity(&self) -> impl Iterator<Item = &str> {
        let credentials = &self.found.credentials;
        let account = credentials.account_id().map_or("", |account| account.as_str());
        let endpoint = self.session.ecr_endpoint.as_deref().unwrap_or_default();
        [credentials.access_key_id(), account, endpoint].into_iter()
    }
}
