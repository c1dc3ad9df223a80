//! A configuration that was looked up: files are read, the HTTP client is made.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, provider_config::ProviderConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_sdk_ecr::config::retry::{RetryPartition, TokenBucket};
use aws_types::{
    sdk_ua_metadata::FrameworkMetadata,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};

use super::{
    Configuration, Error,
    endpoints::Endpoints,
    http::Http,
    interceptors::{TooManyRequests, UserAgents},
    region, retries,
    shared_files::{self, SharedFiles},
    trust,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From a request to the beginning of its answer.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one try of a call may take, and one call in all.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);

/// What all calls of one configuration share.
pub(super) struct Session {
    /// The configuration.
    pub(super) configuration: Arc<Configuration>,
    /// The shared files.
    pub(super) files: SharedFiles,
    /// The HTTP client.
    pub(super) http: Http,
    /// What the SDK's clients are made from: settings of the environment and of the profile too, but no credentials.
    pub(super) sdk: SdkConfig,
    /// The URL that the configuration, the environment or the profile has for ECR.
    pub(super) ecr_endpoint: Option<String>,
    ecr: Mutex<HashMap<String, aws_sdk_ecr::Client>>,
}

/// The settings of a service's client; the services' types differ in name alone.
macro_rules! config {
    ($session:expr, $sdk:ident, $service:literal) => {{
        let configuration = &$session.configuration;
        let mut config = $sdk::config::Builder::from(&$session.sdk).retry_classifier(TooManyRequests);
        if let Some(url) = configuration.endpoint($service) {
            config = config.endpoint_url(url);
        }
        if !configuration.user_agents.is_empty() {
            config = config.interceptor(UserAgents(configuration.user_agents.clone()));
        }
        let capacity = configuration.token_bucket_rate_limiter_capacity.filter(|capacity| *capacity != 0);
        if let Some(capacity) = capacity.and_then(|capacity| capacity.try_into().ok()) {
            let bucket = TokenBucket::builder().capacity(capacity).build();
            config = config.retry_partition(RetryPartition::custom("configured").token_bucket(bucket).build());
        }
        config
    }};
}

impl Session {
    /// Reads files and the environment; calls nothing.
    ///
    /// # Errors
    ///
    /// When a file or a variable is of no use.
    pub(super) async fn open(configuration: Arc<Configuration>) -> Result<Self, Error> {
        let files = SharedFiles::read(&configuration).await?;
        let tls = trust::context(&configuration, &files).await?;
        let http = Http::new(&configuration, tls)?;
        let retries = retries::config(&configuration, &files)?;
        let endpoints = Endpoints::new(&files)?;
        let key = ServiceConfigKey::builder().service_id("ECR").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        let ecr_endpoint = configuration.endpoint("ecr").map(str::to_owned);
        let ecr_endpoint = ecr_endpoint.or_else(|| endpoints.load_config(key.ok()?));
        let mut sdk = sdk(&configuration, &files, &http, retries).await.into_builder();
        sdk.set_endpoint_url(None).set_service_config(Some(endpoints));
        let sdk = sdk.build();
        Ok(Self { configuration, files, http, sdk, ecr_endpoint, ecr: Mutex::default() })
    }

    /// The Region of calls that name none: the configuration's, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's. The
    /// instance metadata service is not asked.
    ///
    /// # Errors
    ///
    /// [`Error::NoRegion`], or [`Error::ProfileNotFound`] for a profile that was to name it.
    pub(super) fn region(&self) -> Result<String, Error> {
        let variable = |name| std::env::var(name).ok().filter(|region| !region.is_empty());
        let configured = self.configuration.region.clone();
        let named = configured.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        if let Some(region) = named.or_else(|| self.files.get("region").map(str::to_owned)) {
            return Ok(region);
        }
        let profile = self.files.selected();
        if self.files.is_named() {
            self.files.profile(profile)?;
        }
        Err(Error::NoRegion { profile: profile.to_owned() })
    }

    /// Checks that a call to `region` makes sense: only an endpoint of one's own may name its Regions as it likes.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRegion`].
    pub(super) fn check_region(&self, region: &str) -> Result<(), Error> {
        match self.ecr_endpoint.is_some() || region::is_well_formed(region) {
            true => Ok(()),
            false => Err(Error::InvalidRegion(region.to_owned())),
        }
    }

    /// What the SDK's own sources of credentials are made from.
    pub(super) fn provider_config(&self) -> ProviderConfig {
        ProviderConfig::without_region().with_region(self.sdk.region().cloned()).with_http_client(self.http.clone())
    }

    /// The client of ECR in a Region, the same one each time: it keeps connections open.
    pub(super) fn ecr(&self, region: &str) -> aws_sdk_ecr::Client {
        let mut clients = self.ecr.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let config = config!(self, aws_sdk_ecr, "ecr").region(Region::new(region.to_owned()));
            aws_sdk_ecr::Client::from_conf(config.build())
        });
        client.clone()
    }

    /// What clients of STS are made from.
    pub(super) fn sts(&self) -> aws_sdk_sts::config::Builder {
        config!(self, aws_sdk_sts, "sts")
    }

    /// What clients of IAM Identity Center are made from.
    pub(super) fn sso(&self) -> aws_sdk_sso::config::Builder {
        config!(self, aws_sdk_sso, "sso")
    }
}

async fn sdk(configuration: &Configuration, files: &SharedFiles, http: &Http, retries: RetryConfig) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .retry_config(retries)
        .identity_cache(aws_config::identity::IdentityCache::no_cache())
        .no_credentials()
        .profile_files(shared_files::locations(configuration))
        .profile_name(files.selected())
        // Each client sets its own; this one keeps the loader from asking the instance metadata service.
        .region(Region::from_static("us-east-1"))
        // The limit of a try bounds its body, too.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        );
    if let Ok(product) = FrameworkMetadata::new(env!("CARGO_PKG_NAME"), Some(crate::VERSION)) {
        loader = loader.framework_metadata(product);
    }
    if let Some(fips) = configuration.use_fips_endpoint {
        loader = loader.use_fips(fips);
    }
    if let Some(dual_stack) = configuration.use_dualstack_endpoint {
        loader = loader.use_dual_stack(dual_stack);
    }
    loader.load().await
}
