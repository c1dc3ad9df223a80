//! The JSON in which processes, containers and instances hand out credentials.
//!
//! No text quotes any of it: it holds keys.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_smithy_types::{DateTime, date_time::Format};
use serde::Deserialize;
use serde_json::{Map, Value};

/// An object whose keys count whatever their case, as in Go.
///
/// There is no `Debug`: it holds keys.
pub(super) struct Object(Map<String, Value>);

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn new(json: &[u8]) -> Result<Self, String> {
        // What follows the object is not looked at; serde's own message can quote the text.
        let object = Map::deserialize(&mut serde_json::Deserializer::from_slice(json));
        let object: Map<String, Value> = object.map_err(|error| {
            format!("its answer is not a JSON object (line {}, column {})", error.line(), error.column())
        })?;
        Ok(Self(object.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect()))
    }

    /// The value of a key, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&key.to_ascii_lowercase()).filter(|value| !value.is_null())
    }

    /// The text of a key.
    ///
    /// # Errors
    ///
    /// A sentence, for a value that is no text.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, String> {
        self.get(key).map(|value| value.as_str().ok_or_else(|| format!("its {key} is not text"))).transpose()
    }

    /// The credentials, whose session token has the name `token`.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn credentials(&self, token: &str, provider: &'static str) -> Result<Credentials, String> {
        let key = |key: &str| {
            let text = self.text(key)?.filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| format!("its {key} is missing"))
        };
        let token = self.text(token)?.filter(|token| !token.is_empty()).map(str::to_owned);
        let expiry =
            self.text("Expiration")?.map(|text| time(text).ok_or("its Expiration is not a time")).transpose()?;
        Ok(Credentials::new(key("AccessKeyId")?, key("SecretAccessKey")?, token, expiry, provider))
    }
}

/// A time with an offset, `Z`, or `UTC` as older versions of the AWS CLI wrote it. As in Go, a comma is as good as a point,
/// but letters are capitals.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    if text.contains(['t', 'z']) {
        return None;
    }
    let text = text.replace(',', ".");
    let text = text.strip_suffix("UTC").map_or_else(|| text.to_owned(), |text| format!("{text}Z"));
    SystemTime::try_from(DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_their_forms() {
        let expected = time("2030-01-02T03:04:05Z").unwrap();
        for text in [
            "2030-01-02T03:04:05UTC",
            "2030-01-02T03:04:05+00:00",
            "2030-01-02T05:04:05.000+02:00",
            "2030-01-02T03:04:05,0Z",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        for text in ["", "2030-01-02", "soon", "2030-01-02T03:04:05", "2030-01-02t03:04:05z"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
