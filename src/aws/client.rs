use std::{fmt, sync::Arc, time::Instant};

use tokio::sync::Mutex as AsyncMutex;

use super::{
    Caller, Configuration, Error, Identity, IgnoreTags, credentials, ecr, patience::Patience, region, session::Session,
    settings,
};

/// Calls AWS as one provider configuration says. Nothing is looked up, read or called before the first request. What
/// was found then is kept until its credentials expire; after that, and after a failure, all of it is looked up anew.
pub struct Client {
    configuration: Arc<Configuration>,
    resolved: AsyncMutex<Resolved>,
}

/// What the configuration led to, as far as it was asked for.
#[derive(Default)]
struct Resolved {
    session: Option<Arc<Session>>,
    /// What calls know of each other, which outlasts a session.
    patience: Option<Arc<Patience>>,
    caller: Option<Caller>,
    /// That of the instance, if nothing else names one.
    region: Option<String>,
    /// When credentials were looked up in vain, and why.
    failure: Option<(Instant, Error)>,
}

/// Without secrets.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("configuration", &self.configuration).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `configuration`.
    pub fn new(configuration: Configuration) -> Self {
        Self { configuration: Arc::new(configuration), resolved: AsyncMutex::default() }
    }

    /// The tags of resources that are not to be returned.
    pub fn ignored_tags(&self) -> IgnoreTags {
        settings::ignored_tags(&self.configuration)
    }

    /// The Region of calls that name none: the configuration's, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, and
    /// that of the instance if credentials come from there.
    ///
    /// # Errors
    ///
    /// [`Error::NoRegion`], and those of settings and shared files that are of no use.
    pub async fn region(&self) -> Result<String, Error> {
        if let Some(region) = self.configuration.region.as_ref().filter(|region| region::is_well_formed(region)) {
            region::tell(region, &self.configuration.namespace.key("region"));
            return Ok(region.clone());
        }
        let mut resolved = self.resolved.lock().await;
        let region = resolved.region(&self.configuration).await;
        if region.is_err() {
            resolved.forget();
        }
        region
    }

    /// Who asks in `region`. The credentials are looked up once and kept until they expire.
    ///
    /// # Errors
    ///
    /// What keeps the sources of credentials from having any, and a Region that is none.
    pub async fn caller(&self, region: &str) -> Result<Caller, Error> {
        let asked = Instant::now();
        let caller = self.resolved.lock().await.caller(&self.configuration, region, asked).await?;
        if let Some(role) = &caller.found.role {
            region::check_partition(role, region)?;
        }
        Ok(caller)
    }

    /// Checks that `region` can be one.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRegion`], and what keeps the settings from being read.
    pub async fn check_region(&self, region: &str) -> Result<(), Error> {
        self.resolved.lock().await.session(&self.configuration).await?.check_region(region)
    }

    /// Tells how a call in `region` would be made, and makes none.
    ///
    /// # Errors
    ///
    /// Those that come before a call.
    pub async fn rehearse(&self, region: &str) -> Result<(), Error> {
        let session = self.resolved.lock().await.session(&self.configuration).await?;
        session.check_region(region)?;
        credentials::rehearse(&session).await?;
        ecr::rehearse(&session, region).await
    }

    /// Whose the credentials are that were found, if any were: one call of AWS STS.
    ///
    /// # Errors
    ///
    /// What keeps STS from answering.
    pub async fn identity(&self, region: &str) -> Option<Result<Identity, Error>> {
        let caller = self.resolved.lock().await.caller.clone()?;
        Some(credentials::identity(&caller.session, &caller.found, region).await)
    }

    /// Has `caller` looked up anew: AWS does not take its credentials.
    pub(super) async fn forget(&self, caller: &Caller) {
        self.resolved.lock().await.forget_caller(caller);
    }
}

impl Resolved {
    async fn session(&mut self, configuration: &Arc<Configuration>) -> Result<Arc<Session>, Error> {
        if self.caller.as_ref().is_some_and(|caller| !caller.is_fresh()) {
            self.forget();
        }
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        let session = Arc::new(Session::open(configuration.clone(), self.patience.clone()).await?);
        self.patience = Some(session.patience.clone());
        Ok(self.session.insert(session).clone())
    }

    async fn region(&mut self, configuration: &Arc<Configuration>) -> Result<String, Error> {
        let session = self.session(configuration).await?;
        match session.region() {
            Err(error @ Error::NoRegion { .. }) => {
                if self.region.is_none() {
                    self.region = credentials::region_of_instance(&session).await;
                    self.region.iter().for_each(|region| region::tell(region, "the instance metadata service"));
                }
                self.region.clone().ok_or(error)
            }
            Ok(region) => session.check_region(&region).map(|()| region),
            Err(error) => Err(error),
        }
    }

    /// Who calls, for a call that `asked` then: if credentials were looked up in vain since then, it waited for that.
    async fn caller(
        &mut self,
        configuration: &Arc<Configuration>,
        region: &str,
        asked: Instant,
    ) -> Result<Caller, Error> {
        if let Some((_, error)) = self.failure.as_ref().filter(|(when, _)| asked < *when) {
            return Err(error.clone());
        }
        let session = self.session(configuration).await?;
        session.check_region(region)?;
        if let Some(caller) = &self.caller {
            return Ok(caller.clone());
        }
        // A call holds this for each of its tries, and it is large.
        match Box::pin(credentials::find(&session, region)).await {
            Ok(found) => Ok(self.caller.insert(Caller { found, session }).clone()),
            Err(error) => {
                self.forget();
                self.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Forgets what `caller` was made from, unless that was looked up anew meanwhile.
    fn forget_caller(&mut self, caller: &Caller) {
        if self.session.as_ref().is_some_and(|session| Arc::ptr_eq(session, &caller.session)) {
            self.forget();
        }
    }

    fn forget(&mut self) {
        *self = Self { patience: self.patience.take(), ..Self::default() };
    }
}
