//! The provider configuration as a type.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use super::Namespace;

/// A provider configuration, as `schema.json` describes it; empty text is as good as none.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Configuration {
    /// What stands in front of the keys.
    #[serde(skip)]
    pub namespace: Namespace,
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
    /// The config files to read in place of `AWS_CONFIG_FILE` or `~/.aws/config`.
    pub shared_config_files: Vec<String>,
    /// The credentials files to read in place of `AWS_SHARED_CREDENTIALS_FILE` or `~/.aws/credentials`.
    pub shared_credentials_files: Vec<String>,
    /// The older name of [`Self::shared_credentials_files`].
    pub shared_credentials_file: Option<String>,
    /// The roles to assume, one after the other.
    pub assume_roles: Vec<AssumeRole>,
    /// The older name of [`Self::assume_roles`].
    pub assume_role: Option<AssumeRole>,
    /// The role to assume with an OpenID Connect token.
    pub assume_role_with_web_identity: Option<WebIdentity>,
    /// URLs by service.
    pub endpoints: Vec<BTreeMap<String, String>>,
    /// The proxy of `http` URLs.
    pub http_proxy: Option<String>,
    /// The proxy of `https` URLs.
    pub https_proxy: Option<String>,
    /// Hosts that are called without a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// The path of a PEM file with the certificate authorities to trust.
    pub custom_ca_bundle: Option<String>,
    /// Whether TLS certificates are not verified, which is refused.
    pub insecure: Option<bool>,
    /// How often a call is tried, at most.
    pub max_retries: Option<i64>,
    /// `standard` or `adaptive`.
    pub retry_mode: Option<String>,
    /// The capacity of the bucket that limits further tries.
    pub token_bucket_rate_limiter_capacity: Option<i64>,
    /// Whether FIPS endpoints are called.
    pub use_fips_endpoint: Option<bool>,
    /// Whether dual-stack endpoints are called.
    pub use_dualstack_endpoint: Option<bool>,
    /// The Region in which AWS STS is called.
    pub sts_region: Option<String>,
    /// The URL of the instance metadata service.
    pub ec2_metadata_service_endpoint: Option<String>,
    /// `IPv4` or `IPv6`.
    pub ec2_metadata_service_endpoint_mode: Option<String>,
    /// Whether the instance metadata service is no source of credentials; `false` wins over the environment.
    pub skip_metadata_api_check: Option<bool>,
    /// Whether any Region's name is taken. Without it: only if an endpoint of ECR is configured.
    pub skip_region_validation: Option<bool>,
    /// The only accounts whose credentials may be used.
    pub allowed_account_ids: Vec<String>,
    /// The accounts whose credentials must not be used.
    pub forbidden_account_ids: Vec<String>,
    /// What is added to the `User-Agent` header.
    pub user_agents: Vec<String>,
    /// The tags of resources that are not returned.
    pub ignore_tags: IgnoreTags,
}

/// Tags of resources that are not returned.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreTags {
    /// Their keys.
    pub keys: Vec<String>,
    /// What their keys begin with.
    pub key_prefixes: Vec<String>,
}

impl IgnoreTags {
    /// Whether a tag with this key is one of them.
    pub fn covers(&self, key: &str) -> bool {
        self.keys.iter().any(|ignored| ignored == key) || self.key_prefixes.iter().any(|start| key.starts_with(start))
    }
}

/// A role to assume with credentials.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssumeRole {
    /// The ARN of the role; checked to be there.
    pub role_arn: String,
    /// How long the credentials last, as Go writes a duration, or in seconds.
    pub duration: Option<String>,
    /// The external id.
    pub external_id: Option<String>,
    /// A session policy, JSON.
    pub policy: Option<String>,
    /// ARNs of session policies.
    pub policy_arns: Vec<String>,
    /// The name of the session.
    pub session_name: Option<String>,
    /// The source identity.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Keys of the tags that pass on.
    pub transitive_tag_keys: Vec<String>,
}

/// A role to assume with an OpenID Connect token.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebIdentity {
    /// The ARN of the role; without it `AWS_ROLE_ARN`.
    pub role_arn: Option<String>,
    /// How long the credentials last, as Go writes a duration, or in seconds.
    pub duration: Option<String>,
    /// A session policy, JSON.
    pub policy: Option<String>,
    /// ARNs of session policies.
    pub policy_arns: Vec<String>,
    /// The name of the session; without it `AWS_ROLE_SESSION_NAME`.
    pub session_name: Option<String>,
    /// The token.
    pub web_identity_token: Option<String>,
    /// The path of a file with the token; without it `AWS_WEB_IDENTITY_TOKEN_FILE`.
    pub web_identity_token_file: Option<String>,
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

impl Configuration {
    /// The URL to call for a service, if the configuration names one.
    pub fn endpoint(&self, service: &str) -> Option<&str> {
        self.endpoints.iter().find_map(|endpoints| endpoints.get(service)).map(String::as_str)
    }

    /// The roles to assume, in order, under either name.
    pub fn roles(&self) -> &[AssumeRole] {
        match &self.assume_role {
            Some(role) if self.assume_roles.is_empty() => std::slice::from_ref(role),
            _ => &self.assume_roles,
        }
    }

    /// The credentials files to read in place of the default one, under either name.
    pub fn credentials_files(&self) -> &[String] {
        match &self.shared_credentials_file {
            Some(file) if self.shared_credentials_files.is_empty() => std::slice::from_ref(file),
            _ => &self.shared_credentials_files,
        }
    }
}
