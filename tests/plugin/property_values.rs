//! Property values on the wire: round trips, malformed special objects, depth.

use std::collections::BTreeMap;

use proptest::prelude::*;
use prost_types::{Struct, value::Kind as Wire};
use pulumi_resource_aws::plugin::property::{
    Accepts, Archive, ArchiveSource, Asset, AssetSource, EncodeError, Object, Output, ResourceReference, Unknown,
    Value, decode, encode, from_json,
};
use serde_json::json;
use support::values::{UNKNOWN, properties};

const ALL: Accepts = Accepts { byte_strings: true };
const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";

fn text() -> impl Strategy<Value = String> {
    "[a-z:/ é€]{0,8}"
}

fn asset() -> impl Strategy<Value = Value> {
    let source = prop_oneof![
        text().prop_map(AssetSource::Text),
        text().prop_map(AssetSource::Path),
        text().prop_map(AssetSource::Uri)
    ];
    (text(), source).prop_map(|(hash, source)| Value::Asset(Asset { hash, source }))
}

fn leaf() -> impl Strategy<Value = Value> {
    let unknown = prop_oneof![
        Just(Unknown::Bool),
        Just(Unknown::Number),
        Just(Unknown::String),
        Just(Unknown::List),
        Just(Unknown::Asset),
        Just(Unknown::Archive),
        Just(Unknown::Object),
    ];
    let id = proptest::option::of(prop_oneof![text().prop_map(Value::String), Just(Value::Unknown(Unknown::String))]);
    let reference = (text(), id, proptest::option::of(text()), proptest::option::of(text()), text());
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_filter("NaN is not equal to itself", |number| !number.is_nan()).prop_map(Value::Number),
        text().prop_map(Value::String),
        unknown.prop_map(Value::Unknown),
        asset(),
        proptest::collection::vec(any::<u8>(), 0..8).prop_map(Value::ByteString),
        reference.prop_map(|(urn, id, name, r#type, package_version)| {
            let id = id.map(Box::new);
            Value::ResourceReference(ResourceReference { urn, id, name, r#type, package_version })
        }),
    ]
}

fn archive(assets: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    let source = prop_oneof![
        proptest::collection::btree_map(text(), assets, 0..3).prop_map(ArchiveSource::Assets),
        text().prop_map(ArchiveSource::Path),
        text().prop_map(ArchiveSource::Uri),
    ];
    (text(), source).prop_map(|(hash, source)| Value::Archive(Archive { hash, source }))
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(6, 64, 4, |inner| {
        let output = (proptest::option::of(inner.clone()), any::<bool>(), proptest::collection::vec(text(), 0..3));
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::btree_map(text(), inner.clone(), 0..4).prop_map(Value::Object),
            inner.prop_map(|value| Value::Secret(Box::new(value))),
            output.prop_map(|(value, secret, dependencies)| {
                Value::Output(Output { value: value.map(Box::new), secret, dependencies })
            }),
            archive(archive(asset()).boxed()),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_survives_the_wire(value in value()) {
        let object = Object::from([("property".to_owned(), value)]);
        let wire = encode(object.clone(), ALL).unwrap();
        // Through bytes, as it travels.
        let bytes = prost::Message::encode_to_vec(&wire);
        let wire: Struct = prost::Message::decode(bytes.as_slice()).unwrap();
        prop_assert!(decode(wire, ALL).unwrap() == object);
    }

    #[test]
    fn whatever_arrives_is_read_or_refused(
        signature in prop_oneof![signatures(), text().boxed()],
        fields in proptest::collection::btree_map(fields(), text().prop_map(serde_json::Value::from), 0..4),
    ) {
        let mut special = serde_json::Map::from_iter(fields);
        special.insert(SIGNATURE.to_owned(), signature.into());
        // Nothing to assert but that it returns: a panic fails the test.
        let _ = decode(properties(json!({"property": special})), ALL);
    }
}

fn signatures() -> BoxedStrategy<String> {
    let known = [
        "1b47061264138c4ac30d75fd1eb44270",
        "d0e6a833031e9bbcd3f4e8bde6ca49a4",
        "5cf8f73096256a8f31e491e813e4eb8e",
        "c44067f5952c0a294b673a41bacd8c17",
        "0def7320c3a5731c473e5ecbe6d01bc7",
        "803fd3297a5875dc03ca845dda5d2a98",
    ];
    proptest::sample::select(known.to_vec()).prop_map(str::to_owned).boxed()
}

fn fields() -> impl Strategy<Value = String> {
    let names = ["value", "secret", "dependencies", "urn", "id", "text", "path", "uri", "assets", "hash"];
    proptest::sample::select(names.to_vec()).prop_map(str::to_owned)
}

#[test]
fn malformed_special_objects_are_named() {
    let special = |signature: &str, fields: serde_json::Value| {
        let mut object = fields;
        object[SIGNATURE] = signature.into();
        json!({"outer": [object]})
    };
    for (malformed, problem) in [
        (special("1b47061264138c4ac30d75fd1eb44270", json!({})), "a secret without a `value`"),
        (
            special("d0e6a833031e9bbcd3f4e8bde6ca49a4", json!({"secret": 1})),
            "an output whose `secret` is not a boolean",
        ),
        (
            special("d0e6a833031e9bbcd3f4e8bde6ca49a4", json!({"dependencies": [1]})),
            "an output whose `dependencies` are not a list of strings",
        ),
        (special("5cf8f73096256a8f31e491e813e4eb8e", json!({})), "a resource without a `urn`"),
        (special("5cf8f73096256a8f31e491e813e4eb8e", json!({"urn": 1})), "a resource whose `urn` is not a string"),
        (
            special("5cf8f73096256a8f31e491e813e4eb8e", json!({"urn": "u", "id": []})),
            "a resource whose `id` is not a string",
        ),
        (
            special("c44067f5952c0a294b673a41bacd8c17", json!({"text": "a", "path": "b"})),
            "an asset that has not exactly one of `text`, `path` and `uri`",
        ),
        (
            special("0def7320c3a5731c473e5ecbe6d01bc7", json!({})),
            "an archive that has not exactly one of `assets`, `path` and `uri`",
        ),
        (
            special("0def7320c3a5731c473e5ecbe6d01bc7", json!({"assets": {"a": "b"}})),
            "an archive whose `assets` are not assets and archives by name",
        ),
        (special("803fd3297a5875dc03ca845dda5d2a98", json!({"value": "%"})), "a byte string that is not base64"),
        (special("no such kind", json!({})), "a special value of a kind that this plugin does not know"),
        (json!({"outer": [{SIGNATURE: 7}]}), "the signature of a special value must be a string"),
    ] {
        let error = decode(properties(malformed), ALL).map(drop).unwrap_err();
        assert_eq!((error.path.as_str(), error.problem.as_str()), ("outer[0]", problem));
    }
}

#[test]
fn byte_strings_pass_only_where_both_sides_know_them() {
    let object = || Object::from([("bytes".to_owned(), Value::ByteString(vec![0, 255]))]);
    assert_eq!(encode(object(), Accepts::default()), Err(EncodeError::ByteString));
    let wire = encode(object(), ALL).unwrap();
    assert!(decode(wire.clone(), ALL).unwrap() == object());
    assert!(decode(wire, Accepts::default()).map(drop).unwrap_err().problem.contains("byte string"));
}

#[test]
fn ordinary_values_are_not_mistaken_for_special_ones() {
    let unknown = Value::String(UNKNOWN.to_owned());
    let signed = Value::Object(BTreeMap::from([(SIGNATURE.to_owned(), Value::Null)]));
    for value in [unknown, signed] {
        let result = encode(Object::from([("property".to_owned(), value)]), ALL);
        assert_eq!(result, Err(EncodeError::Reserved));
    }
    let properties = Object::from([(SIGNATURE.to_owned(), Value::Null)]);
    let sent = encode(properties.clone(), ALL).expect("the properties themselves are no value");
    assert!(decode(sent, ALL).unwrap() == properties);
}

#[test]
fn depth_is_bounded_in_every_direction() {
    let deep = |levels: usize| (0..levels).fold(Value::Null, |value, _| Value::List(vec![value]));
    let object = |levels| Object::from([("property".to_owned(), deep(levels))]);
    assert!(encode(object(30), ALL).is_ok());
    assert_eq!(encode(object(1_000), ALL), Err(EncodeError::TooDeep));

    let wire = |levels: usize| {
        let value = (0..levels).fold(prost_types::Value { kind: None }, |value, _| prost_types::Value {
            kind: Some(Wire::ListValue(prost_types::ListValue { values: vec![value] })),
        });
        Struct { fields: [("property".to_owned(), value)].into() }
    };
    assert!(decode(wire(30), ALL).is_ok());
    assert!(decode(wire(1_000), ALL).map(drop).unwrap_err().problem.contains("nested deeper"));

    let text = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let json = serde_json::from_str(&text).unwrap();
    assert!(from_json(json, ALL).map(drop).unwrap_err().problem.contains("nested deeper"));
}
