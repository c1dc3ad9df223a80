//! Authorization tokens, which several functions return in their own ways: from memory, from the folder that processes
//! share, or from AWS.

use std::{future::ready, time::SystemTime};

use aws_smithy_types::DateTime;

use super::{Answer, Place};
use crate::{
    aws::{AuthorizationData, Caller, Ecr, EcrPublic, Error, Registry},
    cache::Token,
    plugin::Results,
    steps::step,
};

impl Place {
    /// The registry of Amazon ECR Public, which is called in a Region of its own.
    ///
    /// # Errors
    ///
    /// For a Region that is none, and in partitions that do not have the service.
    pub(super) async fn public(&self) -> Result<Registry, Error> {
        self.provider.client.check_region(&self.region).await?;
        Registry::public(&self.region)
    }

    /// What `results` makes of a token for `registry`.
    pub(super) async fn authorization(
        &self,
        registry: Registry,
        results: impl FnOnce(&AuthorizationData) -> Results,
    ) -> Result<Answer, Error> {
        let (place, asked) = (self.clone(), registry.clone());
        let call = || async move {
            let token = place.token(&asked).await?;
            let window = token.window();
            Ok((token, window))
        };
        let token = self.provider.tokens.get(registry, call).await?;
        let minutes = (token.data.expires_at - DateTime::from(SystemTime::now()).secs()) / 60;
        step!("token", "lasts until {}, {minutes} min from now", token.data.expires_at_date);
        if minutes < 0 {
            log::warn!(
                "the token that AWS gave was over at {}, by this machine's clock: one of the two is wrong",
                token.data.expires_at_date
            );
        }
        Ok(Answer { results: results(&token.data), window: token.window() })
    }

    async fn token(&self, registry: &Registry) -> Result<Token, Error> {
        match registry {
            Registry::Private { id, region } => {
                let ecr = Ecr::new(&self.provider.client, region).await?;
                let call = async { ecr.authorization_data(id.as_deref()).await.map(Token::now) };
                let token = self.shared(registry, ecr.caller(), call).await?;
                if let Some(named) = registry.named_by(&token.data) {
                    self.keep(named, ecr.caller(), &token).await?;
                }
                Ok(token)
            }
            Registry::Public => {
                let ecr = EcrPublic::new(&self.provider.client).await?;
                let call = async { ecr.authorization_data().await.map(Token::now) };
                self.shared(registry, ecr.caller(), call).await
            }
        }
    }

    /// Has whoever asks for this registry find the token, too.
    async fn keep(&self, registry: Registry, caller: &Caller, token: &Token) -> Result<(), Error> {
        let token = self.shared(&registry, caller, ready(Ok(token.clone()))).await?;
        let window = token.window();
        self.provider.tokens.get(registry, || ready(Ok((token, window)))).await.map(drop)
    }

    async fn shared(
        &self,
        registry: &Registry,
        caller: &Caller,
        call: impl Future<Output = Result<Token, Error>>,
    ) -> Result<Token, Error> {
        match &self.provider.shared_tokens {
            Some(folder) => folder.get(registry, caller, call).await,
            None => call.await,
        }
    }
}
