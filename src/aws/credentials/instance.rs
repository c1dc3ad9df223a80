//! The credentials that Amazon EC2 hands to instances, from the instance metadata service (IMDS).

use std::time::Duration;

use super::{
    super::{
        Error,
        patience::{Failure, Kind},
        plain_requests::{self, Limits, Reply},
        session::Session,
        settings::variable,
        validity,
    },
    Found,
    json::Object,
};
use crate::redaction::Secrets;

/// Where the name of the instance's role is, and below it its credentials.
const ROLE: &str = "/latest/meta-data/iam/security-credentials/";
/// Where the service tells of the instance itself.
const DOCUMENT: &str = "/latest/dynamic/instance-identity/document";
/// Where session tokens are, which the service's first version does not have.
const TOKEN: &str = "/latest/api/token";

const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

/// Short, since most machines have no such service: it fails after about three seconds.
const LIMITS: Limits = Limits { connect: Duration::from_secs(1), answer: Duration::from_secs(2) };

const SERVICE: &str = "the instance metadata service";

/// How much of what the service says of a failure is shown.
const SHOWN: usize = 300;

/// Asks the metadata service for credentials, unless that is disabled. The inner error says why there are none.
///
/// # Errors
///
/// [`Error::Source`] for a role without credentials, and settings without a meaning.
pub(super) async fn credentials(session: &Session) -> Result<Result<Found, String>, Error> {
    let what = SERVICE;
    if let Some(why_not) = disabled(session)? {
        return Ok(Err(why_not));
    }
    let mut service = match Service::open(session).await? {
        Ok(service) => service,
        Err(problem) => return Ok(Err(format!("{what} ({problem})"))),
    };
    let role = match service.get(ROLE).await {
        Ok(role) => String::from_utf8_lossy(&role).lines().next().unwrap_or_default().trim().to_owned(),
        Err(problem) => return Ok(Err(format!("{what} ({problem})"))),
    };
    let failed = |problem| Error::Source { what: what.to_owned(), problem };
    let role = path(&role).ok_or_else(|| failed("it does not name a role".to_owned()))?;
    let keys = service.get(&format!("{ROLE}{role}")).await.map_err(failed)?;
    let keys = Object::new(&keys).map_err(failed)?;
    if let Some(problem) = refusal(&keys, service.token.as_deref()) {
        return Err(failed(problem));
    }
    let credentials = keys.credentials("Token", "instance metadata").map_err(failed)?;
    Ok(Ok(Found::new(credentials, format!("{what}, for the role {role}"))))
}

/// The Region of the instance, if the service tells.
pub(super) async fn region(session: &Session) -> Option<String> {
    if disabled(session).ok()?.is_some() {
        return None;
    }
    let document = Service::open(session).await.ok()?.ok()?.get(DOCUMENT).await.ok()?;
    Object::new(&document).ok()?.text("region").ok()?.map(str::to_owned)
}

/// What AWS says of a role that it has no credentials for: under status 200, too.
fn refusal(keys: &Object, token: Option<&str>) -> Option<String> {
    let code = keys.text("Code").ok()?.filter(|code| !code.eq_ignore_ascii_case("Success"))?;
    let message = keys.text("Message").ok()?.unwrap_or_default();
    let secrets = ["SecretAccessKey", "Token"].map(|key| keys.text(key).ok().flatten());
    let secrets = Secrets::new(secrets.into_iter().chain([token]).flatten());
    Some(format!("AWS answered: {}", secrets.show(&format!("{message} ({code})"), SHOWN)))
}

/// Why the service is not asked at all, if that is so.
///
/// # Errors
///
/// [`Error::Setting`] for a variable without a meaning.
pub(super) fn disabled(session: &Session) -> Result<Option<String>, Error> {
    Ok(disabled_by(session)?.map(|what| format!("{SERVICE} (disabled by {what})")))
}

/// What disables the service. The configuration wins over the environment, in which the provider's own variable wins.
fn disabled_by(session: &Session) -> Result<Option<String>, Error> {
    const SKIPPED: &str = "AWS_SKIP_METADATA_API_CHECK";
    const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
    match session.configuration.skip_metadata_api_check {
        Some(true) => return Ok(Some(session.configuration.namespace.key("skipMetadataApiCheck"))),
        Some(false) => return Ok(None),
        None => {}
    }
    match variable(SKIPPED).map(|value| value.to_ascii_lowercase()).as_deref() {
        None => {}
        Some("false" | "f" | "0") => return Ok(None),
        Some("true" | "t" | "1") => return Ok(Some(SKIPPED.to_owned())),
        Some(_) => {
            let problem = "is neither true nor false".to_owned();
            return Err(Error::Setting { name: SKIPPED.to_owned(), problem });
        }
    }
    let is_disabled = variable(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    Ok(is_disabled.then(|| DISABLED.to_owned()))
}

/// The URL of the service.
fn endpoint(session: &Session) -> Result<String, Error> {
    const URL: &str = "ec2_metadata_service_endpoint";
    const OLDER: &str = "AWS_METADATA_URL";
    let (configuration, settings) = (&session.configuration, &session.settings);
    // Without a path, as the SDK for Go has it.
    let is_url = |url: &str| {
        let uri = validity::is_url(url).then(|| validity::called(url).parse::<http::Uri>().ok()).flatten()?;
        Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
    };
    let configured = configuration.ec2_metadata_service_endpoint.as_deref().and_then(is_url);
    let older = variable(OLDER).filter(|_| variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").is_none());
    if let Some(url) = configured {
        return Ok(url);
    }
    if let Some(url) = older {
        let problem = "is not a URL".to_owned();
        return is_url(&url).ok_or_else(|| Error::Setting { name: OLDER.to_owned(), problem });
    }
    if let Some(url) = settings.setting(URL, is_url, "is not a URL")? {
        return Ok(url);
    }
    let address = match configuration.ec2_metadata_service_endpoint_mode.as_deref().and_then(address) {
        Some(address) => Some(address),
        None => settings.setting("ec2_metadata_service_endpoint_mode", address, "is neither IPv4 nor IPv6")?,
    };
    Ok(address.unwrap_or(IPV4).to_owned())
}

fn address(mode: &str) -> Option<&'static str> {
    match mode.to_ascii_lowercase().as_str() {
        "ipv4" => Some(IPV4),
        "ipv6" => Some(IPV6),
        _ => None,
    }
}

/// The metadata service, in its second version with a session token, in its first without one.
struct Service<'a> {
    session: &'a Session,
    url: String,
    token: Option<String>,
    /// Whether the user says where it is, or it has answered.
    is_there: bool,
}

impl<'a> Service<'a> {
    /// Asks for a session token. A service that has none to give is asked without one, unless that is disabled.
    async fn open(session: &'a Session) -> Result<Result<Self, String>, Error> {
        let url = endpoint(session)?;
        let is_there = ![IPV4, IPV6].contains(&url.as_str());
        let first_is_disabled = session.settings.boolean("ec2_metadata_v1_disabled")? == Some(true);
        let mut service = Self { session, url, token: None, is_there };
        match service.ask_for_token().await {
            Ok(Reply { status: 200..300, body, .. }) => service.token = token(&body),
            Ok(reply) if first_is_disabled || reply.status == 400 => return Ok(Err(status(reply.status))),
            Ok(_) => {}
            Err(error)
                if !first_is_disabled
                    && matches!(error.at_each_try(), Error::Timeout { .. } | Error::Source { .. }) => {}
            Err(error) => return Ok(Err(problem(error))),
        }
        service.is_there |= service.token.is_some();
        Ok(Ok(service))
    }

    async fn ask_for_token(&self) -> Result<Reply, Error> {
        let life = [("x-aws-ec2-metadata-token-ttl-seconds", "21600")];
        let attempt = || async {
            self.send("PUT", TOKEN, &life).await.map_err(|failure| match failure.error {
                // Its second version may be out of a container's reach.
                Error::Timeout { .. } => failure.error.into(),
                _ => failure,
            })
        };
        self.session.patience.call(SERVICE, "PUT", attempt).await
    }

    async fn ask(&self, path: &str) -> Result<Reply, String> {
        let token: Vec<_> = self.token.iter().map(|token| ("x-aws-ec2-metadata-token", token.as_str())).collect();
        self.session.patience.call(SERVICE, "GET", || self.send("GET", path, &token)).await.map_err(problem)
    }

    async fn get(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let mut reply = self.ask(path).await?;
        self.is_there = true;
        // It wants a token, which it may have been too busy to give, or another one.
        if reply.status == 401
            && let Ok(Reply { status: 200..300, body, .. }) = self.ask_for_token().await
        {
            self.token = token(&body);
            reply = self.ask(path).await?;
        }
        match reply {
            Reply { status: 200..300, body, .. } => Ok(body),
            Reply { status: 404, .. } => Err("it has no role for this instance".to_owned()),
            reply => Err(status(reply.status)),
        }
    }

    /// Sends a request once. Unless the service is known to be there, silence says that it is not.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Reply, Failure> {
        let reply =
            plain_requests::send(&self.session.http, method, &format!("{}{path}", self.url), headers, LIMITS).await;
        match reply {
            Ok(mut reply) => match reply.failure.take_if(|failure| failure.kind != Kind::Refused) {
                Some(failure) => {
                    Err(failure.map(|_| Error::Source { what: SERVICE.to_owned(), problem: status(reply.status) }))
                }
                None => Ok(reply),
            },
            Err(failure) => match failure.kind {
                Kind::Network | Kind::Absent if !self.is_there => Err(failure.error.into()),
                _ => Err(failure),
            },
        }
    }
}

fn problem(error: Error) -> String {
    match error {
        Error::Source { problem, .. } => problem,
        Error::Lasting { error, .. } => problem(*error),
        other => other.to_string(),
    }
}

fn status(status: u16) -> String {
    format!("it answered with HTTP status {status}")
}

/// The session token in an answer.
fn token(body: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(body).trim().to_owned()).filter(|token| is_header(token))
}

fn is_header(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The longest ARN, which some services tell in place of a name.
const LONGEST_ROLE: usize = 2048;

/// A role's name as a path, as Go writes one: services that stand in for that of EC2 have roles with paths, and ARNs.
/// `None`: it is none.
fn path(role: &str) -> Option<String> {
    let is_page = role.chars().any(|char| char.is_control() || "<>{}\"".contains(char));
    let parts: Vec<_> = role.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_role = !is_page && !parts.contains(&"..") && !parts.is_empty() && role.len() <= LONGEST_ROLE;
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~$&+,:;=@".contains(&byte);
    is_role.then(|| validity::percent_encoded(parts.join("/").as_bytes(), stays))
}
