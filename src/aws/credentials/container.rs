//! The credentials that Amazon ECS and Amazon EKS hand to containers.

use std::{net::IpAddr, time::Duration};

use http::Uri;
use tokio::net::lookup_host;

use super::{
    super::{
        Error, answer, files,
        patience::Failure,
        plain_requests::{self, Limits, Reply},
        session::Session,
        settings::variable,
        validity,
    },
    Found,
    json::Object,
};
use crate::redaction::Secrets;

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

const LIMITS: Limits = Limits { connect: Duration::from_secs(2), answer: Duration::from_secs(15) };

/// How much of what the service says of a failure is shown.
const SHOWN: usize = 300;

/// How long the last part of a path is that is an identifier, and no word.
const ID: usize = 16;

fn invalid(name: &str, problem: impl Into<String>) -> Error {
    Error::Setting { name: name.to_owned(), problem: problem.into() }
}

/// The URL of the container's service, or why there is none.
///
/// # Errors
///
/// [`Error::Setting`] for a variable that names none.
pub(super) fn url() -> Result<Result<String, String>, Error> {
    let url = match (variable(RELATIVE), variable(FULL)) {
        (Some(path), _) if !path.starts_with('/') => return Err(invalid(RELATIVE, "must begin with a slash")),
        (Some(path), _) => (RELATIVE, format!("http://169.254.170.2{path}")),
        (None, Some(url)) => (FULL, url),
        (None, None) => return Ok(Err(format!("the container's service (neither {RELATIVE} nor {FULL} is set)"))),
    };
    match url {
        (_, url) if validity::is_url(&url) => Ok(Ok(validity::called(&url))),
        (name, _) => Err(invalid(name, "is not a URL")),
    }
}

/// Asks the service.
///
/// # Errors
///
/// [`Error::Source`] for an answer without credentials, and whatever keeps the service from answering.
pub(super) async fn credentials(session: &Session, url: &str) -> Result<Found, Error> {
    let what = title(url);
    let no_use = |problem| Error::Source { what: what.clone(), problem };
    let attempt = || async {
        check_host(url).await?;
        let token = token().await?;
        let headers = token.iter().map(|token| ("authorization", token.as_str()));
        let headers: Vec<_> = [("accept", "application/json")].into_iter().chain(headers).collect();
        let reply = plain_requests::send(&session.http, "GET", url, &headers, LIMITS).await;
        let mut reply = reply.map_err(|failure| {
            failure.map(|error| match error {
                Error::Timeout { proxy, .. } => Error::Timeout { target: what.clone(), proxy },
                other => other,
            })
        })?;
        match reply.failure.take() {
            Some(failure) => Err(failure.map(|_| no_use(refusal(&reply, token.as_deref(), url)))),
            None => Ok(reply),
        }
    };
    let reply = session.patience.call(&what, "", attempt).await?;
    let credentials = Object::new(&reply.body).and_then(|keys| keys.credentials("Token", "container"));
    Ok(Found::new(credentials.map_err(no_use)?, what))
}

/// What the service at `url` is called, for people: who knows its path gets the credentials.
pub(super) fn title(url: &str) -> String {
    format!("the container's service at {}", validity::origin(url))
}

/// What the service says of a failure, in JSON or as text.
fn refusal(reply: &Reply, token: Option<&str>, url: &str) -> String {
    let object = Object::new(&reply.body).ok();
    let text = |key| object.as_ref()?.text(key).ok()?.map(str::to_owned);
    let said = match (text("message"), text("code")) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (message, code) => message.or(code).unwrap_or_else(|| String::from_utf8_lossy(&reply.body).into_owned()),
    };
    let url = url.parse::<Uri>().unwrap_or_default();
    let (path, query) = (url.path(), url.query().unwrap_or_default());
    let id = path.rsplit('/').next().filter(|id| id.len() >= ID);
    let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    let said = Secrets::new([path, query].into_iter().chain(id).chain(token).chain(values)).show(&said, SHOWN);
    format!("it answered with HTTP status {}{}", reply.status, if said.is_empty() { said } else { format!(": {said}") })
}

/// What authorizes the container, which is replaced in its file before it is over.
async fn token() -> Result<Option<String>, Error> {
    let (name, token) = match variable(TOKEN_FILE) {
        None => (TOKEN, variable(TOKEN)),
        Some(file) => {
            let path = files::path(&file);
            let bytes = files::read(&path).await;
            let bytes =
                bytes.map_err(|unread| invalid(TOKEN_FILE, format!("names a file that {}", unread.problem())))?;
            (TOKEN_FILE, Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()))
        }
    };
    match token {
        Some(token) if token.chars().any(|char| char != '\t' && !(' '..='~').contains(&char)) => {
            Err(invalid(name, "holds what no header can hold"))
        }
        token => Ok(token.filter(|token| !token.is_empty())),
    }
}

/// Checks that what is sent unencrypted stays on this machine or the link: it authorizes the container.
async fn check_host(url: &str) -> Result<(), Failure> {
    let Ok(url) = url.parse::<Uri>() else { return Err(invalid(FULL, "is not a URL").into()) };
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    if url.scheme_str() == Some("https") || host.parse().is_ok_and(is_of_container) {
        return Ok(());
    }
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        // The system may take a number for an address, a proxy is asked for it all the same.
        Err(_) if is_number(host) => Vec::new(),
        Err(_) => match lookup_host((host, 0)).await {
            Ok(addresses) => addresses.map(|address| address.ip()).collect(),
            Err(error) => {
                let kind = answer::kind_of_look_up(host, &error.to_string());
                return Err(Failure::new(
                    kind,
                    invalid(FULL, format!("names a host that cannot be looked up: {error}")),
                ));
            }
        },
    };
    match !addresses.is_empty() && addresses.into_iter().all(is_of_container) {
        true => Ok(()),
        false => {
            Err(invalid(FULL, "names neither this machine nor the service of ECS or EKS, and has no https").into())
        }
    }
}

fn is_of_container(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let services = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
    ip.is_loopback() || services.iter().any(|service| service.parse() == Ok(ip))
}

/// Whether a host is written as a number, such as `2130706433` or `127.1`.
fn is_number(host: &str) -> bool {
    host.trim_end_matches('.')
        .rsplit('.')
        .next()
        .is_some_and(|label| label.starts_with(|char: char| char.is_ascii_digit()))
}
