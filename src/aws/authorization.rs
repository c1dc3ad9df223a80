use aws_smithy_types::{DateTime, date_time::Format};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Error, region, validity};

/// Whose images a token gives access to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Registry {
    /// A registry of Amazon ECR.
    Private {
        /// The 12 digits of the AWS account that owns it; `None`: the caller's own.
        id: Option<String>,
        /// The Region, for example `eu-west-1`.
        region: String,
    },
    /// Amazon ECR Public.
    Public,
}

impl Registry {
    /// The public one, for a program in `region`.
    ///
    /// # Errors
    ///
    /// [`Error::NotPublic`] in partitions without it.
    pub fn public(region: &str) -> Result<Self, Error> {
        match region::partition(region) {
            region::COMMERCIAL => Ok(Self::Public),
            partition => Err(Error::NotPublic { region: region.to_owned(), partition }),
        }
    }

    /// The caller's own registry by its id, which the answer for it tells.
    pub fn named_by(&self, data: &AuthorizationData) -> Option<Self> {
        match self {
            Self::Private { id: None, region } => {
                let id = account(data.proxy_endpoint.as_deref())?.to_owned();
                Some(Self::Private { id: Some(id), region: region.clone() })
            }
            _ => None,
        }
    }
}

/// What GetAuthorizationToken returns for one registry, and what is inside.
///
/// There is no `Debug`: it holds a token.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationData {
    /// base64 of `userName:password`.
    pub authorization_token: String,
    /// The user name in the token.
    pub user_name: String,
    /// The password in the token.
    pub password: String,
    /// When the token expires: Unix time, seconds.
    pub expires_at: i64,
    /// The same as text: RFC 3339, whole seconds, UTC.
    pub expires_at_date: String,
    /// The registry's URL, with `https://`. ECR Public has none.
    pub proxy_endpoint: Option<String>,
}

impl AuthorizationData {
    /// The data of a token that expires at a Unix time, in seconds, and serves the registry at `proxy_endpoint`.
    ///
    /// # Errors
    ///
    /// [`Error::Incomplete`] when the token is not base64 of a user name and a password, or the time is no date.
    pub fn new(authorization_token: String, expires_at: i64, proxy_endpoint: Option<String>) -> Result<Self, Error> {
        let (user_name, password) = decode_token(&authorization_token)?;
        let expires_at_date = DateTime::from_secs(expires_at).fmt(Format::DateTime);
        let expires_at_date = expires_at_date.map_err(|_| Error::Incomplete("a time of expiry that is no date"))?;
        Ok(Self { authorization_token, user_name, password, expires_at, expires_at_date, proxy_endpoint })
    }
}

/// How long a token may be, in bytes: many are kept. Those of AWS have less than a tenth of it.
const LONGEST: usize = 32 * 1024;

/// What an answer says of a token, as far as it does.
pub(super) fn read(
    token: Option<String>,
    expires_at: Option<DateTime>,
    proxy_endpoint: Option<String>,
) -> Result<AuthorizationData, Error> {
    let token = token.ok_or(Error::Incomplete("no authorization token"))?;
    if token.len() > LONGEST {
        return Err(Error::Incomplete("an authorization token that is longer than any of AWS's"));
    }
    let expires_at = expires_at.ok_or(Error::Incomplete("no time at which the token expires"))?;
    AuthorizationData::new(token, expires_at.secs(), proxy_endpoint)
}

/// Whether an endpoint names the registry of another account. Those of other forms name none: emulators have their own.
pub(super) fn is_of_another(proxy_endpoint: Option<&str>, registry_id: Option<&str>) -> bool {
    account(proxy_endpoint).is_some_and(|account| registry_id.is_some_and(|id| id != account))
}

/// The account in an endpoint of the form that AWS's own have.
fn account(proxy_endpoint: Option<&str>) -> Option<&str> {
    let (account, _) = proxy_endpoint?.strip_prefix("https://")?.split_once(".dkr")?;
    Some(account).filter(|account| validity::is_account(account))
}

/// The user name and the password inside a token: base64 of the two with one `:` between them.
fn decode_token(token: &str) -> Result<(String, String), Error> {
    let decoded = BASE64_STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or(Error::Incomplete("an authorization token that is not base64 of text"))?;
    match decoded.split(':').collect::<Vec<_>>()[..] {
        [user_name, password] if !user_name.is_empty() && !password.is_empty() => {
            Ok((user_name.to_owned(), password.to_owned()))
        }
        _ => Err(Error::Incomplete("an authorization token that is not base64 of `userName:password`")),
    }
}
