use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use thiserror::Error as ThisError;

/// Why AWS gave no answer that can be used. The text is one sentence without a full stop: what happened. What to do
/// next is [`Error::advice`].
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Error {
    /// No source names a Region.
    #[error(
        "no AWS Region is configured: neither aws:region, AWS_REGION, AWS_DEFAULT_REGION nor the profile names one"
    )]
    NoRegion,
    /// No source has credentials.
    #[error("no AWS credentials were found: {0}")]
    NoCredentials(String),
    /// The credentials may not do this.
    #[error("AWS denied access: {0}")]
    AccessDenied(String),
    /// AWS does not know the credentials, or they are over.
    #[error("AWS does not accept the credentials: {0}")]
    InvalidCredentials(String),
    /// AWS finds an argument wrong.
    #[error("AWS refused a parameter: {0}")]
    InvalidParameter(String),
    /// Too many calls.
    #[error("AWS throttled the call, also when it was tried again: {0}")]
    Throttled(String),
    /// AWS has a problem of its own.
    #[error("AWS failed: {0}")]
    Server(String),
    /// No connection, or it broke.
    #[error("AWS could not be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("AWS did not answer in time: {0}")]
    Timeout(String),
    /// An answer of another form than AWS's.
    #[error("the answer is none of AWS's: {0}")]
    Malformed(String),
    /// An answer in which a part is missing.
    #[error("the answer has {0}")]
    Incomplete(&'static str),
    /// Anything else that AWS says.
    #[error("AWS answered: {0}")]
    Other(String),
}

impl Error {
    /// What to do next: one sentence without a full stop. `action` is the permission that the call needs, for example
    /// `ecr:GetAuthorizationToken`.
    pub fn advice(&self, action: &str) -> String {
        match self {
            Self::NoRegion => "Set one, for example with `pulumi config set aws:region eu-west-1`".to_owned(),
            Self::NoCredentials(_) => "Set AWS_PROFILE, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or aws:profile, \
                                       or sign in with `aws sso login`"
                .to_owned(),
            Self::AccessDenied(_) => format!("Allow these credentials the action {action} on the resource `*`"),
            Self::InvalidCredentials(_) => "Sign in again, or check the access key, the secret key and the session \
                                            token"
                .to_owned(),
            Self::InvalidParameter(_) => "Check the arguments of the function".to_owned(),
            Self::Throttled(_) => "Try again later, or make fewer calls at the same time".to_owned(),
            Self::Server(_) => "Try again; if it lasts, look at the AWS Health Dashboard for the Region".to_owned(),
            Self::Unreachable(_) | Self::Timeout(_) => "Check the network, the proxy, the Region and, if one is \
                                                        configured, the endpoint's URL"
                .to_owned(),
            Self::Malformed(_) => "Check that the endpoint's URL is that of the service and that no proxy answers in \
                                   its place"
                .to_owned(),
            Self::Incomplete(_) => "Check that the endpoint's URL is that of Amazon ECR".to_owned(),
            Self::Other(_) => "Look the answer up in the service's API reference".to_owned(),
        }
    }

    /// What kept a call from its result. Only AWS's own message and the connection's problem go into the text.
    pub(super) fn from_sdk<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(context) => from_answer(context.err(), context.raw().status().as_u16()),
            SdkError::DispatchFailure(failure) => match (find_credentials_error(error), failure.as_connector_error()) {
                (Some(credentials), _) => Self::from_credentials(credentials),
                (None, Some(connector)) => from_connector(connector),
                (None, None) => Self::Unreachable(root_cause(error)),
            },
            SdkError::TimeoutError(_) => Self::Timeout(root_cause(error)),
            SdkError::ResponseError(context) if context.raw().status().is_success() => {
                Self::Malformed(root_cause(error))
            }
            SdkError::ResponseError(context) => from_status(context.raw().status().as_u16()),
            SdkError::ConstructionFailure(_) => {
                find_credentials_error(error).map_or_else(|| Self::Other(root_cause(error)), Self::from_credentials)
            }
            _ => Self::Other(root_cause(error)),
        }
    }

    /// Why there are no credentials.
    pub(super) fn from_credentials(error: &CredentialsError) -> Self {
        Self::NoCredentials(root_cause(error))
    }
}

fn from_answer(answer: &impl ProvideErrorMetadata, status: u16) -> Error {
    let Some(code) = answer.code() else { return from_status(status) };
    let text = answer.message().map_or_else(|| code.to_owned(), |message| format!("{message} ({code})"));
    match code {
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "OptInRequired" => {
            Error::AccessDenied(text)
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Error::InvalidCredentials(text),
        "InvalidParameterException" | "ValidationException" => Error::InvalidParameter(text),
        "RequestLimitExceeded"
        | "SlowDown"
        | "ThrottleException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Error::Throttled(text),
        _ if status >= 500 => Error::Server(text),
        _ => Error::Other(text),
    }
}

fn from_status(status: u16) -> Error {
    let text = format!("HTTP status {status}");
    match status {
        401 | 403 => Error::AccessDenied(text),
        429 => Error::Throttled(text),
        500.. => Error::Server(text),
        _ => Error::Malformed(text),
    }
}

fn from_connector(error: &ConnectorError) -> Error {
    let text = root_cause(error);
    if error.is_timeout() { Error::Timeout(text) } else { Error::Unreachable(text) }
}

/// The SDK has no variant for failed credentials: they hide among a dispatch's causes.
fn find_credentials_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a CredentialsError> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// The innermost cause: the only one that says what happened rather than where.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.unwrap_or(error).to_string()
}
