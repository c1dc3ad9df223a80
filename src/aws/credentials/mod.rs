//! Where credentials come from, in the order of the official provider (hashicorp/aws-sdk-go-base, `credentials.go`, and
//! aws-sdk-go-v2, `config/resolve_credentials.go`).

mod container;
mod instance;
mod json;
mod login;
mod plan;
mod process;
mod said;
mod sso;
mod sts;

use aws_credential_types::Credentials;

use super::{Error, session::Session, shown};
use crate::steps::step;
use plan::{Base, Plan};
pub use sts::Identity;
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
        let source = format!("{source}, then the role {}", shown::arn(role));
        Self { credentials, source, role: Some(role.to_owned()) }
    }

    /// The same, unless a header cannot hold the keys: the SDK panics on those, and services refuse longer ones.
    fn checked(self) -> Result<Self, Error> {
        const LONGEST: usize = 16 * 1024;
        let keys = &self.credentials;
        let all = [keys.access_key_id(), keys.secret_access_key(), keys.session_token().unwrap_or_default()];
        let problem = match () {
            () if all.iter().any(|key| key.len() > LONGEST) => "a key or the session token is longer than 16 KiB",
            () if all.iter().all(|key| key.bytes().all(|byte| byte.is_ascii_graphic())) => return Ok(self),
            () => "a key or the session token has white space or another character that none can have",
        };
        Err(Error::Source { what: self.source, problem: problem.to_owned() })
    }
}

/// What no text may show of credentials.
pub(super) fn secrets(credentials: &Credentials) -> [&str; 2] {
    [credentials.secret_access_key(), credentials.session_token().unwrap_or_default()]
}

/// Looks the credentials up. `region` is where they are to be used; STS is called there if nothing names a Region.
///
/// # Errors
///
/// [`Error::NoCredentials`] when no source has any; the source's own error when it should have some.
pub(super) async fn find(session: &Session, region: &str) -> Result<Found, Error> {
    let region = region_of_sts(session, region);
    let sts = Sts::new(session, &region);
    let plan = Plan::new(session)?;
    let mut found = base(session, &sts, &plan).await?;
    if let Some(profile) = &plan.profile {
        found.source = format!("{profile}: {}", found.source);
    }
    found = found.checked()?;
    for role in plan.roles.iter().chain(session.configuration.roles()) {
        let credentials = sts.assume_role(&found.credentials, role).await?;
        found = Found::assumed(credentials, &found.source, &role.role_arn).checked()?;
    }
    sts.check_account(&found.credentials).await?;
    step!(debug, "credentials", "AWS credentials come from {}", found.source);
    Ok(found)
}

/// Where STS is called for credentials that are to be used in `region`.
fn region_of_sts(session: &Session, region: &str) -> String {
    match &session.configuration.sts_region {
        Some(region) => region.clone(),
        None => session.region().unwrap_or_else(|_| region.to_owned()),
    }
}

/// Tells where [`find`] would look first, and does no more than to read files.
///
/// # Errors
///
/// What is wrong with the source that counts, as far as this machine knows.
pub(super) async fn rehearse(session: &Session) -> Result<(), Error> {
    let plan = Plan::new(session)?;
    match &plan.base {
        Base::WebIdentity(given) => drop(given.token.read().await?),
        Base::Sso(sign_in) => sso::check(sign_in).await?,
        Base::Login(sign_in) => drop(login::credentials(sign_in).await?),
        Base::Instance => {
            if let Some(why_not) = instance::disabled(session)? {
                return Err(plan.nothing(why_not));
            }
        }
        Base::Keys(..) | Base::Process(_) | Base::Container(_) => {}
    }
    let profile = plan.profile.as_ref().map(|profile| format!("{profile}: ")).unwrap_or_default();
    let roles = plan.roles.iter().chain(session.configuration.roles());
    let roles: String = roles.map(|role| format!(", then the role {}", shown::arn(&role.role_arn))).collect();
    step!("source", "credentials would come from {profile}{}{roles}", plan.base);
    Ok(())
}

/// Whose credentials these are.
///
/// # Errors
///
/// What keeps STS from answering.
pub(super) async fn identity(session: &Session, found: &Found, region: &str) -> Result<Identity, Error> {
    Sts::new(session, &region_of_sts(session, region)).identity(&found.credentials).await
}

/// The Region of the instance, if that is where credentials come from.
pub(super) async fn region_of_instance(session: &Session) -> Option<String> {
    match Plan::new(session).ok()?.base {
        Base::Instance => instance::region(session).await,
        _ => None,
    }
}

async fn base(session: &Session, sts: &Sts<'_>, plan: &Plan) -> Result<Found, Error> {
    match &plan.base {
        Base::Keys(credentials, source) => Ok(Found::new(credentials.clone(), source)),
        Base::WebIdentity(role) => sts.assume_role_with_web_identity(role).await,
        Base::Sso(sign_in) => sso::credentials(session, sign_in).await,
        Base::Login(sign_in) => login::credentials(sign_in).await,
        Base::Process(process) => process::credentials(process).await,
        Base::Container(url) => container::credentials(session, url).await,
        Base::Instance => match instance::credentials(session).await? {
            Ok(found) => Ok(found),
            Err(why_not) => Err(plan.nothing(why_not)),
        },
    }
}
