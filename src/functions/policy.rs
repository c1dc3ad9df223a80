//! JSON as Go's `encoding/json` writes it, in which the official provider returns policies.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde_json::{Error as Invalid, value::RawValue};

use crate::aws::Error;

/// The deepest nesting that is read, and the longest text: AWS lets a lifecycle policy have 30 kB, others less.
const DEEPEST: usize = 128;
const MAX_BYTES: usize = 128 * 1024;

/// JSON of a document in a normal form: without white space, with sorted keys. No text is no policy.
///
/// # Errors
///
/// [`Error::Incomplete`] for text that is no JSON.
pub(super) fn normal(policy: Option<String>) -> Result<String, Error> {
    let policy = policy.unwrap_or_default();
    if policy.is_empty() {
        return Ok(policy);
    }
    if policy.len() > MAX_BYTES {
        return Err(Error::Incomplete("a policy that is longer than any of AWS's"));
    }
    let mut text = String::new();
    let written = serde_json::from_str(&with_whole_pairs(&policy)).and_then(|json| write(json, DEEPEST, &mut text));
    written.map_err(|_| Error::Incomplete("a policy that is not JSON"))?;
    Ok(as_go_escapes(&text))
}

/// In strings, and nowhere else, JSON has these characters.
pub(super) fn as_go_escapes(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => text.push(other),
        }
    }
    text
}

/// The text with U+FFFD in place of each escaped half of a surrogate pair, which serde refuses.
fn with_whole_pairs(json: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(start) = rest.find('\\') {
        let (before, escaped) = rest.split_at(start);
        let length = match (surrogate(escaped), escaped.get(6..).and_then(surrogate)) {
            (Some(0xd800..0xdc00), Some(0xdc00..)) => 12,
            (Some(_), _) => 6,
            (None, _) => escaped.chars().take(2).map(char::len_utf8).sum(),
        };
        let (escape, behind) = escaped.split_at(length);
        text.extend([before, if length == 6 { "\\ufffd" } else { escape }]);
        rest = behind;
    }
    text + rest
}

/// The half of a pair that is escaped at the beginning of the text.
fn surrogate(text: &str) -> Option<u16> {
    let digits =
        text.strip_prefix("\\u")?.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok().filter(|unit| (0xd800..0xe000).contains(unit))
}

fn write(json: &RawValue, depth: usize, text: &mut String) -> Result<(), Invalid> {
    let json = json.get();
    let depth = depth.checked_sub(1).ok_or_else(|| Invalid::custom("too deep"))?;
    match json.as_bytes().first() {
        Some(b'[') => {
            text.push('[');
            for (index, value) in serde_json::from_str::<Vec<&RawValue>>(json)?.into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(value, depth, text)?;
            }
            text.push(']');
        }
        Some(b'{') => {
            text.push('{');
            for (index, (key, value)) in serde_json::from_str::<BTreeMap<String, &RawValue>>(json)?.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                text.push_str(&serde_json::to_string(key)?);
                text.push(':');
                write(value, depth, text)?;
            }
            text.push('}');
        }
        Some(b'"') => text.push_str(&serde_json::to_string(&serde_json::from_str::<String>(json)?)?),
        Some(b't' | b'f' | b'n') => text.push_str(json),
        _ => text.push_str(&float(json.parse().map_err(Invalid::custom)?)?),
    }
    Ok(())
}

/// Every number is a double there, with an exponent if it is far from 1.
fn float(number: f64) -> Result<String, Invalid> {
    match number.abs() {
        f64::INFINITY => Err(Invalid::custom("too large")),
        0.0 | 1e-6..1e21 => Ok(number.to_string()),
        far => Ok(format!("{number:e}").replacen('e', if far < 1.0 { "e" } else { "e+" }, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs are what terraform-plugin-sdk's `structure.NormalizeJsonString` made of them.
    #[test]
    fn the_normal_form_is_go_s() {
        for (given, expected) in [
            ("", ""),
            (" [1] ", "[1]"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (
                r#"{"b":1.0,"a":[1,2.5,1e21,123456789012345678,1e-7,0.000001,-0,100000000000000000000]}"#,
                r#"{"a":[1,2.5,1e+21,123456789012345680,1e-7,0.000001,-0,100000000000000000000],"b":1}"#,
            ),
            (
                r#"{"t":"<&> \u2028 é \u0001\b\f\n/","n":null,"e":{}}"#,
                r#"{"e":{},"n":null,"t":"\u003c\u0026\u003e \u2028 é \u0001\b\f\n/"}"#,
            ),
            (
                "[0.018031053755639626e2,583500049350453707317611577713138730986]",
                "[1.8031053755639626,5.835000493504537e+38]",
            ),
            (r#"{"a":{"b":1},"a":[true,false]}"#, r#"{"a":[true,false]}"#),
            (
                r#"["\ud83d\ude00","\ud83d","\udc00x","\ud83d\ud83d\ude00","\uD800\u0041","\\ud800","\/\u00e9"]"#,
                "[\"😀\",\"\u{fffd}\",\"\u{fffd}x\",\"\u{fffd}😀\",\"\u{fffd}A\",\"\\\\ud800\",\"/é\"]",
            ),
            (r#"{"b\udfff":1,"b":2}"#, "{\"b\":2,\"b\u{fffd}\":1}"),
        ] {
            assert_eq!(normal(Some(given.to_owned())).unwrap(), expected, "{given}");
        }
        assert_eq!(normal(None).unwrap(), "");
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(normal(Some(nested(DEEPEST))).unwrap(), nested(DEEPEST));
        let deep = [DEEPEST + 1, 10_000].map(nested);
        for given in ["{", r#"{"n":1e400}"#, "[-1e400]", r#""\ud80""#, r#""\ud800"#, r#""\é""#, "\\", "01"]
            .into_iter()
            .chain(deep.iter().map(String::as_str))
        {
            assert!(normal(Some(given.to_owned())).is_err(), "{given:.100}");
        }
    }
}
