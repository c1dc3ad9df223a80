//! `aws:ecrpublic/getAuthorizationToken:getAuthorizationToken`: a token for Amazon ECR Public.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecrpublic/authorization_token_data_source.go`:
//! `id` is the Region. Unlike there, us-east-1 is called whatever the Region, since no other has the service.

use serde::Deserialize;

use super::{Answer, Function, Place};
use crate::{aws::Error, plugin::Results};

pub(super) const FUNCTION: Function =
    Function::new::<Arguments>("aws:ecrpublic/getAuthorizationToken:getAuthorizationToken");

#[derive(Deserialize)]
struct Arguments {}

impl super::Arguments for Arguments {
    fn subject(&self) -> String {
        "Amazon ECR Public".to_owned()
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let registry = place.public().await?;
        let results = place.authorization(registry, |data| {
            Results::new([
                ("authorizationToken", &data.authorization_token),
                ("expiresAt", &data.expires_at_date),
                ("id", &place.region),
                ("password", &data.password),
                ("region", &place.region),
                ("userName", &data.user_name),
            ])
        });
        results.await
    }
}
