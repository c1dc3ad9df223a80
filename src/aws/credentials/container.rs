//! The credentials that Amazon ECS and Amazon EKS hand to containers.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use tokio::time::timeout;

use super::{
    super::{Error, answer, session::Session, validity},
    Answer, Found, variable,
};

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// The SDK's own limits end with the head of an answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Asks the container's service.
pub(super) async fn credentials(session: &Session) -> Answer {
    let invalid = |name: &str, problem: &str| Error::Setting { name: name.to_owned(), problem: problem.to_owned() };
    // The SDK panics on URLs without a scheme and on paths that are not absolute.
    let url = match (variable(RELATIVE), variable(FULL)) {
        (Some(path), _) if !path.starts_with('/') => return Err(invalid(RELATIVE, "must begin with a slash")),
        (None, Some(url)) if !validity::is_url(&url) => return Err(invalid(FULL, "is not a URL")),
        (None, None) => return Ok(Err(format!("the container's service (neither {RELATIVE} nor {FULL} is set)"))),
        (Some(path), _) => format!("http://169.254.170.2{path}"),
        (None, Some(url)) => url,
    };
    let provider = EcsCredentialsProvider::builder().configure(&session.provider_config()).build();
    let what = || format!("the container's service at {}", without_query(&url));
    match timeout(TIMEOUT, provider.provide_credentials()).await {
        Err(_) => Err(Error::Timeout { target: what(), proxy: None }),
        Ok(Ok(credentials)) => Ok(Ok(Found::new(credentials, what()))),
        Ok(Err(error)) => {
            Err(answer::connection(&error).unwrap_or_else(|| Error::Source { what: what(), problem: problem(&error) }))
        }
    }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// The SDK quotes a malformed answer, which may hold keys.
fn problem(error: &CredentialsError) -> String {
    match error {
        CredentialsError::Unhandled(_) => "its answer is not that of such a service".to_owned(),
        other => answer::root_cause(other),
    }
}
