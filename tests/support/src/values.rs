//! Property values in their form on the wire, written and read briefly.

use prost_types::{Struct, Value, value::Kind};
use serde_json::Value as Json;

/// The message for a JSON object; special values are written as on the wire.
pub fn properties(json: Json) -> Struct {
    match wire(json).kind {
        Some(Kind::StructValue(properties)) => properties,
        _ => panic!("properties are an object"),
    }
}

/// The text that stands for a string that is not known yet.
pub const UNKNOWN: &str = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/// A secret around a value.
pub fn secret(value: impl Into<Json>) -> Json {
    serde_json::json!({"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value.into()})
}

/// An output around a value.
pub fn output(value: impl Into<Json>, secret: bool) -> Json {
    serde_json::json!({"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": value.into(),
        "secret": secret, "dependencies": []})
}

/// The JSON object for a message.
pub fn json(properties: Struct) -> Json {
    Json::Object(properties.fields.into_iter().map(|(key, value)| (key, plain(value))).collect())
}

fn wire(json: Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(bool) => Kind::BoolValue(bool),
        Json::Number(number) => Kind::NumberValue(number.as_f64().expect("a double")),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(values) => {
            Kind::ListValue(prost_types::ListValue { values: values.into_iter().map(wire).collect() })
        }
        Json::Object(fields) => {
            Kind::StructValue(Struct { fields: fields.into_iter().map(|(key, value)| (key, wire(value))).collect() })
        }
    };
    Value { kind: Some(kind) }
}

fn plain(value: Value) -> Json {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(bool)) => bool.into(),
        Some(Kind::NumberValue(number)) => number.into(),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(plain).collect(),
        Some(Kind::StructValue(properties)) => json(properties),
    }
}
