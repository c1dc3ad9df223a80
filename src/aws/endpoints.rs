//! The URLs of services that the environment and the profile have.

use std::fmt;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::EnvConfigValue;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use super::{
    Error,
    shared_files::{SharedFiles, environment, unquoted},
};

/// Looks up `AWS_ENDPOINT_URL_SERVICE` and `AWS_ENDPOINT_URL`, then the profile's `services` and `endpoint_url`, as the
/// SDK's own does, which takes an empty URL for one.
pub(super) struct Endpoints {
    /// `None` if they are to be ignored.
    sections: Option<ProfileSet>,
}

impl Endpoints {
    /// Those of the selected profile.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] and [`Error::Profile`] if `ignore_configured_endpoint_urls` is neither true nor false.
    pub(super) fn new(files: &SharedFiles) -> Result<Self, Error> {
        let is_true = |text: &str| text.to_ascii_lowercase().parse().ok();
        let ignored = files.setting("ignore_configured_endpoint_urls", is_true, "is neither true nor false")?;
        Ok(Self { sections: (ignored != Some(true)).then(|| files.sections().clone()) })
    }
}

/// Without the profiles: they hold keys.
impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").finish_non_exhaustive()
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let value = EnvConfigValue::new().env(key.env()).profile(key.profile()).service_id(key.service_id());
        let environment = environment();
        let (url, _) = value.load(&environment, self.sections.as_ref()?.into())?;
        Some(unquoted(&url).to_owned()).filter(|url| !url.trim().is_empty())
    }
}
