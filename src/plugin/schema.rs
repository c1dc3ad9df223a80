//! `schema.json`: the single description of tokens, arguments, results and configuration, and what it says is valid.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde::Deserialize;
use serde_json::Value as JsonValue;
use thiserror::Error;

use super::{
    Failure, Json, Package, decoded_size,
    property::{self, Accepts, Object, Value},
};
use crate::steps::step;

/// The package's schema.
#[derive(Debug)]
pub struct Schema {
    package: &'static Package,
    described: Described,
}

/// The schema's text is not a schema.
#[derive(Debug, Error)]
#[error("schema.json is not a package schema: {0}")]
pub struct SchemaError(#[from] serde_json::Error);

impl From<SchemaError> for std::io::Error {
    fn from(error: SchemaError) -> Self {
        Self::other(error)
    }
}

/// Properties that the schema allows, as plain JSON.
#[derive(Debug, Default)]
pub struct Checked {
    /// The values, with secrets and outputs unwrapped, and without those that are null or unknown.
    pub values: Json,
    /// The names of the values that were secret, or had a secret in them.
    pub secrets: BTreeSet<String>,
}

/// A provider configuration, as far as the schema tells what is right.
#[derive(Debug)]
pub struct CheckedConfiguration {
    /// The keys whose values are right.
    pub checked: Checked,
    /// Everything that is wrong, each with its property.
    pub failures: Vec<Failure>,
    /// The keys whose values are wrong, or not known yet in some part.
    pub left_out: BTreeSet<String>,
}

impl Checked {
    /// Whether any of the values was secret.
    pub fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }
}

/// `schema.json`.
const TEXT: &str = include_str!("../../schema.json");

impl Schema {
    /// The schema of a package, as this executable was built with it.
    ///
    /// # Errors
    ///
    /// When `schema.json` is not a package schema.
    pub fn of(package: &'static Package) -> Result<Self, SchemaError> {
        let described = match package.schema {
            None => serde_json::from_str(TEXT)?,
            Some(derive) => serde_json::from_value(derive(serde_json::from_str(TEXT)?))?,
        };
        Ok(Self { package, described })
    }

    /// The package.
    pub const fn package(&self) -> &'static Package {
        self.package
    }

    /// The schema, JSON.
    ///
    /// # Errors
    ///
    /// As [`Self::of`].
    pub fn text(&self) -> Result<Cow<'static, str>, SchemaError> {
        match self.package.schema {
            None => Ok(TEXT.into()),
            Some(derive) => Ok(derive(serde_json::from_str(TEXT)?).to_string().into()),
        }
    }

    /// The tokens of the functions, sorted.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.described.functions.keys().map(String::as_str)
    }

    /// Whether there is a function with this token.
    pub fn has_function(&self, token: &str) -> bool {
        self.described.functions.contains_key(token)
    }

    /// What the schema says of an argument of a function; empty if there is none.
    pub fn argument_description(&self, token: &str, argument: &str) -> &str {
        let argument =
            self.described.functions.get(token).and_then(|function| function.inputs.properties.get(argument));
        argument.map_or("", |argument| argument.description.as_str())
    }

    /// What the schema says of a key of the provider configuration; empty if there is none.
    pub fn configuration_description(&self, key: &str) -> &str {
        self.described.config.variables.get(key).map_or("", |key| key.description.as_str())
    }

    /// Whether the schema calls this key of the provider configuration a secret.
    pub fn is_secret_key(&self, key: &str) -> bool {
        self.described.config.variables.get(key).is_some_and(|key| key.secret)
    }

    /// Whether the schema calls this result of a function a secret.
    pub fn is_secret_result(&self, token: &str, result: &str) -> bool {
        let property = self.described.functions.get(token).and_then(|function| function.outputs.properties.get(result));
        property.is_some_and(|property| property.secret)
    }

    /// Checks the arguments of the function `token`: the required ones are there, all are known, each has its type.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its property.
    pub fn check_arguments(&self, token: &str, arguments: Object) -> Result<Checked, Vec<Failure>> {
        let Some(function) = self.described.functions.get(token) else { return Ok(Checked::default()) };
        let inputs = &function.inputs;
        let mut check = Check::new(self, Text::AsIs);
        let mut values = Json::new();
        for name in inputs.required.iter().filter(|name| !arguments.contains_key(*name)) {
            check.fail(name, "is missing, but the function needs it");
        }
        for (name, value) in arguments {
            match inputs.properties.get(&name) {
                Some(property) => match check.value(&name, value, &property.r#type) {
                    Some(value) => drop(values.insert(name, value)),
                    None if !inputs.required.contains(&name) || check.failed(&name) => {}
                    None => check.fail(&name, "is null, but the function needs it"),
                },
                None => {
                    let known = inputs.properties.keys().cloned().collect::<Vec<_>>().join(", ");
                    check.fail(&name, format!("is not an argument of {token}, which has: {known}"));
                }
            }
        }
        check.finish(values)
    }

    /// Checks a provider configuration. Values come typed or as text: JSON text for everything but strings. Keys that
    /// the schema does not have are ignored where another provider may know them; keys whose values are wrong or not known
    /// yet are left out.
    pub fn check_configuration(&self, configuration: Object) -> CheckedConfiguration {
        let mut check = Check::new(self, Text::Json);
        let mut values = Json::new();
        let mut left_out = BTreeSet::new();
        for (name, value) in configuration {
            match self.described.config.variables.get(&name) {
                Some(property) => {
                    check.unknown = false;
                    let value = check.value(&name, value, &property.r#type);
                    if check.unknown || check.failed(&name) {
                        left_out.insert(name);
                    } else if let Some(value) = value {
                        values.insert(name, value);
                    }
                }
                None if INTERNAL_KEYS.contains(&name.as_str()) => {}
                None => check.unknown_key(&name, self.described.config.variables.keys()),
            }
        }
        CheckedConfiguration { checked: Checked { values, secrets: check.secrets }, failures: check.failures, left_out }
    }
}

/// What the engine adds to every provider configuration.
const INTERNAL_KEYS: [&str; 3] = ["version", "pluginDownloadURL", "__internal"];

/// More failures than anyone reads at once.
const MAX_FAILURES: usize = 100;

#[derive(Debug, Deserialize)]
struct Described {
    config: Config,
    #[serde(default)]
    types: BTreeMap<String, ObjectType>,
    functions: BTreeMap<String, Function>,
}

#[derive(Debug, Deserialize)]
struct Config {
    variables: BTreeMap<String, Property>,
}

#[derive(Debug, Deserialize)]
struct Function {
    inputs: ObjectType,
    outputs: ObjectType,
}

#[derive(Debug, Deserialize)]
struct ObjectType {
    #[serde(default)]
    properties: BTreeMap<String, Property>,
    #[serde(default)]
    required: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Property {
    #[serde(flatten)]
    r#type: Type,
    #[serde(default)]
    description: String,
    #[serde(default)]
    secret: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Type {
    Reference {
        #[serde(rename = "$ref")]
        reference: String,
    },
    Array {
        items: Box<Self>,
    },
    Map {
        #[serde(rename = "additionalProperties")]
        values: Box<Self>,
    },
    Primitive {
        r#type: Primitive,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Primitive {
    Boolean,
    Integer,
    Number,
    String,
}

/// What text may stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    /// Itself.
    AsIs,
    /// Also JSON of the type that is expected, as configuration is kept.
    Json,
}

struct Check<'a> {
    package: &'static Package,
    types: &'a BTreeMap<String, ObjectType>,
    text: Text,
    secrets: BTreeSet<String>,
    failures: Vec<Failure>,
    /// Whether a value was met that is not known yet.
    unknown: bool,
}

impl<'a> Check<'a> {
    const fn new(schema: &'a Schema, text: Text) -> Self {
        let (package, types) = (schema.package, &schema.described.types);
        Self { package, types, text, secrets: BTreeSet::new(), failures: Vec::new(), unknown: false }
    }

    fn finish(self, values: Json) -> Result<Checked, Vec<Failure>> {
        if self.failures.is_empty() { Ok(Checked { values, secrets: self.secrets }) } else { Err(self.failures) }
    }

    fn fail(&mut self, path: &str, reason: impl Into<String>) {
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(Failure::new(path, reason));
        }
    }

    /// A key of the configuration that is none of `known`.
    fn unknown_key<'k>(&mut self, path: &str, known: impl Iterator<Item = &'k String>) {
        let (shown, namespace) = (shown_key(path), self.package.name);
        if self.package.shares_configuration {
            step!(debug, "configuration", "{namespace}:{shown} is not a key that this plugin knows; it is ignored");
        } else {
            let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
            self.fail(shown, format!("is not a key of {namespace}'s configuration, which has here: {known}"));
        }
    }

    fn failed(&self, name: &str) -> bool {
        self.failures.iter().any(|failure| top_level(&failure.property) == name)
    }

    /// The value as JSON of the type. `None`: null or unknown, or wrong, which is then among the failures.
    fn value(&mut self, path: &str, value: Value, expected: &Type) -> Option<JsonValue> {
        match value {
            Value::Null => None,
            Value::Secret(value) => {
                self.secrets.insert(top_level(path).to_owned());
                self.value(path, *value, expected)
            }
            Value::Output(output) => {
                if output.secret {
                    self.secrets.insert(top_level(path).to_owned());
                }
                self.value(
                    path,
                    output.value.map_or(Value::Unknown(property::Unknown::String), |value| *value),
                    expected,
                )
            }
            Value::Unknown(_) if self.text == Text::Json => {
                self.unknown = true;
                None
            }
            Value::String(text) if self.text == Text::Json && !expected.is_string() => self.json(path, &text, expected),
            value => self.typed(path, value, expected),
        }
    }

    /// A value of another type than string, written as JSON text. Empty text is as good as none.
    fn json(&mut self, path: &str, text: &str, expected: &Type) -> Option<JsonValue> {
        if text.trim().is_empty() {
            return None;
        }
        if decoded_size::is_heavy(text) {
            self.fail(path, "has more values than any configuration");
            return None;
        }
        let Ok(json) = serde_json::from_str(text) else {
            self.fail(path, format!("must be {expected}, or JSON text of one, but is other text"));
            return None;
        };
        match property::from_json(json, Accepts::default()) {
            // JSON text inside JSON text is one too many.
            Ok(value @ Value::String(_)) => self.typed(path, value, expected),
            Ok(value) => self.value(path, value, expected),
            Err(error) => {
                self.fail(path, format!("is JSON text with a malformed value: {error}"));
                None
            }
        }
    }

    fn typed(&mut self, path: &str, value: Value, expected: &Type) -> Option<JsonValue> {
        match (expected, value) {
            (Type::Reference { reference }, Value::Object(object)) => self.object(path, object, reference),
            (Type::Array { items }, Value::List(values)) => {
                let values = values.into_iter().enumerate();
                let values =
                    values.filter_map(|(index, value)| self.value(&format!("{path}[{index}]"), value, items)).collect();
                Some(JsonValue::Array(values))
            }
            (Type::Map { values }, Value::Object(object)) => {
                let object = object
                    .into_iter()
                    .filter_map(|(key, value)| Some((self.value(&format!("{path}.{key}"), value, values)?, key)));
                Some(JsonValue::Object(object.map(|(value, key)| (key, value)).collect()))
            }
            (Type::Primitive { r#type }, value) => self.primitive(path, &value, *r#type),
            (expected, value) => {
                self.fail(path, format!("must be {expected}, but is {}", value.kind()));
                None
            }
        }
    }

    fn primitive(&mut self, path: &str, value: &Value, expected: Primitive) -> Option<JsonValue> {
        match (expected, value) {
            (Primitive::Boolean, Value::Bool(bool)) => Some((*bool).into()),
            (Primitive::String, Value::String(text)) => Some(text.as_str().into()),
            (Primitive::Number, Value::Number(number)) if number.is_finite() => Some((*number).into()),
            (Primitive::Integer, Value::Number(number)) if is_integer(*number) => Some((*number as i64).into()),
            // YAML programs have numbers and booleans where a tag or an id looks like one, and the engine hands them stack
            // configuration as such. The official provider takes their text, and for a boolean what Go reads as one.
            (Primitive::String, Value::Number(number)) if number.is_finite() => Some(number.to_string().into()),
            (Primitive::String, Value::Bool(bool)) => Some(bool.to_string().into()),
            (Primitive::Boolean, Value::String(text)) if boolean(text).is_some() => boolean(text).map(JsonValue::from),
            (expected, value) => {
                self.fail(path, format!("must be {expected}, but is {}", value.kind()));
                None
            }
        }
    }

    fn object(&mut self, path: &str, object: Object, reference: &str) -> Option<JsonValue> {
        let types = self.types;
        let Some(r#type) = reference.strip_prefix("#/types/").and_then(|token| types.get(token)) else {
            self.fail(path, "has a type that the schema does not describe");
            return None;
        };
        for name in r#type.required.iter().filter(|name| matches!(object.get(*name), None | Some(Value::Null))) {
            self.fail(&format!("{path}.{name}"), "is missing, but the function needs it");
        }
        let mut values = Json::new();
        for (name, value) in object {
            let path = format!("{path}.{name}");
            match r#type.properties.get(&name) {
                Some(property) => {
                    if let Some(value) = self.value(&path, value, &property.r#type) {
                        values.insert(name, value);
                    }
                }
                None if self.text == Text::Json => self.unknown_key(&path, r#type.properties.keys()),
                None => self.fail(&path, "is not a property of this argument"),
            }
        }
        Some(JsonValue::Object(values))
    }
}

/// What Go's `strconv.ParseBool` reads.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A key as it may be shown: a secret may have been put into its place.
pub(crate) fn shown_key(path: &str) -> &str {
    const LONGEST: usize = 32;
    let is_name = |name: &str| name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if path.split([':', '.', '[', ']']).all(is_name) { path } else { "(a text that is no key)" }
}

/// The name of the argument or key that a path begins with.
pub(super) fn top_level(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

/// Whether a double is a whole number that it holds exactly.
fn is_integer(number: f64) -> bool {
    const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    number.fract() == 0.0 && number.abs() <= EXACT
}

impl Type {
    const fn is_string(&self) -> bool {
        matches!(self, Self::Primitive { r#type: Primitive::String })
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reference { .. } | Self::Map { .. } => f.write_str("an object"),
            Self::Array { .. } => f.write_str("a list"),
            Self::Primitive { r#type } => r#type.fmt(f),
        }
    }
}

impl std::fmt::Display for Primitive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Boolean => "a boolean",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::String => "a string",
        })
    }
}
