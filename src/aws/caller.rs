use std::time::{Duration, SystemTime};

use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_types::{SdkConfig, service_config::ServiceConfigKey};

use super::Error;

/// Credentials that expire sooner are got anew.
const EXPIRY_BUFFER: Duration = Duration::from_secs(60);

/// Who calls AWS, and where: all that decides about an answer besides what is asked.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(super) credentials: Credentials,
    endpoint: Option<String>,
}

impl Caller {
    /// Gets the credentials of `sdk`, whose calls go to `endpoint` if that is configured, or else where the environment
    /// and the profile say.
    pub(super) async fn resolve(sdk: &SdkConfig, endpoint: Option<&str>) -> Result<Self, Error> {
        let provider = sdk.credentials_provider().ok_or_else(|| Error::NoCredentials("none are configured".into()))?;
        let credentials = provider.provide_credentials().await.map_err(|error| Error::from_credentials(&error))?;
        let endpoint = endpoint.map(str::to_owned).or_else(|| ecr_endpoint(sdk));
        Ok(Self { credentials, endpoint })
    }

    /// Whether the credentials can be used for a while.
    pub(super) fn is_valid(&self) -> bool {
        self.credentials.expiry().is_none_or(|expiry| SystemTime::now() + EXPIRY_BUFFER < expiry)
    }

    /// What tells this caller from all others. Temporary credentials have an access key id of their own, so each
    /// session of a role is another caller.
    pub fn identity(&self) -> impl Iterator<Item = &str> {
        let account = self.credentials.account_id().map_or("", |account| account.as_str());
        [self.credentials.access_key_id(), account, self.endpoint.as_deref().unwrap_or_default()].into_iter()
    }
}

/// The URL that the environment or the profile has for ECR.
fn ecr_endpoint(sdk: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("ECR").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let for_ecr = sdk.service_config().zip(key.ok()).and_then(|(config, key)| config.load_config(key));
    for_ecr.or_else(|| sdk.endpoint_url().map(str::to_owned))
}
