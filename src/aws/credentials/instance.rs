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

const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

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
    let is_true = |text: &str| Some(text.eq_ignore_ascii_case("true"));
    let disabled = session.files.setting("ec2_metadata_v1_disabled", is_true, "")?.unwrap_or_default();
    let http = FirstVersion { http: session.http.clone(), disabled };
    let config = session.provider_config().with_http_client(http);
    let builder = imds::Client::builder().configure(&config).max_attempts(TRIES).endpoint(endpoint(session)?);
    Ok(builder.map_err(|error| Error::Endpoint(error.to_string()))?.build())
}

/// The URL of the service: the SDK itself would look for it in the files that the configuration replaces.
fn endpoint(session: &Session) -> Result<String, Error> {
    let (configuration, files) = (&session.configuration, &session.files);
    let is_url = |url: &str| validity::is_url(url).then(|| url.to_owned());
    let url = match &configuration.ec2_metadata_service_endpoint {
        Some(url) => Some(url.clone()),
        None => files.setting("ec2_metadata_service_endpoint", is_url, "is not a URL")?,
    };
    if let Some(url) = url {
        return Ok(url);
    }
    let address = match configuration.ec2_metadata_service_endpoint_mode.as_deref().and_then(address) {
        Some(address) => Some(address),
        None => files.setting("ec2_metadata_service_endpoint_mode", address, "is neither IPv4 nor IPv6")?,
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

fn problem(error: &ImdsError) -> String {
    match error {
        ImdsError::ErrorResponse(context) => match context.response().status().as_u16() {
            404 => "it has no role for this instance".to_owned(),
            status => format!("it answered with HTTP status {status}"),
        },
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
    disabled: bool,
}

#[derive(Debug)]
struct FirstVersionConnector {
    connector: SharedHttpConnector,
    disabled: bool,
}

/// In place of a session token.
const NO_TOKEN: &str = "none";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

impl HttpClient for FirstVersion {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.http.http_connector(settings, components);
        SharedHttpConnector::new(FirstVersionConnector { connector, disabled: self.disabled })
    }
}

impl HttpConnector for FirstVersionConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let asks_for_token = request.method() == "PUT";
        if request.headers().get(TOKEN_HEADER) == Some(NO_TOKEN) {
            request.headers_mut().remove(TOKEN_HEADER);
        }
        let (response, disabled) = (self.connector.call(request), self.disabled);
        HttpConnectorFuture::new(async move {
            let response = response.await?;
            let refused = matches!(response.status().as_u16(), 403..=405);
            Ok(match asks_for_token {
                true if refused && !disabled => with_life(no_token()),
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
