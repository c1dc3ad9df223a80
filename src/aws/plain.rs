//! Requests to services that are none of the SDK's: those of containers, of instances, and that of `aws login`.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use tokio::time::{sleep, timeout};

use super::{Error, answer, http::Http};

/// How long an answer may be.
const MAX_BYTES: usize = 1024 * 1024;

/// How long the first wait before another try is; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(100);

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until there is a connection.
    pub(super) connect: Duration,
    /// Until the end of the answer.
    pub(super) answer: Duration,
    /// How often it is tried.
    pub(super) tries: u32,
}

/// What a service answered.
///
/// There is no `Debug`: it holds keys.
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Sends a request without a body, again while the service is busy, fails or cannot be reached. One that does not
/// answer in time is not asked again.
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
) -> Result<Reply, Error> {
    let mut tries = 1;
    loop {
        let reply = send_once(http, method, url, headers, limits).await;
        let may_pass = match &reply {
            Ok(reply) => reply.status == 429 || reply.status >= 500,
            Err(error) => matches!(error, Error::Unreachable { .. }),
        };
        if !may_pass || tries >= limits.tries {
            return reply;
        }
        sleep(WAIT * 2_u32.pow(tries - 1)).await;
        tries += 1;
    }
}

async fn send_once(
    http: &Http,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    limits: Limits,
) -> Result<Reply, Error> {
    let settings = HttpConnectorSettings::builder().connect_timeout(limits.connect).read_timeout(limits.answer).build();
    let connector = http.connector(&settings);
    let request = headers
        .iter()
        .fold(http::Request::builder().method(method).uri(url), |request, (name, value)| request.header(*name, *value));
    let request = request.body(SdkBody::empty()).map_err(|error| Error::Endpoint(error.to_string()))?;
    let request = HttpRequest::try_from(request).map_err(|error| Error::Endpoint(error.to_string()))?;
    let failed = |error: ConnectorError| {
        answer::connection(&error).unwrap_or_else(|| Error::Malformed(answer::root_cause(&error)))
    };
    let answer = async {
        let response = connector.call(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let mut stream = ByteStream::new(response.into_body());
        let mut body = Vec::new();
        while let Some(bytes) = stream.next().await {
            body.extend_from_slice(&bytes.map_err(|error| Error::Malformed(answer::root_cause(&error)))?);
            if body.len() > MAX_BYTES {
                return Err(Error::Malformed("it is longer than that of any such service".to_owned()));
            }
        }
        Ok(Reply { status, body })
    };
    let target = || url.split('?').next().unwrap_or(url).to_owned();
    timeout(limits.answer, answer).await.unwrap_or_else(|_| Err(Error::Timeout { target: target(), proxy: None }))
}
