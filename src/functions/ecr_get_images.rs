//! `aws:ecr/getImages:getImages`: the tags and digests of all images of a repository.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecr/images_data_source.go`, where an empty
//! list is none.

use serde::Deserialize;

use super::{Answer, Function, Place, names, registry_id, values};
use crate::{
    aws::{Ecr, Error},
    plugin::{Failure, Results, property::Value},
};

pub(super) const FUNCTION: Function = Function::new::<Arguments>("aws:ecr/getImages:getImages");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    repository_name: String,
    registry_id: Option<String>,
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        names::check("repositoryName", &self.repository_name)?;
        self.registry_id.as_deref().map_or(Ok(()), registry_id::check)
    }

    fn subject(&self) -> String {
        format!("repository {}", self.repository_name)
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let ecr = Ecr::new(&place.provider.client, &place.region).await?;
        let ids = ecr.image_ids(self.registry_id.as_deref(), &self.repository_name).await?.into_iter();
        let ids = ids.map(|id| Value::object([("imageDigest", id.image_digest), ("imageTag", id.image_tag)]));
        Ok(Results::new([
            ("imageIds", values::unless_empty(ids.collect::<Vec<_>>())),
            ("region", place.region.into()),
            ("registryId", self.registry_id.into()),
            ("repositoryName", self.repository_name.into()),
        ])
        .into())
    }
}
