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
    let Some(folder) = shared_tokens else {
        return client.authorization_data(&key.registry, None).await.map(Token::now);
    };
    let caller = client.caller().await?;
    let call = async { client.authorization_data(&key.registry, Some(&caller)).await.map(Token::now) };
    folder.get(&key, &caller, call).await
}
