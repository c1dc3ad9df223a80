//! A configuration that was looked up: files are read, the HTTP client is made.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_sdk_ecr::config::{
    AppName, BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_types::{SdkConfig, sdk_ua_metadata::FrameworkMetadata};

use super::{
    Configuration, Error, Namespace, endpoints,
    http::Http,
    interceptors::{AsWritten, EachCall},
    patience::{Patience, Rules},
    region,
    settings::{Settings, variable},
    trust,
};

/// From the look-up of a host's name to a connection. glibc waits five seconds for a name server before it asks the next one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From a request to the beginning of its answer.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one try of a call may take. How long a call may take in all is a matter of [`Patience`].
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// What all calls of one configuration share.
pub(super) struct Session {
    /// The configuration.
    pub(super) configuration: Arc<Configuration>,
    /// The settings of the environment and the shared files.
    pub(super) settings: Settings,
    /// The HTTP client.
    pub(super) http: Http,
    /// What the SDK's clients are made from: settings of the environment and of the profile too, but no credentials.
    pub(super) sdk: SdkConfig,
    /// How calls are tried.
    pub(super) patience: Arc<Patience>,
    /// The URL that the configuration, the environment or the profile has for ECR.
    pub(super) ecr_endpoint: Option<String>,
    /// The same for ECR Public.
    pub(super) ecr_public_endpoint: Option<String>,
    sts_endpoint: Option<String>,
    sts_as_written: bool,
    sso_endpoint: Option<String>,
    sso_oidc_endpoint: Option<String>,
    ecr: Mutex<HashMap<String, aws_sdk_ecr::Client>>,
    ecr_public: OnceLock<aws_sdk_ecrpublic::Client>,
}

/// The clients that are kept: more Regions than AWS has, and an endpoint of one's own may name any.
const MAX_CLIENTS: usize = 64;

impl Session {
    /// Reads files and the environment; calls nothing. Calls go on to know of each other by the `patience` of the session
    /// before, unless the user set other rules.
    ///
    /// # Errors
    ///
    /// When a file or a variable is of no use.
    pub(super) async fn open(
        configuration: Arc<Configuration>,
        patience: Option<Arc<Patience>>,
    ) -> Result<Self, Error> {
        let settings = Settings::read(&configuration).await?;
        let tls = trust::context(&configuration, &settings).await?;
        let http = Http::new(&configuration, tls);
        let rules = Rules::new(&configuration, &settings)?;
        let endpoint = |service| endpoints::url(&configuration, &settings, service);
        Ok(Self {
            sdk: sdk(&configuration, &settings, &http, &rules)?,
            patience: patience
                .filter(|patience| *patience.rules() == rules)
                .unwrap_or_else(|| Arc::new(Patience::new(rules))),
            ecr_endpoint: endpoint(endpoints::ECR)?,
            ecr_public_endpoint: endpoint(endpoints::ECR_PUBLIC)?,
            sts_endpoint: endpoint(endpoints::STS)?,
            // The official provider has those of STS alone end with a slash.
            sts_as_written: !endpoints::is_own(&configuration, endpoints::STS),
            sso_endpoint: endpoint(endpoints::SSO)?,
            sso_oidc_endpoint: endpoint(endpoints::SSO_OIDC)?,
            configuration,
            settings,
            http,
            ecr: Mutex::default(),
            ecr_public: OnceLock::new(),
        })
    }

    /// The Region of calls that name none: the configuration's, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's. The
    /// instance metadata service is not asked.
    ///
    /// # Errors
    ///
    /// [`Error::NoRegion`].
    pub(super) fn region(&self) -> Result<String, Error> {
        let of_variable = |name: &str| Some((name.to_owned(), variable(name)?));
        let of_profile = || Some((self.settings.of_profile("region"), self.settings.property("region")?.to_owned()));
        let named =
            self.configuration.region.clone().map(|region| (self.configuration.namespace.key("region"), region));
        let named = named.or_else(|| of_variable("AWS_REGION")).or_else(|| of_variable("AWS_DEFAULT_REGION"));
        let (source, region) = named.or_else(of_profile).ok_or_else(|| Error::NoRegion {
            profile: self.settings.shown_profile(),
            namespace: self.configuration.namespace,
        })?;
        region::tell(&region, &source);
        Ok(region)
    }

    /// Checks that a call to `region` makes sense: only an endpoint of one's own may name its Regions as it likes.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRegion`].
    pub(super) fn check_region(&self, region: &str) -> Result<(), Error> {
        let any_name = self.ecr_endpoint.is_some() && self.configuration.skip_region_validation != Some(false);
        match region::is_host_label(region) && (any_name || region::is_well_formed(region)) {
            true => Ok(()),
            false => Err(Error::InvalidRegion(region::shown(region))),
        }
    }

    /// The client of ECR in a Region, the same one each time: it keeps connections open.
    pub(super) fn ecr(&self, region: &str) -> aws_sdk_ecr::Client {
        let mut clients = self.ecr.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(region) {
            clients.clear();
        }
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let mut config = aws_sdk_ecr::config::Builder::from(&self.sdk_at(&self.ecr_endpoint))
                .interceptor(self.each_call())
                .region(Region::new(region.to_owned()));
            if let Some(url) = &self.ecr_endpoint {
                config = config.interceptor(AsWritten::new(url));
            }
            aws_sdk_ecr::Client::from_conf(config.build())
        });
        client.clone()
    }

    /// The client of ECR Public, the same one each time.
    pub(super) fn ecr_public(&self) -> aws_sdk_ecrpublic::Client {
        let client = self.ecr_public.get_or_init(|| {
            let config = aws_sdk_ecrpublic::config::Builder::from(&self.sdk_at(&self.ecr_public_endpoint))
                .interceptor(self.each_call())
                .region(Region::from_static(region::PUBLIC));
            aws_sdk_ecrpublic::Client::from_conf(config.build())
        });
        client.clone()
    }

    /// What a service's client is made from if its endpoint is `url`, which is called as it is: that it has no FIPS variant
    /// is no reason not to.
    fn sdk_at(&self, url: &Option<String>) -> SdkConfig {
        match url {
            Some(url) => self.sdk.to_builder().endpoint_url(url).use_fips(false).build(),
            None => self.sdk.clone(),
        }
    }

    /// The same for the services of roles, to whose URLs dual-stack is nothing, either.
    fn sdk_of_roles_at(&self, url: &Option<String>) -> SdkConfig {
        let sdk = self.sdk_at(url);
        if url.is_some() { sdk.into_builder().use_dual_stack(false).build() } else { sdk }
    }

    fn each_call(&self) -> EachCall {
        EachCall { user_agents: self.configuration.user_agents.clone() }
    }

    /// What clients of STS are made from.
    pub(super) fn sts(&self) -> aws_sdk_sts::config::Builder {
        let config = aws_sdk_sts::config::Builder::from(&self.sdk_of_roles_at(&self.sts_endpoint));
        let config = config.interceptor(self.each_call());
        match &self.sts_endpoint {
            Some(url) if self.sts_as_written => config.interceptor(AsWritten::new(url)),
            _ => config,
        }
    }

    /// What clients of IAM Identity Center are made from.
    pub(super) fn sso(&self) -> aws_sdk_sso::config::Builder {
        let sdk = self.sdk_of_roles_at(&self.sso_endpoint);
        aws_sdk_sso::config::Builder::from(&sdk).interceptor(self.each_call())
    }

    /// What clients of its service that renews tokens are made from.
    pub(super) fn sso_oidc(&self) -> aws_sdk_ssooidc::config::Builder {
        aws_sdk_ssooidc::config::Builder::from(&self.sdk_at(&self.sso_oidc_endpoint)).interceptor(self.each_call())
    }
}

fn sdk(configuration: &Configuration, settings: &Settings, http: &Http, rules: &Rules) -> Result<SdkConfig, Error> {
    let fips = settings.boolean("use_fips_endpoint")?;
    let dual_stack = settings.boolean("use_dualstack_endpoint")?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .retry_config(rules.sdk())
        .disable_clock_skew_correction(!rules.corrects_clock)
        .identity_cache(IdentityCache::no_cache())
        // The limit of a try bounds its body, too.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts);
    sdk.set_use_fips(configuration.use_fips_endpoint.or(fips))
        .set_use_dual_stack(configuration.use_dualstack_endpoint.or(dual_stack))
        .set_app_name(settings.text("sdk_ua_app_id").and_then(|id| AppName::new(id).ok()));
    let Namespace { name, version } = configuration.namespace;
    if let Ok(product) = FrameworkMetadata::new(format!("pulumi-resource-{name}"), Some(version)) {
        sdk = sdk.framework_metadata(product);
    }
    Ok(sdk.build())
}
