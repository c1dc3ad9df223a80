//! The JSON in which processes, containers and instances hand out credentials.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_smithy_types::{DateTime, date_time::Format};
use serde::Deserialize;

/// There is no `Debug`: it holds keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "Token")]
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Reads credentials.
///
/// # Errors
///
/// A sentence without any part of `json`, which holds keys.
pub(super) fn parse(json: &[u8], provider: &'static str) -> Result<Credentials, String> {
    // serde's own message can quote the text.
    let keys: Keys = serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("its answer is not a JSON object with AccessKeyId and SecretAccessKey (line {line}, column {column})")
    })?;
    let expiry = keys.expiration.as_deref().map(time).transpose()?;
    Ok(Credentials::new(keys.access_key_id, keys.secret_access_key, keys.session_token, expiry, provider))
}

fn time(text: &str) -> Result<SystemTime, String> {
    let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok();
    time.and_then(|time| SystemTime::try_from(time).ok()).ok_or_else(|| "its Expiration is not a time".to_owned())
}
