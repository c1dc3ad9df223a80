//! The credentials that Amazon EC2 hands to instances, from the instance metadata service (IMDS).

use aws_config::imds::{self, client::error::ImdsError};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;

use super::{
    super::{Error, answer, http::Http, session::Session, validity},
    Answer, Found, json, variable,
};

/// Where the name of the instance's role is, and below it its credentials.
const ROLE: &str = "/latest/meta-data/iam/security-credentials/";

/// Few, since most machines have no such service: it fails after about three seconds.
const TRIES: u32 = 2;

/// Asks the metadata service, unless that is disabled.
pub(super) async fn credentials(session: &Session) -> Answer {
    if let Some(reason) = disabled(session)? {
        return Ok(Err(format!("the instance metadata service (disabled by {reason})")));
    }
    let client = client(session)?;
    let role = match client.get(ROLE).await {
        Ok(role) => role,
        Err(error) => return Ok(Err(format!("the instance metadata service ({})", problem(&error)))),
    };
    let what = "the instance metadata service";
    let failed = |problem| Error::Source { what: what.to_owned(), problem };
    let role = role.as_ref().trim();
    if !is_role_name(role) {
        return Err(failed("it does not name a role".to_owned()));
    }
    let keys = client.get(format!("{ROLE}{role}")).await.map_err(|error| failed(problem(&error)))?;
    let credentials = json::parse(keys.as_ref().as_bytes(), "instance metadata").map_err(failed)?;
    Ok(Ok(Found::new(credentials, format!("{what}, for the role {role}"))))
}

/// What disables the service. The configuration wins over the environment.
fn disabled(session: &Session) -> Result<Option<&'static str>, Error> {
    match session.configuration.skip_metadata_api_check {
        Some(true) => return Ok(Some("aws:skipMetadataApiCheck")),
        Some(false) => return Ok(None),
        None => {}
    }
    for name in ["AWS_SKIP_METADATA_API_CHECK", "AWS_EC2_METADATA_DISABLED"] {
        match variable(name).map(|value| value.to_ascii_lowercase()).as_deref() {
            None | Some("false" | "0") => {}
            Some("true" | "1") => return Ok(Some(name)),
            Some(_) => {
                return Err(Error::Setting { name: name.to_owned(), problem: "is neither true nor false".to_owned() });
            }
        }
    }
    Ok(None)
}

fn client(session: &Session) -> Result<imds::Client, Error> {
    let invalid = |name: &str, problem: &str| Error::Setting { name: name.to_owned(), problem: problem.to_owned() };
    let config = session.provider_config().with_http_client(FirstVersion { http: session.http.clone() });
    let mut builder = imds::Client::builder().configure(&config).max_attempts(TRIES);
    let configured = session.configuration.ec2_metadata_service_endpoint.clone();
    if let Some(url) = configured.or_else(|| variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")) {
        let name = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        if !validity::is_url(&url) {
            return Err(invalid(name, "is not a URL"));
        }
        builder = builder.endpoint(url).map_err(|_| invalid(name, "is not a URL"))?;
    } else if let Some(mode) = &session.configuration.ec2_metadata_service_endpoint_mode {
        builder = builder.endpoint_mode(mode.parse().map_err(|_| invalid("mode", "is neither IPv4 nor IPv6"))?);
    }
    Ok(builder.build())
}

fn problem(error: &ImdsError) -> String {
    match error {
        ImdsError::ErrorResponse(context) => format!("it answered with HTTP status {}", context.response().status()),
        other => answer::connection(other).map_or_else(|| answer::root_cause(other), |error| error.to_string()),
    }
}

/// IAM's rule for names; the SDK panics on a path that is none.
fn is_role_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Adds the service's first version, which has no session tokens, to the SDK's client, which knows the second only: a
/// service that has no tokens to give is asked without one.
#[derive(Debug)]
struct FirstVersion {
    http: Http,
}

#[derive(Debug)]
struct FirstVersionConnector(SharedHttpConnector);

/// In place of a session token.
const NO_TOKEN: &str = "none";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

impl HttpClient for FirstVersion {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(FirstVersionConnector(self.http.http_connector(settings, components)))
    }
}

impl HttpConnector for FirstVersionConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let asks_for_token = request.method() == "PUT";
        if request.headers().get(TOKEN_HEADER) == Some(NO_TOKEN) {
            request.headers_mut().remove(TOKEN_HEADER);
        }
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await?;
            let refused = matches!(response.status().as_u16(), 403..=405);
            Ok(match asks_for_token {
                true if refused && !is_first_version_disabled() => with_life(no_token()),
                true if response.status().is_success() => with_life(response),
                _ => response,
            })
        })
    }
}

fn no_token() -> HttpResponse {
    HttpResponse::new(StatusCode::from(http::StatusCode::OK), SdkBody::from(NO_TOKEN))
}

/// The answer with the token's life, which the SDK insists on and emulators forget.
fn with_life(mut response: HttpResponse) -> HttpResponse {
    const HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    if response.headers().get(HEADER).is_none() {
        response.headers_mut().insert(HEADER, "21600");
    }
    response
}

fn is_first_version_disabled() -> bool {
    variable("AWS_EC2_METADATA_V1_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
