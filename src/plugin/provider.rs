use std::{fmt, future::Future};

use super::Results;

/// A JSON object: checked arguments and configuration on their way from the protocol to a [`Provider`].
pub type Json = serde_json::Map<String, serde_json::Value>;

/// What a plugin serves. Implementations know no gRPC: arguments and configuration arrive checked against the schema,
/// with secrets unwrapped, and results are made secret for them.
pub trait Provider: Send + Sync + 'static {
    /// A provider configuration with a meaning.
    type Configuration;

    /// Reads a configuration that has the types of the schema. Must not reach out to anything.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its property.
    fn check(&self, configuration: Json) -> Result<Self::Configuration, Vec<Failure>>;

    /// Takes the configuration for all later calls. Must not reach out to anything.
    fn configure(&self, configuration: Self::Configuration);

    /// Calls the function that the schema lists under `token`. Dropping the future aborts the call.
    ///
    /// # Errors
    ///
    /// See [`InvokeError`].
    fn invoke(&self, token: &str, arguments: Json) -> impl Future<Output = Result<Results, InvokeError>> + Send;
}

/// Something wrong with a property that the user set (`CheckFailure` of the protocol).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The property, `registryId` or a path such as `endpoints[0].ecr`.
    pub property: String,
    /// A sentence for the user, without the property's name in front. Never a secret value.
    pub reason: String,
}

impl Failure {
    /// A failure of `property`.
    pub fn new(property: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { property: property.into(), reason: reason.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.property, self.reason)
    }
}

/// Why a function has no result.
#[derive(Debug, Clone)]
pub enum InvokeError {
    /// The arguments are at fault; the user sees each with its property.
    Arguments(Vec<Failure>),
    /// Something else failed: the text says what and what to do next.
    Failed(String),
}

impl From<Failure> for InvokeError {
    fn from(failure: Failure) -> Self {
        Self::Arguments(vec![failure])
    }
}
