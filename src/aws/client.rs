use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider, timeout::TimeoutConfig,
};
use aws_sdk_ecr::config::Credentials;
use aws_smithy_http_client::{
    Builder as HttpClientBuilder,
    tls::{Provider as TlsProvider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::{Mutex, OnceCell, Semaphore};

use super::{AuthorizationData, Caller, Configuration, Error};

/// How long one call may take in all, and one try of it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// Calls in flight at the same time, each with a connection of its own. At a latency of 50 ms these are 640 calls a
/// second, more than the 500 that AWS allows an account in a Region: with more, the rest would only be throttled.
const MAX_CONCURRENT_CALLS: usize = 32;

/// Calls AWS as one provider configuration says. Nothing is looked up, read or called before the first request; what
/// was found then is kept, failures are not.
#[derive(Debug)]
pub struct Client {
    configuration: Configuration,
    sdk: OnceCell<SdkConfig>,
    caller: Mutex<Option<Caller>>,
    calls: Semaphore,
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
            configuration,
            sdk: OnceCell::new(),
            caller: Mutex::default(),
            calls: Semaphore::new(MAX_CONCURRENT_CALLS),
        }
    }

    /// The Region of calls that name none: the configuration's, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's.
    /// The instance metadata service is not asked.
    ///
    /// # Errors
    ///
    /// [`Error::NoRegion`].
    pub async fn region(&self) -> Result<String, Error> {
        if let Some(region) = &self.configuration.region {
            return Ok(region.clone());
        }
        let mut profile = ProfileFileRegionProvider::builder();
        if let Some(name) = &self.configuration.profile {
            profile = profile.profile_name(name);
        }
        let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
        chain.region().await.map(|region| region.to_string()).ok_or(Error::NoRegion)
    }

    /// Asks ECR for an authorization token (GetAuthorizationToken), as `caller` if there is one.
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering, and an answer without a token.
    pub async fn authorization_data(
        &self,
        registry: &Registry,
        caller: Option<&Caller>,
    ) -> Result<AuthorizationData, Error> {
        // Nothing closes the semaphore.
        let _permit = self.calls.acquire().await;
        let request = self.ecr(&registry.region, caller).await.get_authorization_token();
        // AWS calls registryIds deprecated, yet they decide the proxyEndpoint: without them it is the caller's own.
        #[allow(deprecated)]
        let request = request.registry_ids(&registry.id);
        let output = request.send().await.map_err(|error| Error::from_sdk(&error))?;
        let data = output.authorization_data.unwrap_or_default().into_iter().next();
        let data = data.ok_or(Error::Incomplete("no authorization data"))?;
        AuthorizationData::new(
            data.authorization_token.ok_or(Error::Incomplete("no authorization token"))?,
            data.expires_at.ok_or(Error::Incomplete("no time at which the token expires"))?.secs(),
            data.proxy_endpoint.ok_or(Error::Incomplete("no proxy endpoint"))?,
        )
    }

    /// Who calls. The credentials are got once and kept until they expire.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredentials`].
    pub async fn caller(&self) -> Result<Caller, Error> {
        let mut known = self.caller.lock().await;
        if let Some(caller) = known.as_ref().filter(|caller| caller.is_valid()) {
            return Ok(caller.clone());
        }
        let caller = Caller::resolve(self.sdk().await, self.configuration.endpoint("ecr")).await?;
        Ok(known.insert(caller).clone())
    }

    async fn ecr(&self, region: &str, caller: Option<&Caller>) -> aws_sdk_ecr::Client {
        let mut config = aws_sdk_ecr::config::Builder::from(self.sdk().await).region(Region::new(region.to_owned()));
        if let Some(url) = self.configuration.endpoint("ecr") {
            config = config.endpoint_url(url);
        }
        if let Some(caller) = caller {
            config = config.credentials_provider(caller.credentials.clone());
        }
        aws_sdk_ecr::Client::from_conf(config.build())
    }

    async fn sdk(&self) -> &SdkConfig {
        self.sdk.get_or_init(|| self.load()).await
    }

    async fn load(&self) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client())
            // Each request brings its own; this one keeps the loader from asking the instance metadata service.
            .region(Region::from_static("us-east-1"))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(OPERATION_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .build(),
            );
        if let Some(profile) = &self.configuration.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(credentials) = static_credentials(&self.configuration) {
            loader = loader.credentials_provider(credentials);
        }
        loader.load().await
    }
}

fn static_credentials(configuration: &Configuration) -> Option<Credentials> {
    let (access_key, secret_key) = (configuration.access_key.as_ref()?, configuration.secret_key.as_ref()?);
    Some(Credentials::new(access_key, secret_key, configuration.token.clone(), None, "provider configuration"))
}

fn http_client() -> SharedHttpClient {
    HttpClientBuilder::new().tls_provider(TlsProvider::Rustls(CryptoMode::AwsLc)).build_https()
}
