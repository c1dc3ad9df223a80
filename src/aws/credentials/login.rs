//! The credentials that `aws login` left behind.

use std::{path::PathBuf, time::SystemTime};

use aws_credential_types::Credentials;
use sha2::{Digest, Sha256};

use super::{
    super::{Error, files, settings::variable, shown},
    Found,
    json::{self, Object},
};

const NOT_UNDERSTOOD: &str = "is kept in a file that cannot be read or is not understood";

/// What a profile says of its sign-in.
pub(super) struct Login {
    /// The profile.
    pub(super) profile: String,
    /// Its `login_session`.
    pub(super) session: String,
}

impl Login {
    fn failed(&self, problem: &'static str) -> Error {
        Error::Login { profile: shown::name(&self.profile), problem }
    }

    /// Where the AWS CLI keeps the credentials: under the hash of the session.
    fn path(&self) -> Option<PathBuf> {
        let folder = match variable("AWS_LOGIN_CACHE_DIRECTORY") {
            Some(folder) => files::path(&folder),
            None => files::home()?.join(".aws/login/cache"),
        };
        let name: String = Sha256::digest(self.session.trim()).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(folder.join(name).with_extension("json"))
    }
}

/// Reads the credentials.
///
/// # Errors
///
/// [`Error::Login`] when there are none or they are over.
pub(super) async fn credentials(login: &Login) -> Result<Found, Error> {
    let path = login.path().ok_or_else(|| login.failed("was not found: there is no home folder"))?;
    let bytes = files::read(&path).await.map_err(|unread| match unread.is_absent() {
        true => login.failed("was not found: nobody has signed in on this machine"),
        false => login.failed(NOT_UNDERSTOOD),
    })?;
    let credentials = parse(&bytes).ok_or_else(|| login.failed(NOT_UNDERSTOOD))?;
    match credentials.expiry().is_some_and(|expiry| expiry > SystemTime::now()) {
        true => Ok(Found::new(credentials, "aws login")),
        false => Err(login.failed("has expired")),
    }
}

fn parse(json: &[u8]) -> Option<Credentials> {
    let keys = Object::new(json).ok()?.object("accessToken")?;
    let text = |key| keys.text(key).ok()?.filter(|text| !text.is_empty()).map(str::to_owned);
    let (access_key, secret_key, token) = (text("accessKeyId")?, text("secretAccessKey")?, text("sessionToken")?);
    Some(Credentials::new(access_key, secret_key, Some(token), json::time(&text("expiresAt")?), "aws login"))
}
