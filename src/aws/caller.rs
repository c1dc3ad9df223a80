use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{credentials::Found, session::Session};

/// Credentials that expire sooner than this are looked up again.
const EXPIRY_WINDOW: Duration = Duration::from_secs(60);

/// Who calls AWS, and where: all that decides about an answer besides what is asked.
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
        let endpoints = [&self.session.ecr_endpoint, &self.session.ecr_public_endpoint];
        let [endpoint, public_endpoint] = endpoints.map(|endpoint| endpoint.as_deref().unwrap_or_default());
        let sdk = &self.session.sdk;
        let [fips, dual_stack] = [("fips", sdk.use_fips()), ("dual-stack", sdk.use_dual_stack())]
            .map(|(kind, used)| if used == Some(true) { kind } else { "" });
        [credentials.access_key_id(), account, endpoint, public_endpoint, fips, dual_stack].into_iter()
    }
}
