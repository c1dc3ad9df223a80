//! The JSON in which processes, containers and instances hand out credentials.
//!
//! No text quotes any of it: it holds keys.

use std::{borrow::Cow, collections::BTreeMap, time::SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_types::{DateTime, date_time::Format};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

/// The members of an object. One that has no value here, half a surrogate pair for example, is null: it stops nothing
/// unless it is needed, as in Go.
///
/// There is no `Debug`: it holds keys.
#[derive(Deserialize)]
#[serde(from = "BTreeMap<String, Box<RawValue>>")]
pub(super) struct Members(pub(super) Map<String, Value>);

/// Longer objects are none of credentials: of most bytes a value makes many.
const MAX_BYTES: usize = 256 * 1024;

/// The text of an object.
///
/// # Errors
///
/// A sentence, for one that is longer than any.
pub(super) fn text(json: &[u8]) -> Result<Cow<'_, str>, String> {
    match json.len() {
        ..=MAX_BYTES => Ok(String::from_utf8_lossy(json)),
        _ => Err(format!("its answer is longer than {} KiB", MAX_BYTES >> 10)),
    }
}

impl From<BTreeMap<String, Box<RawValue>>> for Members {
    fn from(members: BTreeMap<String, Box<RawValue>>) -> Self {
        let value = |raw: Box<RawValue>| serde_json::from_str(raw.get()).unwrap_or_default();
        Self(members.into_iter().map(|(key, raw)| (key, value(raw))).collect())
    }
}

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
        let json = text(json)?;
        let members = Members::deserialize(&mut serde_json::Deserializer::from_str(&json)).map_err(|error| {
            format!("its answer is not a JSON object (line {}, column {})", error.line(), error.column())
        })?;
        Ok(Self::of(members.0))
    }

    fn of(members: Map<String, Value>) -> Self {
        Self(members.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect())
    }

    /// The object of a key.
    pub(super) fn object(&self, key: &str) -> Option<Self> {
        Some(Self::of(self.get(key)?.as_object()?.clone()))
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

/// A time with an offset, `Z`, or `UTC` as older versions of the AWS CLI wrote it. As in Go, a comma is as good as a point
/// and an hour may have one digit, but letters are capitals.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    if text.contains(['t', 'z']) {
        return None;
    }
    let text = text.replace(',', ".");
    let text = text.strip_suffix("UTC").map_or_else(|| text.to_owned(), |text| format!("{text}Z"));
    let text = match text.split_once('T') {
        Some((date, time)) if time.find(':') == Some(1) => format!("{date}T0{time}"),
        _ => text,
    };
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
            "2030-01-02T3:04:05Z",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        for text in
            ["", "2030-01-02", "soon", "2030-01-02T03:04:05", "2030-01-02t03:04:05z", "T:", "2030-01-02T\u{fc}:"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
