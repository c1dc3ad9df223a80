//! JSON as Go's `encoding/json` writes it, in which the official provider returns policies.

use serde_json::Value as Json;

use crate::aws::Error;

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
    let json: Json = serde_json::from_str(&policy).map_err(|_| Error::Incomplete("a policy that is not JSON"))?;
    let mut text = String::new();
    write(&json, &mut text);
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

fn write(json: &Json, text: &mut String) {
    match json {
        Json::Number(number) => text.push_str(&number.as_f64().map_or_else(|| number.to_string(), float)),
        Json::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(value, text);
            }
            text.push(']');
        }
        Json::Object(values) => {
            text.push('{');
            for (index, (key, value)) in values.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                text.push_str(&Json::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// Every number is a double there, with an exponent if it is far from 1.
fn float(number: f64) -> String {
    match number.abs() {
        0.0 | 1e-6..1e21 => number.to_string(),
        far => format!("{number:e}").replacen('e', if far < 1.0 { "e" } else { "e+" }, 1),
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
        ] {
            assert_eq!(normal(Some(given.to_owned())).unwrap(), expected, "{given}");
        }
        assert_eq!(normal(None).unwrap(), "");
        for given in ["{", r#"{"n":1e400}"#] {
            assert!(normal(Some(given.to_owned())).is_err(), "{given}");
        }
    }
}
