//! The operations of Amazon ECR Public, which is in one Region of one partition.

use std::sync::Arc;

use aws_sdk_ecrpublic::types::{ImageDetail, ImageIdentifier};

use super::{
    AuthorizationData, Caller, Client, Error, authorization,
    call::{PAGE, Place, send, send_pages},
    region,
};

/// The most pages of images that are read: ten times the images that AWS's quota lets a public repository have.
const MOST_PAGES: usize = 100;

/// Amazon ECR Public, called as a configuration says.
pub struct EcrPublic {
    place: Place,
    sdk: aws_sdk_ecrpublic::Client,
}

impl EcrPublic {
    /// Calls by `client`.
    ///
    /// # Errors
    ///
    /// See [`Client::caller`].
    pub async fn new(client: &Arc<Client>) -> Result<Self, Error> {
        let place = Place::new(client, "Amazon ECR Public", region::PUBLIC).await?;
        let sdk = place.caller.session.ecr_public();
        Ok(Self { place, sdk })
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.place.caller
    }

    /// A token (GetAuthorizationToken).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering, and an answer without a token.
    pub async fn authorization_data(&self) -> Result<AuthorizationData, Error> {
        let request = self.sdk.get_authorization_token();
        let action = "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken";
        let answer = send!(self.place, aws_sdk_ecrpublic, action, request).await?;
        let data = answer.authorization_data.ok_or(Error::Incomplete("no authorization data"))?;
        authorization::read(data.authorization_token, data.expires_at, None)
    }

    /// The images with these ids, or all of a repository (DescribeImages).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering; [`Error::NotFound`] for a repository or an image that is not there.
    pub async fn images(
        &self,
        registry_id: Option<&str>,
        repository: &str,
        ids: Vec<ImageIdentifier>,
    ) -> Result<Vec<ImageDetail>, Error> {
        let request = self.sdk.describe_images().set_registry_id(registry_id.map(str::to_owned));
        let request = request.repository_name(repository);
        let request = match ids.is_empty() {
            true => request.max_results(PAGE),
            false => request.set_image_ids(Some(ids)),
        };
        let action = "ecr-public:DescribeImages";
        send_pages!(self.place, aws_sdk_ecrpublic, action, request, image_details, MOST_PAGES).await
    }
}
