//! `aws:ecr/getRepositories:getRepositories`: the names of all repositories of the caller's registry.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecr/repositories_data_source.go`, where an
//! empty set is none.

use serde::Deserialize;

use super::{Answer, Function, Place, values};
use crate::{
    aws::{Ecr, Error},
    plugin::{Results, property::Value},
};

pub(super) const FUNCTION: Function = Function::new::<Arguments>("aws:ecr/getRepositories:getRepositories");

#[derive(Deserialize)]
struct Arguments {}

impl super::Arguments for Arguments {
    fn subject(&self) -> String {
        "the caller's registry".to_owned()
    }

    async fn answer(self, place: Place) -> Result<Answer, Error> {
        let ecr = Ecr::new(&place.provider.client, &place.region).await?;
        let names = ecr.repository_names().await?;
        Ok(Results::new([
            ("id", Value::from(&place.region)),
            ("names", values::unless_empty(names)),
            ("region", place.region.into()),
        ])
        .into())
    }
}
