use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_config::Region;
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, OnceCell, Semaphore},
    task::spawn_blocking,
};

use super::{
    AuthorizationData, Caller, Configuration, Error, answer, credentials, interceptors::Tries, region,
    session::Session, validity,
};

/// Calls in flight at the same time, each with a connection of its own. At a latency of 50 ms these are 640 calls a
/// second, more than the 500 that AWS allows an account in a Region: with more, the rest would only be throttled.
const MAX_CONCURRENT_CALLS: usize = 32;

/// Calls AWS as one provider configuration says. Nothing is looked up, read or called before the first request; what
/// was found then is kept until it expires, failures are not.
pub struct Client {
    configuration: Arc<Configuration>,
    session: OnceCell<Session>,
    caller: AsyncMutex<Option<Caller>>,
    ecr: Mutex<HashMap<String, aws_sdk_ecr::Client>>,
    calls: Semaphore,
}

/// Without secrets.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("configuration", &self.configuration).finish_non_exhaustive()
    }
}

/// A registry and where to ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Registry {
    /// The 12 digits of the AWS account that owns it.
    pub id: String,
    /// The Region, for example `eu-west-1`.
    pub region: String,
}

impl Client {
    /// A client for `configuration`.
    pub fn new(configuration: Configuration) -> Self {
        Self {
            configuration: Arc::new(configuration),
            session: OnceCell::new(),
            caller: AsyncMutex::default(),
            ecr: Mutex::default(),
            calls: Semaphore::new(MAX_CONCURRENT_CALLS),
        }
    }

    /// The Region of calls that name none: the configuration's, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's.
    /// The instance metadata service is not asked.
    ///
    /// # Errors
    ///
    /// [`Error::NoRegion`], and those of shared files that cannot be read.
    pub async fn region(&self) -> Result<String, Error> {
        match &self.configuration.region {
            Some(region) => Ok(region.clone()),
            None => self.session().await?.region(),
        }
    }

    /// Who asks for tokens in `region`. The credentials are looked up once and kept until they expire.
    ///
    /// # Errors
    ///
    /// What keeps the sources of credentials from having any, and a Region that is none.
    pub async fn caller(&self, region: &str) -> Result<Caller, Error> {
        if !validity::is_region(region, &self.configuration) {
            return Err(Error::InvalidRegion(region.to_owned()));
        }
        let session = self.session().await?;
        let mut known = self.caller.lock().await;
        let caller = match known.as_ref().filter(|caller| caller.is_fresh()) {
            Some(caller) => caller,
            None => {
                let found = credentials::find(session, region).await?;
                known.insert(Caller { found, endpoint: session.ecr_endpoint() })
            }
        };
        if let Some(role) = &caller.found.role {
            region::check_partition(role, region)?;
        }
        Ok(caller.clone())
    }

    /// Asks ECR for an authorization token (GetAuthorizationToken).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering, and an answer without a token.
    pub async fn authorization_data(&self, registry: &Registry, caller: &Caller) -> Result<AuthorizationData, Error> {
        let region = registry.region.as_str();
        let ecr = self.ecr(self.session().await?, region);
        // Nothing closes the semaphore.
        let _permit = self.calls.acquire().await;
        match get_authorization_token(&ecr, registry, caller).await {
            Err(error @ (Error::ExpiredCredentials(_) | Error::InvalidCredentials(_))) => {
                *self.caller.lock().await = None;
                Err(error.in_region(region))
            }
            result => result,
        }
    }

    async fn session(&self) -> Result<&Session, Error> {
        self.session
            .get_or_try_init(|| async {
                // Files can block, on a file system of a network for example: not this thread, which serves the engine.
                let (runtime, configuration) = (Handle::current(), self.configuration.clone());
                let opened = spawn_blocking(move || runtime.block_on(Session::open(configuration))).await;
                opened.unwrap_or_else(|error| Err(Error::Other(error.to_string())))
            })
            .await
    }

    fn ecr(&self, session: &Session, region: &str) -> aws_sdk_ecr::Client {
        let mut clients = self.ecr.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            aws_sdk_ecr::Client::from_conf(session.ecr().region(Region::new(region.to_owned())).build())
        });
        client.clone()
    }
}

async fn get_authorization_token(
    ecr: &aws_sdk_ecr::Client,
    registry: &Registry,
    caller: &Caller,
) -> Result<AuthorizationData, Error> {
    let tries = Tries::default();
    let request = ecr.get_authorization_token();
    // AWS calls registryIds deprecated, yet they decide the proxyEndpoint: without them it is the caller's own.
    #[allow(deprecated)]
    let request = request.registry_ids(&registry.id);
    let request = request
        .customize()
        .interceptor(tries.clone())
        .config_override(aws_sdk_ecr::config::Builder::new().credentials_provider(caller.found.credentials.clone()));
    let service = format!("Amazon ECR in {}", registry.region);
    let secrets = credentials::secrets(&caller.found.credentials);
    let output = request.send().await;
    let output = output.map_err(|error| answer::meaning(&error, &service, tries.count(), &secrets))?;
    let data = output.authorization_data.unwrap_or_default().into_iter().next();
    let data = data.ok_or(Error::Incomplete("no authorization data"))?;
    AuthorizationData::new(
        data.authorization_token.ok_or(Error::Incomplete("no authorization token"))?,
        data.expires_at.ok_or(Error::Incomplete("no time at which the token expires"))?.secs(),
        data.proxy_endpoint.ok_or(Error::Incomplete("no proxy endpoint"))?,
    )
}
