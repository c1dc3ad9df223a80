//! Authorization tokens: from memory, from the folder that processes share, or from ECR.

use super::Configured;
use crate::{
    aws::{AuthorizationData, Error, Registry},
    cache::{Key, Token},
    plugin::Results,
};

/// What `results` makes of a token for `registry`, got for `function` and no other. It is made once for as long as the
/// token may be served.
pub(super) async fn get(
    provider: &Configured,
    function: &'static str,
    registry: &Registry,
    results: fn(&Registry, &AuthorizationData) -> Results,
) -> Result<Results, Error> {
    let key = Key { function, registry: registry.clone() };
    let call = |key| {
        let provider = provider.clone();
        async move {
            let token = token(&provider, &key).await?;
            Ok((results(&key.registry, &token.data), token.window()))
        }
    };
    provider.memory.get(key, call).await
}

async fn token(provider: &Configured, key: &Key) -> Result<Token, Error> {
    let Configured { client, shared_tokens, .. } = provider;
    let caller = client.caller(&key.registry.region).await?;
    let call = async { client.authorization_data(&key.registry, &caller).await.map(Token::now) };
    match shared_tokens {
        Some(folder) => folder.get(key, &caller, call).await,
        None => call.await,
    }
}
