//! `aws:ecr/getCredentials:getCredentials`: credentials with which Docker logs in to a registry.
//!
//! Values are those of the official provider: `id` and `registryId` are the given id, the rest comes from the first
//! entry that ECR's GetAuthorizationToken returns (pulumi/pulumi-aws, `provider/resources.go` and its shim since 7.41).

use serde::Deserialize;

use super::{Configured, Function, authorization, registry_id, typed};
use crate::{
    aws::{AuthorizationData, Error, Registry},
    plugin::{InvokeError, Results},
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

async fn get_credentials(provider: &Configured, arguments: Arguments) -> Result<Results, InvokeError> {
    let id = registry_id::parse("registryId", arguments.registry_id)?;
    let region = match arguments.region.filter(|region| !region.is_empty()) {
        Some(region) => region,
        None => provider.client.region().await.map_err(|error| failed(provider, &format!("registry {id}"), &error))?,
    };
    let registry = Registry { id, region };
    let results = authorization::get(provider, FUNCTION.token, &registry, credentials).await;
    results.map_err(|error| {
        let id = &registry.id;
        match error {
            // The error says what may be shown of it.
            Error::InvalidRegion(_) => failed(provider, &format!("registry {id}"), &error),
            _ => failed(provider, &format!("registry {id} in {}", registry.region), &error),
        }
    })
}

fn credentials(registry: &Registry, data: &AuthorizationData) -> Results {
    Results::new([
        ("authorizationToken", &data.authorization_token),
        ("expiresAt", &data.expires_at_date),
        ("id", &registry.id),
        ("password", &data.password),
        ("proxyEndpoint", &data.proxy_endpoint),
        ("registryId", &registry.id),
        ("userName", &data.user_name),
    ])
}

fn failed(provider: &Configured, subject: &str, error: &Error) -> InvokeError {
    InvokeError::Failed(format!("getCredentials for {subject}: {error}. {}.", error.advice(ACTION, provider.namespace)))
}
