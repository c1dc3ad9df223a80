//! `aws:ecrpublic/getImages:getImages`: images of a repository of Amazon ECR Public.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecrpublic/images_data_source.go`, where an
//! empty list is none.

use aws_sdk_ecrpublic::types::ImageIdentifier;
use aws_smithy_types::{DateTime, date_time::Format};
use serde::Deserialize;

use super::{Answer, Function, Place, names, registry_id, values};
use crate::{
    aws::{EcrPublic, Error},
    plugin::{Failure, Results, property::Value},
};

pub(super) const FUNCTION: Function = Function::new::<Arguments>("aws:ecrpublic/getImages:getImages");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    repository_name: String,
    registry_id: Option<String>,
    image_ids: Option<Vec<ImageId>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageId {
    image_digest: Option<String>,
    image_tag: Option<String>,
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        names::check_public("repositoryName", &self.repository_name)?;
        self.registry_id.as_deref().map_or(Ok(()), registry_id::check)
    }

    fn subject(&self) -> String {
        format!("public repository {}", self.repository_name)
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        place.public().await?;
        let ecr = EcrPublic::new(&place.provider.client).await?;
        let ids = self.image_ids.iter().flatten().map(|id| {
            let [digest, tag] = [&id.image_digest, &id.image_tag].map(Clone::clone);
            ImageIdentifier::builder().set_image_digest(digest).set_image_tag(tag).build()
        });
        let images = ecr.images(self.registry_id.as_deref(), &self.repository_name, ids.collect()).await?;
        let images = images.into_iter().map(|image| {
            let time = |time: DateTime| DateTime::from_secs(time.secs()).fmt(Format::DateTime).ok();
            Value::object([
                ("artifactMediaType", Value::from(image.artifact_media_type)),
                ("imageDigest", image.image_digest.into()),
                ("imageManifestMediaType", image.image_manifest_media_type.into()),
                ("imagePushedAt", image.image_pushed_at.and_then(time).into()),
                ("imageSizeInBytes", image.image_size_in_bytes.into()),
                ("imageTags", image.image_tags.into()),
                ("registryId", image.registry_id.into()),
                ("repositoryName", image.repository_name.into()),
            ])
        });
        let images = values::unless_empty(images.collect::<Vec<_>>());
        let ids = self.image_ids.map(|ids| {
            let ids = ids.into_iter().map(|id| [("imageDigest", id.image_digest), ("imageTag", id.image_tag)]);
            ids.map(Value::object).collect::<Vec<_>>()
        });
        Ok(Results::new([
            ("imageIds", Value::from(ids)),
            ("images", images),
            ("region", place.region.into()),
            ("registryId", self.registry_id.into()),
            ("repositoryName", self.repository_name.into()),
        ])
        .into())
    }
}
