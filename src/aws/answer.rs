//! What the SDK's errors mean.

use std::{error, io};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use rustix::{
    io::Errno,
    process::{Resource, getrlimit},
};

use super::{Error, http::Failed, proxies::NoProxy};

/// What kept a call, which was tried `tries` times, from its result. Only AWS's own message and the connection's problem
/// go into the text, without `secrets`: AWS quotes the request when it refuses a signature. `service` is called so where
/// no URL is known.
pub(super) fn meaning<E>(error: &SdkError<E, HttpResponse>, service: &str, tries: u32, secrets: &[&str]) -> Error
where
    E: ProvideErrorMetadata + error::Error + 'static,
{
    if let Some(NoProxy(error)) = find(error) {
        return error.clone();
    }
    match error {
        SdkError::ServiceError(context) => from_answer(context.err(), context.raw().status().as_u16(), tries, secrets),
        SdkError::DispatchFailure(failure) if find::<Failed>(error).is_some() => {
            from_connection(error, failure.is_timeout())
        }
        SdkError::TimeoutError(_) => Error::Timeout { target: service.to_owned(), proxy: None },
        SdkError::ResponseError(context) if context.raw().status().is_success() => Error::Malformed(root_cause(error)),
        SdkError::ResponseError(context) => from_status(context.raw().status().as_u16(), tries),
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => Error::Endpoint(root_cause(error)),
        _ => Error::Other(root_cause(error)),
    }
}

/// What kept a request from an answer, when `error` is from a library that does not say how.
pub(super) fn connection(error: &(dyn error::Error + 'static)) -> Option<Error> {
    if let Some(NoProxy(error)) = find(error) {
        return Some(error.clone());
    }
    find::<Failed>(error).map(|_| from_connection(error, is_timeout(error)))
}

fn is_timeout(error: &(dyn error::Error + 'static)) -> bool {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    find::<ConnectorError>(error).is_some_and(ConnectorError::is_timeout)
}

/// How much of AWS's message is shown.
const SHOWN: usize = 500;

/// Where AWS's message on a refused signature begins to quote the request, headers included.
const QUOTED_REQUEST: &str = "The Canonical String";

/// AWS's message on one line, without secrets, control characters and the request that it may quote.
fn shown(message: &str, secrets: &[&str]) -> String {
    let own = message.split(QUOTED_REQUEST).next().unwrap_or_default();
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    let own = secrets.fold(own.to_owned(), |text, secret| text.replace(secret, "[secret]"));
    let words = own.split(|character: char| character.is_whitespace() || character.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(SHOWN).collect()
}

fn from_answer(answer: &impl ProvideErrorMetadata, status: u16, tries: u32, secrets: &[&str]) -> Error {
    let Some(code) = answer.code() else { return from_status(status, tries) };
    let (code, message) = (shown(code, secrets), shown(answer.message().unwrap_or_default(), secrets));
    let (code, message) = (code.as_str(), message.as_str());
    let text = if message.is_empty() { code.to_owned() } else { format!("{message} ({code})") };
    match code {
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "OptInRequired" => {
            Error::AccessDenied { answer: text, action: None }
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
        "RequestLimitExceeded"
        | "SlowDown"
        | "ThrottleException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Error::Throttled { answer: text, tries },
        _ if status == 429 => Error::Throttled { answer: text, tries },
        _ if status >= 500 => Error::Server(text),
        _ => Error::Other(text),
    }
}

fn is_about_time(message: &str) -> bool {
    message.starts_with("Signature expired") || message.starts_with("Signature not yet current")
}

fn from_status(status: u16, tries: u32) -> Error {
    let text = format!("HTTP status {status}");
    match status {
        401 | 403 => Error::AccessDenied { answer: text, action: None },
        429 => Error::Throttled { answer: text, tries },
        500.. => Error::Server(text),
        _ => Error::Malformed(text),
    }
}

fn from_connection(error: &(dyn error::Error + 'static), is_timeout: bool) -> Error {
    let (target, proxy) =
        find::<Failed>(error).map(|failed| (failed.target.clone(), failed.proxy.clone())).unwrap_or_default();
    if let Some(limit) = find::<io::Error>(error).and_then(limit_of_files) {
        return Error::OpenFiles(limit);
    }
    match find::<rustls::Error>(error) {
        Some(problem) => Error::Tls { target, proxy, problem: tls_problem(problem) },
        None if is_timeout => Error::Timeout { target, proxy },
        None => Error::Unreachable { target, proxy, problem: connection_problem(&root_cause(error)) },
    }
}

/// The limit of open files that was reached, if one was.
fn limit_of_files(error: &io::Error) -> Option<String> {
    match Errno::from_io_error(error)? {
        Errno::MFILE => {
            let limit = getrlimit(Resource::Nofile).current.unwrap_or_default();
            Some(format!("its limit of open files (ulimit -n) is {limit}"))
        }
        Errno::NFILE => Some("the limit of the whole machine (fs.file-max) is reached".to_owned()),
        _ => None,
    }
}

/// What kept a connection from being made. hyper-util's type of a proxy's refusal is private; its text is short.
fn connection_problem(cause: &str) -> String {
    match cause {
        "tunnel error: unsuccessful" => "it refused to connect to that server".to_owned(),
        "tunnel error: proxy authorization required" => {
            "it asks for a user and a password, which belong into its URL".to_owned()
        }
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

/// A remark if the system trusts nobody, as in container images without the package ca-certificates.
fn without_authorities() -> &'static str {
    if rustls_native_certs::load_native_certs().certs.is_empty() {
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
