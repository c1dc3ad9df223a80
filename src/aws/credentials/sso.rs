//! IAM Identity Center (SSO): the token that `aws sso login` left behind, in exchange for credentials of a role.

use std::{
    error::Error as _,
    io,
    time::{Duration, SystemTime},
};

use aws_config::{Region, sso::SsoTokenProvider};
use aws_credential_types::{Credentials, provider::token::ProvideToken};
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_smithy_runtime_api::client::identity::http::Token;

use super::{
    super::{Error, answer, interceptors::Tries, session::Session},
    Found,
};

/// What a profile says of its sign-in.
pub(super) struct SignIn {
    /// The account of the role.
    pub(super) account_id: String,
    /// The role.
    pub(super) role_name: String,
    /// The Region of IAM Identity Center.
    pub(super) region: String,
    /// The name of the cached token: that of the session, in older profiles the start URL.
    pub(super) cache: String,
    /// The start URL.
    pub(super) start_url: String,
}

/// Exchanges the cached token of `profile`, which is refreshed where that is possible, for credentials.
///
/// # Errors
///
/// [`Error::Sso`] when there is no token or it is over.
pub(super) async fn credentials(session: &Session, profile: &str, sign_in: &SignIn) -> Result<Found, Error> {
    let token = token(session, profile, sign_in).await?;
    let config = session.sso().region(Region::new(sign_in.region.clone()));
    let tries = Tries::default();
    let output = aws_sdk_sso::Client::from_conf(config.build())
        .get_role_credentials()
        .account_id(&sign_in.account_id)
        .role_name(&sign_in.role_name)
        .access_token(token.token())
        .customize()
        .interceptor(tries.clone())
        .send()
        .await;
    let output = output.map_err(|error| {
        let is_over = error.as_service_error().is_some_and(GetRoleCredentialsError::is_unauthorized_exception);
        if is_over {
            return Error::Sso { profile: profile.to_owned(), problem: "has expired" };
        }
        match answer::meaning(&error, "IAM Identity Center", tries.count(), &[token.token()]) {
            Error::AccessDenied { answer: problem, .. } | Error::InvalidParameter(problem) | Error::Other(problem) => {
                let what = format!("the role {} in the account {}", sign_in.role_name, sign_in.account_id);
                Error::Source { what: format!("IAM Identity Center, for {what},"), problem }
            }
            other => other,
        }
    })?;
    let keys = output.role_credentials.and_then(|keys| {
        let expiry = u64::try_from(keys.expiration).ok().filter(|expiry| *expiry > 0);
        let expiry = expiry.map(|expiry| SystemTime::UNIX_EPOCH + Duration::from_millis(expiry));
        Some(Credentials::new(keys.access_key_id?, keys.secret_access_key?, keys.session_token, expiry, "SSO"))
    });
    let keys = keys.ok_or(Error::Incomplete("no credentials of the SSO role"))?;
    Ok(Found::new(keys, format!("SSO, the role {} in the account {}", sign_in.role_name, sign_in.account_id)))
}

async fn token(session: &Session, profile: &str, sign_in: &SignIn) -> Result<Token, Error> {
    let provider = SsoTokenProvider::builder()
        .configure(&session.sdk)
        .region(Region::new(sign_in.region.clone()))
        .session_name(&sign_in.cache)
        .start_url(&sign_in.start_url)
        .build()
        .await;
    let token = provider.provide_token().await;
    token.map_err(|error| {
        // The SDK's type of this error is private; it gives its cause in the old way alone, and only its text tells an
        // old token from one that is not understood.
        #[allow(deprecated)]
        let cause = error.source().and_then(|error| error.cause()).and_then(|cause| cause.source());
        let problem = match cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
            Some(error) if error.kind() == io::ErrorKind::NotFound => {
                "was not found: nobody has signed in on this machine"
            }
            _ if answer::root_cause(&error).contains("expired") => "has expired",
            _ => "is kept in a file that cannot be read or written, or is not understood",
        };
        Error::Sso { profile: profile.to_owned(), problem }
    })
}
