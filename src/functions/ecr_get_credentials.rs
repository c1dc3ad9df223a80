//! `aws:ecr/getCredentials:getCredentials`: credentials with which Docker logs in to a registry.
//!
//! Values are those of the official provider: `id` and `registryId` are the given id, the rest comes from the first
//! entry that ECR's GetAuthorizationToken returns (pulumi/pulumi-aws, `provider/resources.go` and its shim since 7.41).

use serde::Deserialize;

use super::{Answer, Function, Place, registry_id};
use crate::{
    aws::{Error, Registry},
    plugin::{Failure, Results},
};

pub(super) const FUNCTION: Function = Function::new::<Arguments>("aws:ecr/getCredentials:getCredentials");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    registry_id: String,
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        registry_id::check(&self.registry_id)
    }

    fn subject(&self) -> String {
        format!("registry {}", self.registry_id)
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let id = &self.registry_id;
        let registry = Registry::Private { id: Some(id.clone()), region: place.region.clone() };
        let results = place.authorization(registry, |data| {
            Results::new([
                ("authorizationToken", Some(&data.authorization_token)),
                ("expiresAt", Some(&data.expires_at_date)),
                ("id", Some(id)),
                ("password", Some(&data.password)),
                ("proxyEndpoint", data.proxy_endpoint.as_ref()),
                ("registryId", Some(id)),
                ("userName", Some(&data.user_name)),
            ])
        });
        results.await
    }
}
