//! A configuration that was looked up: files are read, the HTTP client is made.

use std::{sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_ecr::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_types::retry::RetryMode;
use aws_types::{sdk_ua_metadata::FrameworkMetadata, service_config::ServiceConfigKey};

use super::{
    Configuration, Error,
    http::Http,
    interceptors::{TooManyRequests, UserAgents},
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
        check_retries(&files)?;
        let sdk = sdk(&configuration, &files, &http).await;
        Ok(Self { configuration, files, http, sdk })
    }

    /// The Region of calls that name none: the configuration's, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's. The
    /// instance metadata service is not asked.
    ///
    /// # Errors
    ///
    /// [`Error::NoRegion`].
    pub(super) fn region(&self) -> Result<String, Error> {
        let variable = |name| std::env::var(name).ok().filter(|region| !region.is_empty());
        let configured = self.configuration.region.clone();
        configured
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| self.files.get("region").map(str::to_owned))
            .ok_or_else(|| Error::NoRegion { profile: self.files.selected().to_owned() })
    }

    /// What the SDK's own sources of credentials are made from.
    pub(super) fn provider_config(&self) -> ProviderConfig {
        ProviderConfig::without_region().with_region(self.sdk.region().cloned()).with_http_client(self.http.clone())
    }

    /// What clients of ECR are made from.
    pub(super) fn ecr(&self) -> aws_sdk_ecr::config::Builder {
        let mut config = aws_sdk_ecr::config::Builder::from(&self.sdk).retry_classifier(TooManyRequests);
        if let Some(url) = self.configuration.endpoint("ecr") {
            config = config.endpoint_url(url);
        }
        if !self.configuration.user_agents.is_empty() {
            config = config.interceptor(UserAgents(self.configuration.user_agents.clone()));
        }
        if let Some(capacity) = self.configuration.token_bucket_rate_limiter_capacity.and_then(|n| n.try_into().ok()) {
            let bucket = TokenBucket::builder().capacity(capacity).build();
            config = config.retry_partition(RetryPartition::custom("configured").token_bucket(bucket).build());
        }
        config
    }

    /// The URL that the configuration, the environment or the profile has for ECR.
    pub(super) fn ecr_endpoint(&self) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id("ECR").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        let configured = self.configuration.endpoint("ecr").map(str::to_owned);
        configured
            .or_else(|| self.sdk.service_config().zip(key.ok()).and_then(|(config, key)| config.load_config(key)))
            .or_else(|| self.sdk.endpoint_url().map(str::to_owned))
    }

    /// What clients of STS are made from.
    pub(super) fn sts(&self) -> aws_sdk_sts::config::Builder {
        let mut config = aws_sdk_sts::config::Builder::from(&self.sdk).retry_classifier(TooManyRequests);
        if let Some(url) = self.configuration.endpoint("sts") {
            config = config.endpoint_url(url);
        }
        if !self.configuration.user_agents.is_empty() {
            config = config.interceptor(UserAgents(self.configuration.user_agents.clone()));
        }
        config
    }

    /// What clients of IAM Identity Center are made from.
    pub(super) fn sso(&self) -> aws_sdk_sso::config::Builder {
        let config = aws_sdk_sso::config::Builder::from(&self.sdk);
        match self.configuration.endpoint("sso") {
            Some(url) => config.endpoint_url(url),
            None => config,
        }
    }
}

/// Checks what the SDK takes for granted: it panics on settings of retries that it does not know.
fn check_retries(files: &SharedFiles) -> Result<(), Error> {
    type IsKnown = fn(&str) -> bool;
    let is_mode: IsKnown = |text| ["standard", "adaptive"].iter().any(|mode| text.eq_ignore_ascii_case(mode));
    let is_number: IsKnown = |text| text.parse::<u32>().is_ok_and(|tries| tries > 0);
    let checks = [
        ("AWS_RETRY_MODE", "retry_mode", is_mode, "is neither standard nor adaptive"),
        ("AWS_MAX_ATTEMPTS", "max_attempts", is_number, "is not a number of tries from 1 on"),
    ];
    for (name, key, is_known, problem) in checks {
        if std::env::var(name).is_ok_and(|value| !is_known(&value)) {
            return Err(Error::Setting { name: name.to_owned(), problem: problem.to_owned() });
        }
        if files.get(key).is_some_and(|value| !is_known(value)) {
            let profile = files.selected().to_owned();
            return Err(Error::Profile { profile, problem: format!("its {key} {problem}") });
        }
    }
    Ok(())
}

async fn sdk(configuration: &Configuration, files: &SharedFiles, http: &Http) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .identity_cache(aws_config::identity::IdentityCache::no_cache())
        .no_credentials()
        .profile_files(shared_files::locations(configuration))
        .profile_name(files.selected())
        // Each client sets its own; this one keeps the loader from asking the instance metadata service.
        .region(Region::from_static("us-east-1"))
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
    let sdk = loader.load().await;
    let retries = retries(configuration, sdk.retry_config().cloned().unwrap_or_else(RetryConfig::standard));
    sdk.into_builder().retry_config(retries).build()
}

/// `found`, as the environment and the profile say, with what the configuration says.
fn retries(configuration: &Configuration, found: RetryConfig) -> RetryConfig {
    let tries = configuration.max_retries.and_then(|tries| u32::try_from(tries).ok());
    let tries = tries.map_or(found.max_attempts(), |tries| tries.max(1));
    let mode = match configuration.retry_mode.as_deref() {
        Some("adaptive") => RetryMode::Adaptive,
        Some(_) => RetryMode::Standard,
        None => found.mode(),
    };
    found.with_retry_mode(mode).with_max_attempts(tries)
}
