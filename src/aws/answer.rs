//! What the SDK's errors mean.

use std::{
    error, io,
    time::{Duration, SystemTime},
};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{DateTime, date_time::Format, error::metadata::ProvideErrorMetadata};

use super::{
    Error,
    bounded_answers::Refused,
    http::{self, Failed},
    patience::{Failure, Kind},
    proxies::{self, NoWay},
    trust,
};
use crate::{redaction::Secrets, system};

/// What kept a try of a call from its result. Only AWS's own message and the connection's problem go into the text,
/// without `secrets`: AWS quotes the request when it refuses a signature. `service` is called so where no URL is known.
pub(super) fn meaning<E>(error: &SdkError<E, HttpResponse>, service: &str, secrets: &[&str]) -> Failure
where
    E: ProvideErrorMetadata + error::Error + 'static,
{
    if let Some(NoWay(error)) = find(error) {
        return error.clone().into();
    }
    let failure = match error {
        SdkError::ServiceError(context) => {
            let failure = from_answer(context.err(), context.raw().status().as_u16(), secrets);
            let is_about_clocks = context.err().code().is_some_and(may_be_about_time) && clocks_differ(context.raw());
            if is_about_clocks { Failure { kind: Kind::Clock, ..failure } } else { failure }
        }
        SdkError::DispatchFailure(failure) if find::<Failed>(error).is_some() => {
            from_connection(error, failure.is_timeout())
        }
        SdkError::TimeoutError(_) => {
            Failure::new(Kind::Network, Error::Timeout { target: service.to_owned(), proxy: None })
        }
        SdkError::ResponseError(context) if context.raw().status().is_success() => from_success(error, secrets),
        SdkError::ResponseError(context) => from_status(context.raw().status().as_u16()),
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => {
            Error::Endpoint(shown(&root_cause(error), secrets)).into()
        }
        _ => Error::Other(shown(&root_cause(error), secrets)).into(),
    };
    Failure { retry_after: error.raw_response().and_then(retry_after), ..failure }
}

/// What kept a request from an answer, when `error` is from a library that does not say how.
pub(super) fn connection(error: &(dyn error::Error + 'static)) -> Option<Failure> {
    if let Some(NoWay(error)) = find(error) {
        return Some(error.clone().into());
    }
    find::<Failed>(error).map(|_| from_connection(error, is_timeout(error)))
}

/// What an answer says by its status alone, unless it is a success.
pub(super) fn status(response: &HttpResponse) -> Option<Failure> {
    let status = response.status();
    let failure = (!status.is_success()).then(|| from_status(status.as_u16()))?;
    Some(Failure { retry_after: retry_after(response), ..failure })
}

/// How long the service asks to be left alone: AWS in milliseconds, others in seconds or by a date.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let header = |name: &str| response.headers().get(name).map(str::trim);
    if let Some(milliseconds) = header("x-amz-retry-after").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(milliseconds));
    }
    let text = header("retry-after")?;
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            // By the clock that wrote it.
            let now = DateTime::from(SystemTime::now()).secs() - http::skew(response).unwrap_or_default();
            let then = DateTime::from_str(text, Format::HttpDate).ok()?.secs();
            u64::try_from(then - now).ok().map(Duration::from_secs)
        }
    }
}

fn is_timeout(error: &(dyn error::Error + 'static)) -> bool {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    find::<ConnectorError>(error).is_some_and(ConnectorError::is_timeout)
}

/// The permission that is missing, until [`Error::needing`] names it.
const UNNAMED: &str = "that the call needs";

/// How much of AWS's message is shown.
const SHOWN: usize = 500;

/// Where AWS's message on a refused signature begins to quote the request, headers included.
const QUOTED_REQUEST: &str = "The Canonical String";

/// What AWS STS says of a web identity token that may be good: it did not reach who issued it.
const NO_VERIFICATION_KEY: &str = "Couldn't retrieve verification key from your identity provider";

/// What a server says, on one line, without secrets and the request that it may quote.
fn shown(message: &str, secrets: &[&str]) -> String {
    let own = message.split(QUOTED_REQUEST).next().unwrap_or_default();
    let passwords = proxies::passwords();
    Secrets::new(secrets.iter().map(|text| (*text).to_owned()).chain(passwords)).show(own, SHOWN)
}

fn from_answer(answer: &impl ProvideErrorMetadata, status: u16, secrets: &[&str]) -> Failure {
    let Some(code) = answer.code() else { return from_status(status) };
    let (code, message) = (shown(code, secrets), shown(answer.message().unwrap_or_default(), secrets));
    let (code, message) = (code.as_str(), message.as_str());
    let text = if message.is_empty() { code.to_owned() } else { format!("{message} ({code})") };
    let error = match code {
        // Whatever the code is: who has too much to do, or is ill, knows nothing of the rest.
        _ if is_throttling(code) || status == 429 => {
            return Failure::new(Kind::Throttled, Error::Throttled { answer: text, tries: 1 });
        }
        _ if status == 408 || status >= 500 => return Failure::new(kind_of_fault(status), Error::Server(text)),
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "OptInRequired" => {
            Error::AccessDenied { answer: text, action: UNNAMED }
        }
        "ExpiredToken" | "ExpiredTokenException" => Error::ExpiredCredentials(text),
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Error::ClockSkew(text),
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure" if is_about_time(message) => {
            Error::ClockSkew(text)
        }
        "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Error::InvalidCredentials(text),
        "InvalidParameterException" | "ValidationException" | "ValidationError" => Error::InvalidParameter(text),
        // What the official SDKs try again, too.
        "IDPCommunicationError" | "RequestTimeout" | "RequestTimeoutException" => {
            return Failure::new(Kind::Fault, Error::Server(text));
        }
        "InvalidIdentityToken" | "InvalidIdentityTokenException" if message.starts_with(NO_VERIFICATION_KEY) => {
            return Failure::new(Kind::Fault, Error::Server(text));
        }
        _ if code.ends_with("NotFoundException") => Error::NotFound(text),
        _ => Error::Other(text),
    };
    error.into()
}

/// The codes for which the official SDKs wait.
fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "BandwidthLimitExceeded"
            | "EC2ThrottledException"
            | "LimitExceededException"
            | "PriorRequestNotComplete"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "SlowDown"
            | "SlowDownException"
            | "ThrottleException"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "TransactionInProgressException"
    )
}

/// 501 and 505 say that the server does not know how, which does not pass.
const fn kind_of_fault(status: u16) -> Kind {
    match status {
        501 | 505 => Kind::Refused,
        _ => Kind::Fault,
    }
}

/// The codes by which services may refuse a request's time, as both SDKs have it.
fn may_be_about_time(code: &str) -> bool {
    matches!(
        code,
        "AccessDeniedException"
            | "AuthFailure"
            | "InvalidSignatureException"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
    )
}

/// How far a clock may be from AWS's before that is taken for the reason of a refusal, as both SDKs have it.
const MOST_SKEW: i64 = 4 * 60;

/// Whether the clock of whoever answered is far from this machine's.
fn clocks_differ(response: &HttpResponse) -> bool {
    http::skew(response).is_some_and(|seconds| seconds.abs() > MOST_SKEW)
}

fn is_about_time(message: &str) -> bool {
    message.starts_with("Signature expired") || message.starts_with("Signature not yet current")
}

fn from_status(status: u16) -> Failure {
    let text = format!("HTTP status {status}");
    match status {
        401 | 403 => Error::AccessDenied { answer: text, action: UNNAMED }.into(),
        429 => Failure::new(Kind::Throttled, Error::Throttled { answer: text, tries: 1 }),
        408 | 500.. => Failure::new(kind_of_fault(status), Error::Server(text)),
        _ => Error::Malformed(text).into(),
    }
}

/// A success that cannot be read: it is none of AWS's.
fn from_success(error: &(dyn error::Error + 'static), secrets: &[&str]) -> Failure {
    Failure::new(Kind::Refused, Error::Malformed(shown(&root_cause(error), secrets)))
}

fn from_connection(error: &(dyn error::Error + 'static), is_timeout: bool) -> Failure {
    let (target, proxy) =
        find::<Failed>(error).map(|failed| (failed.target.clone(), failed.proxy.clone())).unwrap_or_default();
    if let Some(limit) = find::<io::Error>(error).and_then(system::reached_limit) {
        return Error::OpenFiles(limit).into();
    }
    match find::<Refused>(error) {
        Some(refused @ Refused::BrokenOff(_)) => {
            let problem = refused.to_string();
            return Failure::new(Kind::Fault, Error::Unreachable { target, proxy, problem });
        }
        Some(refused) => return Error::Malformed(refused.to_string()).into(),
        None => {}
    }
    if let Some(problem) = find::<rustls::Error>(error) {
        return Error::Tls { target, proxy, problem: tls_problem(problem) }.into();
    }
    if is_timeout {
        return Failure::new(Kind::Network, Error::Timeout { target, proxy });
    }
    let cause = root_cause(error);
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        let problem = format!("its answer cannot be read as HTTP ({cause})");
        return Failure::new(Kind::Absent, Error::Unreachable { target, proxy, problem });
    }
    let kind = kind_of_connection(error, &cause, &target);
    Failure::new(kind, Error::Unreachable { target, proxy, problem: connection_problem(&cause) })
}

fn kind_of_connection(error: &(dyn error::Error + 'static), cause: &str, target: &str) -> Kind {
    let mut kinds = causes(error).filter_map(|error| error.downcast_ref()).map(io::Error::kind);
    match cause {
        _ if kinds.any(|kind| kind == io::ErrorKind::ConnectionRefused) => Kind::Absent,
        NO_TUNNEL => Kind::Absent,
        NO_PASSWORD => Kind::Refused,
        _ if !["failed to lookup address", WINDOWS_LOOK_UP].iter().any(|text| cause.contains(text)) => Kind::Network,
        _ => kind_of_look_up(target.rsplit_once(':').map_or(target, |(host, _)| host), cause),
    }
}

/// The kind of a host's look-up that failed. The system tells a host without an address from a name server that is away by
/// the text alone.
pub(super) fn kind_of_look_up(host: &str, cause: &str) -> Kind {
    match cause {
        // Reserved: no name server knows it (RFC 6761).
        _ if host.ends_with(".invalid") => Kind::Absent,
        _ if ["emporary failure", "ry again", "os error 11002"].iter().any(|text| cause.contains(text)) => {
            Kind::Network
        }
        _ => Kind::Absent,
    }
}

/// The numbers of Windows' errors of look-ups begin so: 11001 and 11004 say that there is no such host, 11002 that it may be
/// found later.
const WINDOWS_LOOK_UP: &str = "(os error 1100";

/// The texts of hyper-util's errors of a proxy, whose type is private.
const NO_TUNNEL: &str = "tunnel error: unsuccessful";
const NO_PASSWORD: &str = "tunnel error: proxy authorization required";

/// What kept a connection from being made.
fn connection_problem(cause: &str) -> String {
    match cause {
        NO_TUNNEL => "it refused to connect to that server".to_owned(),
        NO_PASSWORD => "it asks for a user and a password, which belong into its URL".to_owned(),
        other => other.to_owned(),
    }
}

fn tls_problem(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(problem) => match problem {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                format!("the certificate's authority is not trusted{}", without_authorities())
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another host name".to_owned()
            }
            other => format!("the certificate is not valid: {other}"),
        },
        Error::InvalidMessage(_) => "the server does not speak TLS".to_owned(),
        other => other.to_string(),
    }
}

/// A remark if the system trusts nobody.
fn without_authorities() -> &'static str {
    if trust::lacks_authorities() {
        " (this machine has no certificate authorities: its package ca-certificates is missing)"
    } else {
        ""
    }
}

/// The causes of an error, itself first. An I/O error hides the one that it was made from.
fn causes<'a>(error: &'a (dyn error::Error + 'static)) -> impl Iterator<Item = &'a (dyn error::Error + 'static)> {
    std::iter::successors(Some(error), |error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn error::Error + 'static)),
        None => error.source(),
    })
}

fn find<'a, T: error::Error + 'static>(error: &'a (dyn error::Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// The innermost cause: the only one that says what happened rather than where.
pub(super) fn root_cause(error: &(dyn error::Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_tell_that_there_is_no_such_host_or_no_name_server() {
        for (cause, kind) in [
            ("failed to lookup address information: Name or service not known", Kind::Absent),
            ("failed to lookup address information: Name does not resolve", Kind::Absent),
            ("failed to lookup address information: nodename nor servname provided, or not known", Kind::Absent),
            ("No such host is known. (os error 11001)", Kind::Absent),
            (
                "The requested name is valid, but no data of the requested type was found. (os error 11004)",
                Kind::Absent,
            ),
            ("failed to lookup address information: Temporary failure in name resolution", Kind::Network),
            ("failed to lookup address information: Try again", Kind::Network),
            ("This is usually a temporary error during hostname resolution. (os error 11002)", Kind::Network),
            ("Connection reset by peer (os error 104)", Kind::Network),
        ] {
            assert_eq!(kind_of_connection(&io::Error::other(cause), cause, "host.example.com:443"), kind, "{cause}");
        }
    }
}
