//! Authorization tokens: from memory, from the folder that processes share, or from ECR.

use std::sync::Arc;

use super::Configured;
use crate::{
    aws::{Error, Registry},
    cache::{Key, Token},
};

/// A token for `registry`, got for `function` and no other.
pub(super) async fn get(
    provider: &Configured,
    function: &'static str,
    registry: &Registry,
) -> Result<Arc<Token>, Error> {
    let key = Key { function, registry: registry.clone() };
    provider.tokens.get(key, |key| call(provider.clone(), key)).await
}

async fn call(provider: Configured, key: Key) -> Result<Token, Error> {
    let Configured { client, shared_tokens, .. } = provider;
    let caller = client.caller(&key.registry.region).await?;
    let call = async { client.authorization_data(&key.registry, &caller).await.map(Token::now) };
    match shared_tokens {
        Some(folder) => folder.get(&key, &caller, call).await,
        None => call.await,
    }
}
