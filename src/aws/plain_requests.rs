//! Requests to services that are none of the SDK's: those of containers, of instances, and that of `aws login`.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use tokio::time::timeout;

use super::{
    Error, answer,
    http::{Http, target},
    patience::{Failure, Kind},
};

/// How long an answer may be.
const MAX_BYTES: usize = 1024 * 1024;

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until there is a connection.
    pub(super) connect: Duration,
    /// Until the end of the answer.
    pub(super) answer: Duration,
}

/// What a service answered.
///
/// There is no `Debug`: it holds keys.
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// What the status alone says of a failure.
    pub(super) failure: Option<Failure>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Sends a request without a body, once.
///
/// # Errors
///
/// What keeps the service from answering.
pub(super) async fn send(
    http: &Http,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    limits: Limits,
) -> Result<Reply, Failure> {
    let settings = HttpConnectorSettings::builder().connect_timeout(limits.connect).read_timeout(limits.answer).build();
    let connector = http.connector(&settings);
    let request = headers
        .iter()
        .fold(http::Request::builder().method(method).uri(url), |request, (name, value)| request.header(*name, *value));
    let request = request.body(SdkBody::empty()).map_err(|error| Error::Endpoint(error.to_string()))?;
    let target = target(request.uri());
    let request = HttpRequest::try_from(request).map_err(|error| Error::Endpoint(error.to_string()))?;
    let failed = |error: ConnectorError| {
        answer::connection(&error).unwrap_or_else(|| Error::Malformed(answer::root_cause(&error)).into())
    };
    let answer = async {
        let response = connector.call(request).await.map_err(failed)?;
        let (status, failure) = (response.status().as_u16(), answer::status(&response));
        let mut stream = ByteStream::new(response.into_body());
        let mut body = Vec::new();
        while let Some(bytes) = stream.next().await {
            body.extend_from_slice(&bytes.map_err(|error| broken_off(&error))?);
            if body.len() > MAX_BYTES {
                return Err(Error::Malformed("it is longer than that of any such service".to_owned()).into());
            }
        }
        Ok(Reply { status, failure, body })
    };
    // The connector has the same limit, and names the target alike.
    let late = || Failure::new(Kind::Network, Error::Timeout { target, proxy: None });
    timeout(limits.answer, answer).await.unwrap_or_else(|_| Err(late()))
}

fn broken_off(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Kind::Fault, Error::Malformed(answer::root_cause(error)))
}
