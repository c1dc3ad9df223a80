//! `aws:ecr/getImage:getImage`: the image of a repository that has a tag or a digest, or was pushed last.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecr/image_data_source.go`, and so is what
//! excludes what.

use aws_sdk_ecr::types::ImageIdentifier;
use serde::Deserialize;

use super::{Answer, Function, Place, names, registry_id, values};
use crate::{
    aws::{Ecr, Error},
    plugin::{Failure, Results, property::Value},
};

pub(super) const FUNCTION: Function = Function::new::<Arguments>("aws:ecr/getImage:getImage");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    repository_name: String,
    registry_id: Option<String>,
    image_digest: Option<String>,
    image_tag: Option<String>,
    most_recent: Option<bool>,
}

impl Arguments {
    fn id(&self) -> Option<ImageIdentifier> {
        let [digest, tag] = [&self.image_digest, &self.image_tag].map(|id| id.clone().filter(|id| !id.is_empty()));
        let id = ImageIdentifier::builder().set_image_digest(digest).set_image_tag(tag).build();
        (id.image_digest.is_some() || id.image_tag.is_some()).then_some(id)
    }
}

impl super::Arguments for Arguments {
    fn check(&self) -> Result<(), Failure> {
        names::check("repositoryName", &self.repository_name)?;
        self.registry_id.as_deref().map_or(Ok(()), registry_id::check)?;
        match (self.image_digest.is_some() || self.image_tag.is_some(), self.most_recent) {
            (true, Some(_)) => {
                Err(Failure::new("mostRecent", "excludes imageDigest and imageTag: give one or the other"))
            }
            (false, None) => Err(Failure::new("imageTag", "is missing: give it, imageDigest, or mostRecent as true")),
            _ => Ok(()),
        }
    }

    fn subject(&self) -> String {
        let tag = self.image_tag.iter().map(|tag| format!(":{tag}"));
        let digest = self.image_digest.iter().map(|digest| format!("@{digest}"));
        format!("image {}{}", self.repository_name, tag.chain(digest).collect::<String>())
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let ecr = Ecr::new(&place.provider.client, &place.region).await?;
        let images = ecr.images(self.registry_id.as_deref(), &self.repository_name, self.id()).await?;
        if images.count > 1 && self.most_recent != Some(true) {
            return Err(Error::Several(images.count));
        }
        let image = Error::unless_found(images.latest.map(|image| vec![image]))?;
        let (registry, name) = (image.registry_id, image.repository_name.unwrap_or(self.repository_name));
        let found = Error::unless_found(Some(ecr.repositories(registry.as_deref(), &name).await?))?;
        let digest = image.image_digest.unwrap_or_default();
        Ok(Results::new([
            ("id", Value::from(&digest)),
            ("imagePushedAt", image.image_pushed_at.map(|time| time.secs()).into()),
            ("imageSizeInBytes", image.image_size_in_bytes.unwrap_or_default().into()),
            ("imageTag", self.image_tag.filter(|tag| !tag.is_empty()).into()),
            ("imageTags", image.image_tags.unwrap_or_default().into()),
            ("imageUri", format!("{}@{digest}", found.repository_uri.unwrap_or_default()).into()),
            ("imageDigest", digest.into()),
            ("mostRecent", self.most_recent.into()),
            ("region", place.region.into()),
            ("registryId", values::text(registry)),
            ("repositoryName", name.into()),
        ])
        .into())
    }
}
