use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_config::Region;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use super::{
    Configuration, Error, answer,
    credentials::{self, Found},
    interceptors::Tries,
    region,
    session::Session,
    validity,
};

/// Credentials that expire sooner than this are looked up again.
const EXPIRY_WINDOW: Duration = Duration::from_secs(60);

/// Calls AWS as one provider configuration says. Nothing is looked up, read or called before the first request; what
/// was found then is kept until it expires, failures are not.
pub struct Client {
    configuration: Arc<Configuration>,
    session: OnceCell<Session>,
    credentials: AsyncMutex<Option<Found>>,
    ecr: Mutex<HashMap<String, aws_sdk_ecr::Client>>,
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

/// What ECR's GetAuthorizationToken returns for one registry.
///
/// There is no `Debug`: it holds a token.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationData {
    /// base64 of `userName:password`.
    pub authorization_token: String,
    /// Unix time, seconds.
    pub expires_at: i64,
    /// The registry's URL, with `https://`.
    pub proxy_endpoint: String,
}

impl Client {
    /// A client for `configuration`.
    pub fn new(configuration: Configuration) -> Self {
        Self {
            configuration: Arc::new(configuration),
            session: OnceCell::new(),
            credentials: AsyncMutex::default(),
            ecr: Mutex::default(),
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

    /// Asks ECR for an authorization token (GetAuthorizationToken).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering, and an answer without a token.
    pub async fn authorization_data(&self, registry: &Registry) -> Result<AuthorizationData, Error> {
        let region = registry.region.as_str();
        if !validity::is_region(region, &self.configuration) {
            return Err(Error::InvalidRegion(region.to_owned()));
        }
        let session = self.session().await?;
        let found = self.credentials(session, region).await?;
        if let Some(role) = &found.role {
            region::check_partition(role, region)?;
        }
        match get_authorization_token(&self.ecr(session, region), registry, &found).await {
            Err(error @ (Error::ExpiredCredentials(_) | Error::InvalidCredentials(_))) => {
                *self.credentials.lock().await = None;
                Err(error.in_region(region))
            }
            result => result,
        }
    }

    async fn session(&self) -> Result<&Session, Error> {
        self.session.get_or_try_init(|| Session::open(self.configuration.clone())).await
    }

    async fn credentials(&self, session: &Session, region: &str) -> Result<Found, Error> {
        let mut known = self.credentials.lock().await;
        if let Some(found) = known.as_ref().filter(|found| is_fresh(found)) {
            return Ok(found.clone());
        }
        let found = credentials::find(session, region).await?;
        Ok(known.insert(found).clone())
    }

    fn ecr(&self, session: &Session, region: &str) -> aws_sdk_ecr::Client {
        let mut clients = self.ecr.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            aws_sdk_ecr::Client::from_conf(session.ecr().region(Region::new(region.to_owned())).build())
        });
        client.clone()
    }
}

fn is_fresh(found: &Found) -> bool {
    found.credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + EXPIRY_WINDOW)
}

async fn get_authorization_token(
    ecr: &aws_sdk_ecr::Client,
    registry: &Registry,
    found: &Found,
) -> Result<AuthorizationData, Error> {
    let tries = Tries::default();
    let request = ecr.get_authorization_token();
    // AWS calls registryIds deprecated, yet they decide the proxyEndpoint: without them it is the caller's own.
    #[allow(deprecated)]
    let request = request.registry_ids(&registry.id);
    let request = request
        .customize()
        .interceptor(tries.clone())
        .config_override(aws_sdk_ecr::config::Builder::new().credentials_provider(found.credentials.clone()));
    let output = request
        .send()
        .await
        .map_err(|error| answer::meaning(&error, &format!("Amazon ECR in {}", registry.region), tries.count()))?;
    let data = output.authorization_data.unwrap_or_default().into_iter().next();
    let data = data.ok_or(Error::Incomplete("no authorization data"))?;
    Ok(AuthorizationData {
        authorization_token: data.authorization_token.ok_or(Error::Incomplete("no authorization token"))?,
        expires_at: data.expires_at.ok_or(Error::Incomplete("no time at which the token expires"))?.secs(),
        proxy_endpoint: data.proxy_endpoint.ok_or(Error::Incomplete("no proxy endpoint"))?,
    })
}
