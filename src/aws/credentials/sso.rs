//! IAM Identity Center (SSO): the token that `aws sso login` left behind, in exchange for credentials of a role.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sdk_sso::{config::Region, operation::get_role_credentials::GetRoleCredentialsError};
use aws_sdk_ssooidc::operation::create_token::CreateTokenError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{DateTime, date_time::Format};
use http::HeaderValue;
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};
use tempfile::NamedTempFile;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    super::{Error, answer, files, patience::Kind, session::Session, shown, validity},
    Found,
    json::{self, Members},
};
use crate::system;

const SERVICE: &str = "IAM Identity Center";
/// Renews its tokens.
const TOKEN_SERVICE: &str = "the token service of IAM Identity Center";

/// A token that ends sooner than this is renewed.
const EARLY: Duration = Duration::from_secs(5 * 60);

/// What a profile says of its sign-in.
pub(super) struct SignIn {
    /// The profile.
    pub(super) profile: String,
    /// The account of the role.
    pub(super) account_id: String,
    /// The role.
    pub(super) role_name: String,
    /// The Region of IAM Identity Center.
    pub(super) region: String,
    /// The name of the cached token: that of the session, in older profiles the start URL.
    pub(super) cache: String,
}

const EXPIRED: &str = "has expired";

impl SignIn {
    fn failed(&self, problem: &'static str) -> Error {
        Error::Sso { profile: shown::name(&self.profile), problem }
    }
}

/// Exchanges the cached token, which is renewed where that is possible, for credentials.
///
/// # Errors
///
/// [`Error::Sso`] when there is no token or it is over.
pub(super) async fn credentials(session: &Session, sign_in: &SignIn) -> Result<Found, Error> {
    let token = token(session, sign_in).await?;
    let account = shown::if_it_is_one(&sign_in.account_id, validity::is_account);
    let role = format!(
        "the role {} in the account {account}",
        shown::if_it_is_one(&sign_in.role_name, validity::is_role_name)
    );
    let config = session.sso().region(Region::new(sign_in.region.clone()));
    let request = aws_sdk_sso::Client::from_conf(config.build())
        .get_role_credentials()
        .account_id(&sign_in.account_id)
        .role_name(&sign_in.role_name)
        .access_token(&token);
    let meaning = |error: SdkError<GetRoleCredentialsError, HttpResponse>| {
        let is_over = error.as_service_error().is_some_and(GetRoleCredentialsError::is_unauthorized_exception);
        match is_over {
            true => sign_in.failed(EXPIRED).into(),
            false => answer::meaning(&error, SERVICE, &[&token]),
        }
    };
    let attempt = || {
        let output = request.clone().send();
        async { output.await.map_err(meaning) }
    };
    let output =
        session.patience.call(SERVICE, "sso:GetRoleCredentials", attempt).await.map_err(|error| match error {
            Error::AccessDenied { answer: problem, .. } | Error::InvalidParameter(problem) | Error::Other(problem) => {
                Error::Source { what: format!("{SERVICE}, for {role},"), problem }
            }
            other => other,
        })?;
    let keys = output.role_credentials.and_then(|keys| {
        let expiry = u64::try_from(keys.expiration).ok().filter(|expiry| *expiry > 0);
        let expiry = expiry.and_then(|expiry| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(expiry)));
        Some(Credentials::new(keys.access_key_id?, keys.secret_access_key?, keys.session_token, expiry, "SSO"))
    });
    let keys = keys.ok_or(Error::Incomplete("no credentials of the SSO role"))?;
    Ok(Found::new(keys, format!("SSO, {role}")))
}

/// Checks that there is a cached token that lasts or can be renewed.
///
/// # Errors
///
/// [`Error::Sso`].
pub(super) async fn check(sign_in: &SignIn) -> Result<(), Error> {
    let cached = Cached::read(sign_in).await?;
    match cached.lasts_until(SystemTime::now()) || cached.renewal().is_some() {
        true => Ok(()),
        false => Err(sign_in.failed(EXPIRED)),
    }
}

/// A token that was cached, with all that its file holds.
///
/// There is no `Debug`: it holds keys.
struct Cached {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl Cached {
    /// The cached token of a sign-in, which the AWS CLI keeps under the hash of its name.
    async fn read(sign_in: &SignIn) -> Result<Self, Error> {
        const NOT_UNDERSTOOD: &str = "is kept in a file that cannot be read or is not understood";
        let name: String = Sha1::digest(&sign_in.cache).iter().map(|byte| format!("{byte:02x}")).collect();
        let home = files::home().unwrap_or_default();
        let path = home.join(".aws/sso/cache").join(name).with_extension("json");
        let bytes = files::read(&path).await.map_err(|unread| match unread.is_absent() {
            true => sign_in.failed("was not found: nobody has signed in on this machine"),
            false => sign_in.failed(NOT_UNDERSTOOD),
        })?;
        let fields = json::text(&bytes).ok().and_then(|text| serde_json::from_str(&text).ok());
        let Members(fields) = fields.ok_or_else(|| sign_in.failed(NOT_UNDERSTOOD))?;
        let cached = Self { path, fields };
        match cached.token().is_some() && cached.expiry().is_some() {
            true => Ok(cached),
            false => Err(sign_in.failed(NOT_UNDERSTOOD)),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The token, if a request can carry it.
    fn token(&self) -> Option<&str> {
        self.text("accessToken").filter(|token| is_sendable(token))
    }

    fn expiry(&self) -> Option<SystemTime> {
        json::time(self.text("expiresAt")?)
    }

    /// Whether the token can be used until `then`.
    fn lasts_until(&self, then: SystemTime) -> bool {
        self.expiry().is_some_and(|expiry| expiry > then)
    }

    /// What renews the token: the client's id and secret, and the refresh token.
    fn renewal(&self) -> Option<[&str; 3]> {
        Some([self.text("clientId")?, self.text("clientSecret")?, self.text("refreshToken")?])
    }

    /// Keeps the token where the AWS CLI finds it, in place of the old one and for the same people.
    fn write(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(&self.fields)?)?;
        system::keep_mode(file.as_file(), &self.path)?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// The token of a sign-in, renewed if it is over or soon will be.
async fn token(session: &Session, sign_in: &SignIn) -> Result<String, Error> {
    let mut cached = Cached::read(sign_in).await?;
    let now = SystemTime::now();
    if !cached.lasts_until(now + EARLY) {
        match renew(session, sign_in, &mut cached).await {
            Ok(()) => keep(&mut cached).await,
            // Until it ends, it serves as it is.
            Err(_) if cached.lasts_until(now) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(cached.token().unwrap_or_default().to_owned())
}

fn is_sendable(token: &str) -> bool {
    HeaderValue::from_str(token).is_ok()
}

/// Renews the token by what `aws sso login` left beside it.
async fn renew(session: &Session, sign_in: &SignIn, cached: &mut Cached) -> Result<(), Error> {
    let [client, secret, refresh] = cached.renewal().ok_or_else(|| sign_in.failed(EXPIRED))?;
    let config = session.sso_oidc().region(Region::new(sign_in.region.clone())).build();
    let request = aws_sdk_ssooidc::Client::from_conf(config).create_token();
    let request = request.client_id(client).client_secret(secret).refresh_token(refresh).grant_type("refresh_token");
    // Until the old one ends, it serves as it is.
    let is_needed = !cached.lasts_until(SystemTime::now());
    let meaning = |error: SdkError<CreateTokenError, HttpResponse>| {
        let failure = answer::meaning(&error, TOKEN_SERVICE, &[client, secret, refresh]);
        match failure.kind {
            Kind::Refused if error.as_service_error().is_some() => sign_in.failed(EXPIRED).into(),
            _ if is_needed => failure,
            _ => failure.error.into(),
        }
    };
    let attempt = || {
        let output = request.clone().send();
        async { output.await.map_err(meaning) }
    };
    let output = session.patience.call(TOKEN_SERVICE, "sso-oauth:CreateToken", attempt).await?;
    let token = output.access_token.filter(|token| is_sendable(token)).ok_or(Error::Incomplete("no SSO token"))?;
    let seconds = u64::try_from(output.expires_in).unwrap_or_default();
    let expiry = DateTime::from(SystemTime::now() + Duration::from_secs(seconds));
    let expiry = DateTime::from_secs(expiry.secs()).fmt(Format::DateTime);
    let expiry = expiry.map_err(|_| Error::Incomplete("an end of the SSO token that is no date"))?;
    let renewed = [("accessToken", Some(token)), ("expiresAt", Some(expiry)), ("refreshToken", output.refresh_token)];
    for (key, text) in renewed {
        if let Some(text) = text {
            cached.fields.insert(key.to_owned(), text.into());
        }
    }
    Ok(())
}

/// Keeps a token that was renewed for others. Where that is not possible, it serves here all the same.
async fn keep(cached: &mut Cached) {
    let copy = Cached { path: cached.path.clone(), fields: cached.fields.clone() };
    let written = timeout(files::TIMEOUT, spawn_blocking(move || copy.write())).await;
    let written = written.map_err(io::Error::other).and_then(|written| written.map_err(io::Error::other));
    if let Some(error) = written.and_then(|written| written).err() {
        log::warn!("the SSO token was renewed, but cannot be kept in {}: {error}", shown::path(&cached.path));
    }
}
