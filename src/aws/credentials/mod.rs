//! Where credentials come from, in the order of the official provider (hashicorp/aws-sdk-go-base, `credentials.go`, and
//! aws-sdk-go-v2, `config/resolve_credentials.go`).

mod container;
mod instance;
mod json;
mod process;
mod profile;
mod sso;
mod sts;

use std::env;

use aws_credential_types::Credentials;

use super::{Configuration, Error, session::Session};
use sts::Sts;

/// Credentials, and where they are from.
///
/// There is no `Debug`: it holds keys.
#[derive(Clone)]
pub(super) struct Found {
    /// The keys.
    pub(super) credentials: Credentials,
    /// The sources, for people.
    pub(super) source: String,
    /// The ARN of the role that was assumed last, if one was.
    pub(super) role: Option<String>,
}

impl Found {
    fn new(credentials: Credentials, source: impl Into<String>) -> Self {
        Self { credentials, source: source.into(), role: None }
    }

    fn assumed(credentials: Credentials, source: &str, role: &str) -> Self {
        Self { credentials, source: format!("{source}, then the role {role}"), role: Some(role.to_owned()) }
    }

    /// The same, unless a header cannot hold the keys: the SDK panics on those.
    fn checked(self) -> Result<Self, Error> {
        let keys = &self.credentials;
        let all = [keys.access_key_id(), keys.secret_access_key(), keys.session_token().unwrap_or_default()];
        if all.iter().all(|key| key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Ok(self);
        }
        let problem = "a key or the session token has white space or another character that none can have";
        Err(Error::Source { what: self.source, problem: problem.to_owned() })
    }
}

/// What no text may show of credentials.
pub(super) fn secrets(credentials: &Credentials) -> [&str; 2] {
    [credentials.secret_access_key(), credentials.session_token().unwrap_or_default()]
}

/// What a source says: credentials, or why it has none, which lets the next one be asked.
type Answer = Result<Result<Found, String>, Error>;

/// Looks the credentials up. `region` is where they are to be used; STS is called there if nothing names a Region.
///
/// # Errors
///
/// [`Error::NoCredentials`] when no source has any; the source's own error when it should have some.
pub(super) async fn find(session: &Session, region: &str) -> Result<Found, Error> {
    let region = match &session.configuration.sts_region {
        Some(region) => region.clone(),
        None => session.region().unwrap_or_else(|_| region.to_owned()),
    };
    let sts = Sts::new(session, &region);
    let mut found = base(session, &sts).await?.checked()?;
    for role in session.configuration.roles() {
        let credentials = sts.assume_role(&found.credentials, role).await?;
        found = Found::assumed(credentials, &found.source, &role.role_arn).checked()?;
    }
    sts.check_account(&found.credentials).await?;
    log::debug!("AWS credentials come from {}", found.source);
    Ok(found)
}

async fn base(session: &Session, sts: &Sts<'_>) -> Result<Found, Error> {
    let configuration = &session.configuration;
    if let Some(role) = &configuration.assume_role_with_web_identity {
        return sts::configured_web_identity(sts, role).await;
    }
    if let Some(credentials) = static_keys(configuration) {
        return Ok(Found::new(credentials, "the provider configuration (accessKey, secretKey)"));
    }
    let mut tried = Vec::new();
    macro_rules! ask {
        ($answer:expr) => {
            match $answer {
                Ok(found) => return Ok(found),
                Err(why_not) => tried.push(why_not),
            }
        };
    }
    // A profile that the configuration names wins over keys in the environment; one that AWS_PROFILE names does not.
    let profile_first = configuration.profile.is_some();
    if profile_first {
        ask!(profile::selected(session, sts).await?);
    } else {
        ask!(environment());
        ask!(sts::web_identity_of_environment(sts).await?);
        ask!(profile::selected(session, sts).await?);
    }
    ask!(container::credentials(session).await?);
    ask!(instance::credentials(session).await?);
    Err(Error::NoCredentials(tried))
}

fn static_keys(configuration: &Configuration) -> Option<Credentials> {
    let (access_key, secret_key) = (configuration.access_key.as_ref()?, configuration.secret_key.as_ref()?);
    Some(Credentials::new(access_key, secret_key, configuration.token.clone(), None, "provider configuration"))
}

/// A variable of the environment; empty is as good as none.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn environment() -> Result<Found, String> {
    // Behind the name of today, those of older SDKs.
    let first_of = |name: &str, older: &[&str]| {
        let value = variable(name).or_else(|| older.iter().copied().find_map(variable));
        value.ok_or_else(|| format!("the environment ({name} is not set)"))
    };
    let access_key = first_of("AWS_ACCESS_KEY_ID", &["AWS_ACCESS_KEY"])?;
    let secret_key = first_of("AWS_SECRET_ACCESS_KEY", &["AWS_SECRET_KEY", "SECRET_ACCESS_KEY"])?;
    let credentials = Credentials::new(access_key, secret_key, variable("AWS_SESSION_TOKEN"), None, "environment");
    Ok(Found::new(credentials, "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"))
}
