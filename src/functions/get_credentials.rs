//! `aws:ecr/getCredentials:getCredentials`: credentials with which Docker logs in to a registry.
//!
//! Values are those of the official provider: `id` and `registryId` are the given id, the rest comes from the first
//! entry that ECR's GetAuthorizationToken returns (pulumi/pulumi-aws, `provider/resources.go` and its shim since 7.41).

use aws_smithy_types::{DateTime, date_time::Format};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{Function, registry_id, typed};
use crate::{
    aws::{AuthorizationData, Client, Error, Registry},
    plugin::InvokeError,
};

pub(super) const FUNCTION: Function = Function {
    token: "aws:ecr/getCredentials:getCredentials",
    call: |client, arguments| Box::pin(typed(arguments, |arguments| get_credentials(client, arguments))),
};

/// The permission that the call needs.
const ACTION: &str = "ecr:GetAuthorizationToken";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    registry_id: String,
    region: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    authorization_token: String,
    expires_at: String,
    id: String,
    password: String,
    proxy_endpoint: String,
    registry_id: String,
    user_name: String,
}

async fn get_credentials(client: &Client, arguments: Arguments) -> Result<Credentials, InvokeError> {
    let id = registry_id::parse("registryId", arguments.registry_id)?;
    let region = match arguments.region.filter(|region| !region.is_empty()) {
        Some(region) => region,
        None => client.region().await.map_err(|error| failed(&format!("registry {id}"), &error))?,
    };
    let registry = Registry { id, region };
    let subject = format!("registry {} in {}", registry.id, registry.region);
    let data = client.authorization_data(&registry).await.map_err(|error| failed(&subject, &error))?;
    credentials(registry.id, data).map_err(|error| failed(&subject, &error))
}

fn credentials(registry_id: String, data: AuthorizationData) -> Result<Credentials, Error> {
    let (user_name, password) = decode_token(&data.authorization_token)?;
    let expires_at = DateTime::from_secs(data.expires_at).fmt(Format::DateTime);
    Ok(Credentials {
        expires_at: expires_at.map_err(|_| Error::Incomplete("a time of expiry that is no date"))?,
        id: registry_id.clone(),
        password,
        proxy_endpoint: data.proxy_endpoint,
        registry_id,
        user_name,
        authorization_token: data.authorization_token,
    })
}

/// The user name and the password inside a token: base64 of the two with one `:` between them.
fn decode_token(token: &str) -> Result<(String, String), Error> {
    let decoded = BASE64_STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or(Error::Incomplete("an authorization token that is not base64 of text"))?;
    match decoded.split(':').collect::<Vec<_>>()[..] {
        [user_name, password] => Ok((user_name.to_owned(), password.to_owned())),
        _ => Err(Error::Incomplete("an authorization token that is not base64 of `userName:password`")),
    }
}

fn failed(subject: &str, error: &Error) -> InvokeError {
    InvokeError::Failed(format!("getCredentials for {subject}: {error}. {}.", error.advice(ACTION)))
}
