use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

/// A provider configuration, as `schema.json` describes it; empty text is as good as none.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Configuration {
    /// The Region to call. Without it: the environment's, then the profile's.
    pub region: Option<String>,
    /// The access key id; goes with [`Self::secret_key`].
    pub access_key: Option<String>,
    /// The secret access key.
    pub secret_key: Option<String>,
    /// The session token of temporary credentials.
    pub token: Option<String>,
    /// The profile in the shared files.
    pub profile: Option<String>,
    /// URLs by service.
    pub endpoints: Vec<BTreeMap<String, String>>,
}

/// Without secrets.
impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

/// A key of the configuration that has no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key, with the path inside it.
    pub key: String,
    /// Why; a sentence that follows the key's name.
    pub reason: String,
}

impl Invalid {
    fn new(key: &str, reason: impl Into<String>) -> Self {
        Self { key: key.to_owned(), reason: reason.into() }
    }
}

impl Configuration {
    /// Reads a configuration whose keys have the types of the schema.
    ///
    /// # Errors
    ///
    /// Every contradiction and every value without a meaning.
    pub fn from_json(json: serde_json::Map<String, serde_json::Value>) -> Result<Self, Vec<Invalid>> {
        let mut configuration: Self = serde_json::from_value(json.into())
            .map_err(|error| vec![Invalid::new("configuration", format!("is not as the schema says: {error}"))])?;
        configuration.drop_empty();
        let invalid = configuration.contradictions();
        if invalid.is_empty() { Ok(configuration) } else { Err(invalid) }
    }

    /// The URL to call for a service, if the configuration names one.
    pub fn endpoint(&self, service: &str) -> Option<&str> {
        self.endpoints.iter().find_map(|endpoints| endpoints.get(service)).map(String::as_str)
    }

    fn drop_empty(&mut self) {
        for text in [&mut self.region, &mut self.access_key, &mut self.secret_key, &mut self.token, &mut self.profile] {
            text.take_if(|text| text.trim().is_empty());
        }
        for endpoints in &mut self.endpoints {
            endpoints.retain(|_, url| !url.trim().is_empty());
        }
    }

    fn contradictions(&self) -> Vec<Invalid> {
        let mut invalid = Vec::new();
        match (&self.access_key, &self.secret_key) {
            (Some(_), None) => invalid.push(Invalid::new("secretKey", "is missing, but accessKey is set; set both")),
            (None, Some(_)) => invalid.push(Invalid::new("accessKey", "is missing, but secretKey is set; set both")),
            (None, None) if self.token.is_some() => {
                invalid.push(Invalid::new("token", "goes with accessKey and secretKey, which are not set"));
            }
            _ => {}
        }
        for (index, endpoints) in self.endpoints.iter().enumerate() {
            for (service, url) in endpoints.iter().filter(|(_, url)| !is_url(url)) {
                let key = format!("endpoints[{index}].{service}");
                invalid.push(Invalid::new(&key, format!("must be a URL such as https://localhost:4566, but is {url}")));
            }
        }
        invalid
    }
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
}
