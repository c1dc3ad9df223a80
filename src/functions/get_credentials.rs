//! `aws:ecr/getCredentials:getCredentials`: credentials with which Docker logs in to a registry.
//!
//! Values are those of the official provider: `id` and `registryId` are the given id, the rest comes from the first
//! entry that ECR's GetAuthorizationToken returns (pulumi/pulumi-aws, `provider/resources.go` and its shim since 7.41).

use serde::{Deserialize, Serialize};

use super::{Configured, Function, authorization, registry_id, typed};
use crate::{
    aws::{AuthorizationData, Error, Registry},
    plugin::InvokeError,
};

pub(super) const FUNCTION: Function = Function {
    token: "aws:ecr/getCredentials:getCredentials",
    call: |provider, arguments| Box::pin(typed(arguments, |arguments| get_credentials(provider, arguments))),
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

async fn get_credentials(provider: &Configured, arguments: Arguments) -> Result<Credentials, InvokeError> {
    let id = registry_id::parse("registryId", arguments.registry_id)?;
    let region = match arguments.region.filter(|region| !region.is_empty()) {
        Some(region) => region,
        None => provider.client.region().await.map_err(|error| failed(&format!("registry {id}"), &error))?,
    };
    let registry = Registry { id, region };
    let token = authorization::get(provider, FUNCTION.token, &registry).await;
    let token = token.map_err(|error| failed(&format!("registry {} in {}", registry.id, registry.region), &error))?;
    Ok(credentials(registry.id, &token.data))
}

fn credentials(registry_id: String, data: &AuthorizationData) -> Credentials {
    Credentials {
        authorization_token: data.authorization_token.clone(),
        expires_at: data.expires_at_date.clone(),
        id: registry_id.clone(),
        password: data.password.clone(),
        proxy_endpoint: data.proxy_endpoint.clone(),
        registry_id,
        user_name: data.user_name.clone(),
    }
}

fn failed(subject: &str, error: &Error) -> InvokeError {
    InvokeError::Failed(format!("getCredentials for {subject}: {error}. {}.", error.advice(ACTION)))
}
