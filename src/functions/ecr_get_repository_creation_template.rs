//! `aws:ecr/getRepositoryCreationTemplate:getRepositoryCreationTemplate`: what repositories of a prefix are made from.
//!
//! Values are those of hashicorp/terraform-provider-aws,
//! `internal/service/ecr/repository_creation_template_data_source.go`; `appliedFors` is a set there, sorted by hashes.

use serde::Deserialize;

use super::{Answer, Function, Place, names, policy, values};
use crate::{
    aws::{Ecr, Error},
    plugin::{Failure, Results, property::Value},
};

pub(super) const FUNCTION: Function =
    Function::new::<Arguments>("aws:ecr/getRepositoryCreationTemplate:getRepositoryCreationTemplate");

/// The order of the official provider's hashes.
const APPLIED_FORS: [&str; 3] = ["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"];

#[derive(Deserialize)]
struct Arguments {
    prefix: String,
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        names::check_prefix("prefix", &self.prefix)
    }

    fn subject(&self) -> String {
        format!("the creation template of {}", self.prefix)
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let ecr = Ecr::new(&place.provider.client, &place.region).await?;
        let (template, registry_id) = ecr.creation_template(&self.prefix).await?;
        let applied_fors = template.applied_for.unwrap_or_default();
        let mut applied_fors: Vec<_> = applied_fors.iter().map(aws_sdk_ecr::types::RctAppliedFor::as_str).collect();
        applied_fors.sort_by_key(|name| APPLIED_FORS.iter().position(|known| known == name));
        let encryption = template.encryption_configuration;
        let encryption = encryption.map(|e| values::encryption(e.encryption_type.as_str(), e.kms_key));
        let tags = template.resource_tags.unwrap_or_default().into_iter();
        let tags = tags.map(|tag| (tag.key, tag.value.into())).collect();
        Ok(Results::new([
            ("appliedFors", Value::from(applied_fors)),
            ("customRoleArn", values::text(template.custom_role_arn)),
            ("description", values::text(template.description)),
            ("encryptionConfigurations", Vec::from_iter(encryption).into()),
            ("id", values::text(template.prefix.clone())),
            ("imageTagMutability", values::text(template.image_tag_mutability.map(|it| it.to_string()))),
            ("imageTagMutabilityExclusionFilters", values::filters(template.image_tag_mutability_exclusion_filters)),
            ("lifecyclePolicy", policy::normal(template.lifecycle_policy)?.into()),
            ("prefix", values::text(template.prefix)),
            ("region", place.region.into()),
            ("registryId", values::text(registry_id)),
            ("repositoryPolicy", policy::normal(template.repository_policy)?.into()),
            ("resourceTags", Value::Object(tags)),
        ])
        .into())
    }
}
