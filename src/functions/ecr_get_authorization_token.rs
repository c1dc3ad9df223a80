//! `aws:ecr/getAuthorizationToken:getAuthorizationToken`: a token for a registry, by default the caller's own.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecr/authorization_token_data_source.go`: `id`
//! is the Region, `registryId` what was given. Empty text is as good as no id there, and comes back as none.

use serde::Deserialize;

use super::{Answer, Function, Place, registry_id};
use crate::{
    aws::{Error, Registry},
    plugin::{Failure, Results},
};

pub(super) const FUNCTION: Function = Function::new::<Arguments>("aws:ecr/getAuthorizationToken:getAuthorizationToken");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    registry_id: Option<String>,
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        registry_id::check_unless_empty(self.registry_id.as_deref())
    }

    fn subject(&self) -> String {
        registry_id::subject(self.registry_id.as_deref())
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let id = self.registry_id.filter(|id| !id.is_empty());
        let registry = Registry::Private { id: id.clone(), region: place.region.clone() };
        let results = place.authorization(registry, |data| {
            Results::new([
                ("authorizationToken", Some(&data.authorization_token)),
                ("expiresAt", Some(&data.expires_at_date)),
                ("id", Some(&place.region)),
                ("password", Some(&data.password)),
                ("proxyEndpoint", data.proxy_endpoint.as_ref()),
                ("region", Some(&place.region)),
                ("registryId", id.as_ref()),
                ("userName", Some(&data.user_name)),
            ])
        });
        results.await
    }
}
