//! What calls of all services have in common.

use std::{
    error,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Caller, Client, Error, answer, bounded_answers, credentials, patience::Failure, region};
use crate::memory::{self, Reservation};

/// The most entries that AWS returns at once.
pub(super) const PAGE: i32 = 1000;

/// The most pages that are read, each of [`PAGE`] entries: twice the images that AWS's quota lets a repository have. Of images
/// there is an entry for each tag.
pub(super) const MOST_PAGES: usize = 200;

/// How much is kept of all pages together, in bytes: a hundred thousand ids of images have 13 MB.
const MOST_BYTES: usize = 16 << 20;

/// How much is reserved for a page, in bytes, while no try is under way that would run out of time: the ids of a thousand images
/// have half of it.
const PAGE_BYTES: usize = 256 * 1024;

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
            true => &bounded_answers::apart(self.client.caller(&self.region)).await?,
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

/// Sends a request for a list, page by page, of which a [`List`] is made. `$entries` is the field that holds a page's; `$most` is
/// the most pages that are read.
macro_rules! send_pages {
    ($place:expr, $sdk:ident, $action:expr, $request:expr, $entries:ident) => {
        $crate::aws::call::send_pages!($place, $sdk, $action, $request, $entries, $crate::aws::call::MOST_PAGES)
    };
    ($place:expr, $sdk:ident, $action:expr, $request:expr, $entries:ident, $most:expr) => {{
        let (place, request) = (&$place, $request);
        let page = move |token| {
            let request = request.clone().set_next_token(token);
            async move {
                let page = $crate::aws::call::send!(*place, $sdk, $action, request).await?;
                Ok((page.$entries, page.next_token))
            }
        };
        $crate::aws::call::pages(page, $most)
    }};
}
pub(super) use send_pages;

/// What is kept of the pages of a list.
pub(super) trait List<T>: Default {
    /// Takes the entries of a page, which came in so many bytes. How many bytes of memory they take as far as they are kept.
    fn add(&mut self, entries: Vec<T>, bytes: usize) -> usize;
}

/// All entries, in order.
impl<T> List<T> for Vec<T> {
    fn add(&mut self, entries: Self, bytes: usize) -> usize {
        let in_memory = entries.len() * size_of::<T>();
        self.extend(entries);
        bytes.max(in_memory)
    }
}

/// `page` returns the entries behind a token, and the token of the next ones. The SDK's paginator would do, but that it
/// ends at an error and knows no other credentials, so that neither patience nor new keys could be had within a list.
pub(super) async fn pages<A: List<T>, T, F>(page: impl Fn(Option<String>) -> F, most: usize) -> Result<A, Error>
where
    F: Future<Output = Result<(Option<Vec<T>>, Option<String>), Error>>,
{
    let (began, mut all, mut token) = (Instant::now(), A::default(), None);
    let (mut count, mut kept, mut longest) = (0, 0, PAGE_BYTES);
    let mut reservation = Reservation::of_page();
    for _ in 0..most {
        reservation.reserve(kept + longest).await;
        let (answer, bytes) = bounded_answers::measured(&mut reservation, kept, page(token.clone())).await;
        let (entries, next) = answer?;
        let entries = entries.unwrap_or_default();
        longest = longest.max(bytes);
        count += entries.len();
        kept += all.add(entries, bytes);
        match next.filter(|next| !next.is_empty()) {
            None => {
                reservation.reserve(kept).await;
                reservation.end(kept);
                memory::keep(Arc::new(reservation));
                return Ok(all);
            }
            Some(_) if kept > MOST_BYTES => break,
            Some(_) if count >= most * PAGE as usize || began.elapsed() > LONGEST => break,
            Some(next) => {
                if token.is_none() {
                    let mut of_list = Reservation::of_list().await;
                    of_list.reserve(kept + longest).await;
                    reservation = of_list;
                }
                token = Some(next);
            }
        }
    }
    Err(Error::EndlessList(count))
}
