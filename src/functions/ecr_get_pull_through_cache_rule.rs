//! `aws:ecr/getPullThroughCacheRule:getPullThroughCacheRule`: the pull-through cache rule for a prefix.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecr/pull_through_cache_rule_data_source.go`.

use serde::Deserialize;

use super::{Answer, Function, Place, names, values};
use crate::{
    aws::{Ecr, Error},
    plugin::{Failure, Results},
};

pub(super) const FUNCTION: Function =
    Function::new::<Arguments>("aws:ecr/getPullThroughCacheRule:getPullThroughCacheRule");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    ecr_repository_prefix: String,
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        names::check_prefix("ecrRepositoryPrefix", &self.ecr_repository_prefix)
    }

    fn subject(&self) -> String {
        format!("the pull-through cache rule of {}", self.ecr_repository_prefix)
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let ecr = Ecr::new(&place.provider.client, &place.region).await?;
        let rule = ecr.pull_through_cache_rule(&self.ecr_repository_prefix).await?;
        Ok(Results::new([
            ("credentialArn", values::text(rule.credential_arn)),
            ("customRoleArn", values::text(rule.custom_role_arn)),
            ("ecrRepositoryPrefix", values::text(rule.ecr_repository_prefix.clone())),
            ("id", values::text(rule.ecr_repository_prefix)),
            ("region", place.region.into()),
            ("registryId", values::text(rule.registry_id)),
            ("upstreamRegistryUrl", values::text(rule.upstream_registry_url)),
            ("upstreamRepositoryPrefix", values::text(rule.upstream_repository_prefix)),
        ])
        .into())
    }
}
