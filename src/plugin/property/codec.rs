//! Between [`Value`] and `google.protobuf.Struct`.
//!
//! A value that protobuf cannot say is an object with the key [`SIGNATURE`], or, when unknown, one of a few strings.
//! The constants are the wire's (`sdk/go/common/resource/sig` and `plugin/rpc.go` of pulumi/pulumi 3.274).

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost_types::{ListValue, Struct, Value as Wire, value::Kind as WireKind};
use serde_json::Value as Json;
use thiserror::Error;

use super::{Archive, ArchiveSource, Asset, AssetSource, Kind, Object, Output, ResourceReference, Unknown, Value};

const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
const SECRET: &str = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT: &str = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const RESOURCE_REFERENCE: &str = "5cf8f73096256a8f31e491e813e4eb8e";
const ASSET: &str = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE: &str = "0def7320c3a5731c473e5ecbe6d01bc7";
const BYTE_STRING: &str = "803fd3297a5875dc03ca845dda5d2a98";

const UNKNOWNS: [(Unknown, &str); 7] = [
    (Unknown::Bool, "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"),
    (Unknown::Number, "3eeb2bf0-c639-47a8-9e75-3b44932eb421"),
    (Unknown::String, "04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
    (Unknown::List, "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"),
    (Unknown::Asset, "030794c1-ac77-496b-92df-f27374a8bd58"),
    (Unknown::Archive, "e48ece36-62e2-4504-bad9-02848725956a"),
    (Unknown::Object, "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"),
];

/// How deep values may be nested. Protobuf's own limit on the wire is lower; JSON text inside strings meets this one.
const MAX_DEPTH: usize = 64;

/// What the other side of the wire understands beyond what every engine does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepts {
    /// Byte strings, as the Handshake says.
    pub byte_strings: bool,
}

/// What is wrong with a value on the wire, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {problem}")]
pub struct DecodeError {
    /// The property, for example `endpoints[0].ecr`.
    pub path: String,
    /// What is wrong, a sentence without a capital or a full stop; never a value.
    pub problem: String,
}

/// Why a value has no form on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Deeper than 64 levels.
    #[error("the value is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// An ordinary object or string that the other side would take for a special value.
    #[error("the value would be mistaken for one of Pulumi's special values")]
    Reserved,
    /// A byte string for an engine that knows none.
    #[error("the engine does not understand byte strings")]
    ByteString,
}

/// Reads the properties of a message.
///
/// # Errors
///
/// When a special value is malformed, or a value is nested too deep.
pub fn decode(properties: Struct, accepts: Accepts) -> Result<Object, DecodeError> {
    let decoder = Decoder { accepts };
    decoder.properties(properties.fields, 0).map_err(Malformed::into_error)
}

/// Reads a value from JSON, where special values are written as on the wire.
///
/// # Errors
///
/// As [`decode`].
pub fn from_json(json: Json, accepts: Accepts) -> Result<Value, DecodeError> {
    let decoder = Decoder { accepts };
    decoder.value(wire_from_json(json), 0).map_err(Malformed::into_error)
}

/// Writes properties as a message, which itself is never taken for a special value, whatever its keys are.
///
/// # Errors
///
/// See [`EncodeError`].
pub fn encode(properties: Object, accepts: Accepts) -> Result<Struct, EncodeError> {
    let encoder = Encoder { accepts };
    Ok(Struct { fields: encoder.fields(properties, 0)? })
}

/// A problem on its way up from the place where it was met.
struct Malformed {
    path: Vec<String>,
    problem: String,
}

impl Malformed {
    fn new(problem: impl Into<String>) -> Self {
        Self { path: Vec::new(), problem: problem.into() }
    }

    fn inside(mut self, segment: String) -> Self {
        self.path.push(segment);
        self
    }

    fn into_error(self) -> DecodeError {
        let mut path = String::new();
        for segment in self.path.iter().rev() {
            if !path.is_empty() && !segment.starts_with('[') {
                path.push('.');
            }
            path.push_str(segment);
        }
        DecodeError { path, problem: self.problem }
    }
}

struct Decoder {
    accepts: Accepts,
}

impl Decoder {
    fn value(&self, wire: Wire, depth: usize) -> Result<Value, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed::new(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        match wire.kind {
            None | Some(WireKind::NullValue(_)) => Ok(Value::Null),
            Some(WireKind::BoolValue(bool)) => Ok(Value::Bool(bool)),
            Some(WireKind::NumberValue(number)) => Ok(Value::Number(number)),
            Some(WireKind::StringValue(text)) => {
                let unknown = UNKNOWNS.iter().find(|(_, id)| *id == text);
                Ok(unknown.map_or_else(|| Value::String(text), |(unknown, _)| Value::Unknown(*unknown)))
            }
            Some(WireKind::ListValue(list)) => {
                let values = list.values.into_iter().enumerate();
                values
                    .map(|(index, value)| self.value(value, depth + 1).map_err(|e| e.inside(format!("[{index}]"))))
                    .collect::<Result<_, _>>()
                    .map(Value::List)
            }
            Some(WireKind::StructValue(object)) => self.object(object.fields, depth),
        }
    }

    fn properties(&self, fields: BTreeMap<String, Wire>, depth: usize) -> Result<Object, Malformed> {
        fields
            .into_iter()
            .map(|(key, value)| match self.value(value, depth + 1) {
                Ok(value) => Ok((key, value)),
                Err(error) => Err(error.inside(key)),
            })
            .collect()
    }

    fn object(&self, mut fields: BTreeMap<String, Wire>, depth: usize) -> Result<Value, Malformed> {
        let Some(signature) = fields.remove(SIGNATURE) else {
            return self.properties(fields, depth).map(Value::Object);
        };
        let Some(WireKind::StringValue(signature)) = signature.kind else {
            return Err(Malformed::new("the signature of a special value must be a string"));
        };
        let mut special = Special { decoder: self, fields, depth };
        match signature.as_str() {
            SECRET => special.secret(),
            OUTPUT => special.output(),
            RESOURCE_REFERENCE => special.resource_reference(),
            ASSET => special.asset(),
            ARCHIVE => special.archive(),
            BYTE_STRING => special.byte_string(),
            _ => Err(Malformed::new("a special value of a kind that this plugin does not know")),
        }
    }
}

/// The fields of an object with a signature.
struct Special<'a> {
    decoder: &'a Decoder,
    fields: BTreeMap<String, Wire>,
    depth: usize,
}

impl Special<'_> {
    fn value(&mut self, field: &str) -> Result<Option<Value>, Malformed> {
        let Some(wire) = self.fields.remove(field) else { return Ok(None) };
        self.decoder.value(wire, self.depth + 1).map(Some).map_err(|error| error.inside(field.to_owned()))
    }

    /// A field that is absent, null or a string.
    fn string(&mut self, field: &str, kind: Kind) -> Result<Option<String>, Malformed> {
        match self.value(field)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Malformed::new(format!("{kind} whose `{field}` is not a string"))),
        }
    }

    fn secret(&mut self) -> Result<Value, Malformed> {
        let value = self.value("value")?.ok_or_else(|| Malformed::new("a secret without a `value`"))?;
        Ok(Value::Secret(Box::new(value)))
    }

    fn output(&mut self) -> Result<Value, Malformed> {
        let secret = match self.value("secret")? {
            None | Some(Value::Null) => false,
            Some(Value::Bool(secret)) => secret,
            Some(_) => return Err(Malformed::new("an output whose `secret` is not a boolean")),
        };
        let dependencies = match self.value("dependencies")? {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::List(urns)) => urns.into_iter().map(string).collect(),
            Some(_) => None,
        };
        let dependencies =
            dependencies.ok_or_else(|| Malformed::new("an output whose `dependencies` are not a list of strings"))?;
        Ok(Value::Output(Output { value: self.value("value")?.map(Box::new), secret, dependencies }))
    }

    fn resource_reference(&mut self) -> Result<Value, Malformed> {
        let kind = Kind::ResourceReference;
        let urn = self.string("urn", kind)?.ok_or_else(|| Malformed::new("a resource without a `urn`"))?;
        let id = match self.value("id")? {
            None => None,
            Some(id @ (Value::String(_) | Value::Unknown(_) | Value::Null)) => Some(Box::new(id)),
            Some(_) => return Err(Malformed::new("a resource whose `id` is not a string")),
        };
        Ok(Value::ResourceReference(ResourceReference {
            urn,
            id,
            name: self.string("name", kind)?,
            r#type: self.string("type", kind)?,
            package_version: self.string("packageVersion", kind)?.unwrap_or_default(),
        }))
    }

    fn asset(&mut self) -> Result<Value, Malformed> {
        let hash = self.string("hash", Kind::Asset)?.unwrap_or_default();
        let text = self.string("text", Kind::Asset)?.map(AssetSource::Text);
        let path = self.string("path", Kind::Asset)?.map(AssetSource::Path);
        let uri = self.string("uri", Kind::Asset)?.map(AssetSource::Uri);
        let source = only_one([text, path, uri]);
        let source =
            source.ok_or_else(|| Malformed::new("an asset that has not exactly one of `text`, `path` and `uri`"))?;
        Ok(Value::Asset(Asset { hash, source }))
    }

    fn archive(&mut self) -> Result<Value, Malformed> {
        let hash = self.string("hash", Kind::Archive)?.unwrap_or_default();
        let assets = match self.value("assets")? {
            None | Some(Value::Null) => None,
            Some(Value::Object(assets)) if assets.values().all(is_asset_or_archive) => {
                Some(ArchiveSource::Assets(assets))
            }
            Some(_) => return Err(Malformed::new("an archive whose `assets` are not assets and archives by name")),
        };
        let path = self.string("path", Kind::Archive)?.map(ArchiveSource::Path);
        let uri = self.string("uri", Kind::Archive)?.map(ArchiveSource::Uri);
        let source = only_one([assets, path, uri]);
        let source = source
            .ok_or_else(|| Malformed::new("an archive that has not exactly one of `assets`, `path` and `uri`"))?;
        Ok(Value::Archive(Archive { hash, source }))
    }

    fn byte_string(&mut self) -> Result<Value, Malformed> {
        if !self.decoder.accepts.byte_strings {
            return Err(Malformed::new("a byte string, which the engine did not announce"));
        }
        let base64 = self.string("value", Kind::ByteString)?;
        let base64 = base64.ok_or_else(|| Malformed::new("a byte string without a `value`"))?;
        let bytes = BASE64_STANDARD.decode(base64);
        bytes.map(Value::ByteString).map_err(|_| Malformed::new("a byte string that is not base64"))
    }
}

fn only_one<T>(options: [Option<T>; 3]) -> Option<T> {
    let mut given = options.into_iter().flatten();
    given.next().filter(|_| given.next().is_none())
}

const fn is_asset_or_archive(value: &Value) -> bool {
    matches!(value, Value::Asset(_) | Value::Archive(_))
}

fn string(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// serde_json's own recursion limit bounds the depth of what it parsed.
fn wire_from_json(json: Json) -> Wire {
    let kind = match json {
        Json::Null => WireKind::NullValue(0),
        Json::Bool(bool) => WireKind::BoolValue(bool),
        Json::Number(number) => WireKind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => WireKind::StringValue(text),
        Json::Array(values) => {
            WireKind::ListValue(ListValue { values: values.into_iter().map(wire_from_json).collect() })
        }
        Json::Object(fields) => WireKind::StructValue(Struct {
            fields: fields.into_iter().map(|(key, value)| (key, wire_from_json(value))).collect(),
        }),
    };
    Wire { kind: Some(kind) }
}

struct Encoder {
    accepts: Accepts,
}

impl Encoder {
    fn fields(&self, properties: Object, depth: usize) -> Result<BTreeMap<String, Wire>, EncodeError> {
        properties.into_iter().map(|(key, value)| Ok((key, self.value(value, depth + 1)?))).collect()
    }

    fn value(&self, value: Value, depth: usize) -> Result<Wire, EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        let kind = match value {
            Value::Null => WireKind::NullValue(0),
            Value::Bool(bool) => WireKind::BoolValue(bool),
            Value::Number(number) => WireKind::NumberValue(number),
            Value::String(text) if UNKNOWNS.iter().any(|(_, id)| *id == text) => return Err(EncodeError::Reserved),
            Value::String(text) => WireKind::StringValue(text),
            Value::List(values) => WireKind::ListValue(self.list(values, depth)?),
            Value::Object(properties) if properties.contains_key(SIGNATURE) => return Err(EncodeError::Reserved),
            Value::Object(properties) => WireKind::StructValue(Struct { fields: self.fields(properties, depth)? }),
            Value::Secret(value) => special(SECRET, [("value", Some(self.value(*value, depth + 1)?))]),
            Value::Output(output) => self.output(output, depth)?,
            Value::Unknown(unknown) => {
                let id = UNKNOWNS.iter().find(|(kind, _)| *kind == unknown).map_or("", |(_, id)| id);
                WireKind::StringValue(id.to_owned())
            }
            Value::Asset(asset) => {
                let (field, source) = match asset.source {
                    AssetSource::Text(text) => ("text", text),
                    AssetSource::Path(path) => ("path", path),
                    AssetSource::Uri(uri) => ("uri", uri),
                };
                special(ASSET, [("hash", non_empty(asset.hash)), (field, Some(text(source)))])
            }
            Value::Archive(archive) => self.archive(archive, depth)?,
            Value::ResourceReference(reference) => self.resource_reference(reference, depth)?,
            Value::ByteString(_) if !self.accepts.byte_strings => return Err(EncodeError::ByteString),
            Value::ByteString(bytes) => special(BYTE_STRING, [("value", Some(text(BASE64_STANDARD.encode(bytes))))]),
        };
        Ok(Wire { kind: Some(kind) })
    }

    fn list(&self, values: Vec<Value>, depth: usize) -> Result<ListValue, EncodeError> {
        let values = values.into_iter().map(|value| self.value(value, depth + 1)).collect::<Result<_, _>>()?;
        Ok(ListValue { values })
    }

    fn output(&self, output: Output, depth: usize) -> Result<WireKind, EncodeError> {
        let value = output.value.map(|value| self.value(*value, depth + 1)).transpose()?;
        let secret = output.secret.then_some(Wire { kind: Some(WireKind::BoolValue(true)) });
        let dependencies = ListValue { values: output.dependencies.into_iter().map(text).collect() };
        let dependencies =
            (!dependencies.values.is_empty()).then_some(Wire { kind: Some(WireKind::ListValue(dependencies)) });
        Ok(special(OUTPUT, [("value", value), ("secret", secret), ("dependencies", dependencies)]))
    }

    fn archive(&self, archive: Archive, depth: usize) -> Result<WireKind, EncodeError> {
        let (field, source) = match archive.source {
            ArchiveSource::Assets(assets) => ("assets", self.value(Value::Object(assets), depth + 1)?),
            ArchiveSource::Path(path) => ("path", text(path)),
            ArchiveSource::Uri(uri) => ("uri", text(uri)),
        };
        Ok(special(ARCHIVE, [("hash", non_empty(archive.hash)), (field, Some(source))]))
    }

    fn resource_reference(&self, reference: ResourceReference, depth: usize) -> Result<WireKind, EncodeError> {
        let id = reference.id.map(|id| self.value(*id, depth + 1)).transpose()?;
        Ok(special(
            RESOURCE_REFERENCE,
            [
                ("urn", Some(text(reference.urn))),
                ("id", id),
                ("name", reference.name.map(text)),
                ("type", reference.r#type.map(text)),
                ("packageVersion", non_empty(reference.package_version)),
            ],
        ))
    }
}

fn special<const N: usize>(signature: &str, fields: [(&str, Option<Wire>); N]) -> WireKind {
    let fields = fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?)));
    WireKind::StructValue(Struct {
        fields: fields.chain([(SIGNATURE.to_owned(), text(signature.to_owned()))]).collect(),
    })
}

fn text(text: String) -> Wire {
    Wire { kind: Some(WireKind::StringValue(text)) }
}

fn non_empty(string: String) -> Option<Wire> {
    (!string.is_empty()).then(|| text(string))
}
