//! `aws:ecr/getRepository:getRepository`: a repository, with the tags of the image that was pushed last.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecr/repository_data_source.go`.

use serde::Deserialize;

use super::{Answer, Function, Place, names, registry_id, values};
use crate::{
    aws::{Ecr, Error},
    plugin::{Failure, Results, property::Value},
};

pub(super) const FUNCTION: Function = Function::new::<Arguments>("aws:ecr/getRepository:getRepository");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    name: String,
    registry_id: Option<String>,
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        names::check("name", &self.name)?;
        registry_id::check_unless_empty(self.registry_id.as_deref())
    }

    fn subject(&self) -> String {
        format!("repository {}", self.name)
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let ecr = Ecr::new(&place.provider.client, &place.region).await?;
        let id = self.registry_id.as_deref().filter(|id| !id.is_empty());
        let found = Error::unless_found(Some(ecr.repositories(id, &self.name).await?))?;
        let arn = found.repository_arn.unwrap_or_default();
        let ignored = place.provider.client.ignored_tags();
        let tags = ecr.tags(&arn).await?.into_iter().map(|tag| (tag.key, tag.value));
        let tags = tags.filter(|(key, _)| !key.starts_with("aws:") && !ignored.covers(key));
        let images = ecr.images(found.registry_id.as_deref(), &self.name, None).await?;
        let scanning =
            found.image_scanning_configuration.map(|scanning| Value::object([("scanOnPush", scanning.scan_on_push)]));
        let encryption = found.encryption_configuration;
        let encryption = encryption.map(|e| values::encryption(e.encryption_type.as_str(), e.kms_key));
        Ok(Results::new([
            ("arn", Value::from(arn)),
            ("encryptionConfigurations", Vec::from_iter(encryption).into()),
            ("id", values::text(found.repository_name.clone())),
            ("imageScanningConfigurations", Vec::from_iter(scanning).into()),
            ("imageTagMutability", values::text(found.image_tag_mutability.map(|it| it.to_string()))),
            ("imageTagMutabilityExclusionFilters", values::filters(found.image_tag_mutability_exclusion_filters)),
            ("mostRecentImageTags", images.latest.and_then(|image| image.image_tags).unwrap_or_default().into()),
            ("name", values::text(found.repository_name)),
            ("region", place.region.into()),
            ("registryId", values::text(found.registry_id)),
            ("repositoryUrl", values::text(found.repository_uri)),
            ("tags", Value::Object(tags.map(|(key, value)| (key, value.into())).collect())),
        ])
        .into())
    }
}
