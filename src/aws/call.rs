//! What calls of all services have in common.

use std::{
    error,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Caller, Client, Error, answer, credentials, patience::Failure, region};

/// The most entries that AWS returns at once.
pub(super) const PAGE: i32 = 1000;

/// The most pages that are read, and the most entries: twice the images that AWS's quota lets a repository have. Of images there
/// is an entry for each tag.
const MOST_PAGES: usize = 200;
const MOST_ENTRIES: usize = MOST_PAGES * PAGE as usize;

/// How long all pages may take: each may have to be waited for.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// A service in a Region, and who calls it.
pub(super) struct Place {
    client: Arc<Client>,
    /// The service and the Region, for people.
    name: String,
    region: String,
    /// Who calls.
    pub(super) caller: Caller,
    /// Whether the credentials were fresh when the call began.
    was_fresh: bool,
}

/// Sends a request that was built with the crate `$sdk`, whose requests share no trait with those of others; `$action` is the
/// permission that it needs.
macro_rules! send {
    ($place:expr, $sdk:ident, $action:expr, $request:expr) => {{
        let (place, request) = (&$place, $request);
        let attempt = move || {
            let request = request.clone();
            async move {
                let keys = place.credentials().await?;
                let config = $sdk::config::Builder::new().credentials_provider(keys.clone());
                let answer = request.customize().config_override(config).send().await;
                answer.map_err(|error| place.meaning(&error, &keys))
            }
        };
        place.answer($action, attempt)
    }};
}
pub(super) use send;

impl Place {
    /// # Errors
    ///
    /// See [`Client::caller`].
    pub(super) async fn new(client: &Arc<Client>, service: &str, region: &str) -> Result<Self, Error> {
        let caller = client.caller(region).await?;
        let (name, was_fresh) = (format!("{service} in {region}"), caller.is_fresh());
        Ok(Self { client: client.clone(), name, region: region.to_owned(), caller, was_fresh })
    }

    /// Those that sign a try: others than at first if they came to their end while the call waited.
    ///
    /// # Errors
    ///
    /// See [`Client::caller`].
    pub(super) async fn credentials(&self) -> Result<Credentials, Error> {
        let caller = match self.was_fresh && !self.caller.is_fresh() {
            true => &self.client.caller(&self.region).await?,
            false => &self.caller,
        };
        Ok(caller.found.credentials.clone())
    }

    /// The partition of AWS that is called.
    pub(super) fn partition(&self) -> &'static str {
        region::partition(&self.region)
    }

    /// What AWS answers to a call that needs the permission `action`.
    pub(super) async fn answer<T, F>(&self, action: &'static str, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let answer = self.caller.session.patience.call(&self.name, action, attempt).await;
        if let Err(Error::ExpiredCredentials(_) | Error::InvalidCredentials(_)) = answer {
            self.client.forget(&self.caller).await;
        }
        answer.map_err(|error| error.needing(action).in_region(&self.region))
    }

    /// What kept one try, signed with `keys`, from its answer.
    pub(super) fn meaning<E>(&self, error: &SdkError<E, HttpResponse>, keys: &Credentials) -> Failure
    where
        E: ProvideErrorMetadata + error::Error + 'static,
    {
        answer::meaning(error, &self.name, &credentials::secrets(keys))
    }
}

/// Sends a request for a list, page by page: the entries of all pages, in order, or what `$add` makes of them. `$entries` is the
/// field that holds them.
macro_rules! send_pages {
    ($place:expr, $sdk:ident, $action:expr, $request:expr, $entries:ident) => {
        $crate::aws::call::send_pages!($place, $sdk, $action, $request, $entries, Vec::extend)
    };
    ($place:expr, $sdk:ident, $action:expr, $request:expr, $entries:ident, $add:expr) => {{
        let (place, request) = (&$place, $request);
        let page = move |token| {
            let request = request.clone().set_next_token(token);
            async move {
                let page = $crate::aws::call::send!(*place, $sdk, $action, request).await?;
                Ok((page.$entries, page.next_token))
            }
        };
        $crate::aws::call::pages(page, $add)
    }};
}
pub(super) use send_pages;

/// `page` returns the entries behind a token, and the token of the next ones. The SDK's paginator would do, but that it
/// ends at an error and knows no other credentials, so that neither patience nor new keys could be had within a list.
pub(super) async fn pages<A: Default, T, F>(
    mut page: impl FnMut(Option<String>) -> F,
    mut add: impl FnMut(&mut A, Vec<T>),
) -> Result<A, Error>
where
    F: Future<Output = Result<(Option<Vec<T>>, Option<String>), Error>>,
{
    let (began, mut all, mut count, mut token) = (Instant::now(), A::default(), 0, None);
    for _ in 0..MOST_PAGES {
        let (entries, next) = page(token).await?;
        let entries = entries.unwrap_or_default();
        count += entries.len();
        add(&mut all, entries);
        match next.filter(|next| !next.is_empty()) {
            Some(_) if count >= MOST_ENTRIES || began.elapsed() > LONGEST => break,
            Some(next) => token = Some(next),
            None => return Ok(all),
        }
    }
    Err(Error::EndlessList(count))
}
