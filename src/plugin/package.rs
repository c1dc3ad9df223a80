use std::{borrow::Cow, fmt};

use serde_json::Value as Json;

/// A package as which the plugin is served: its names, and how its schema follows from `schema.json`.
#[derive(Debug)]
pub struct Package {
    /// The name: tokens and the keys of the stack configuration begin with it.
    pub name: &'static str,
    /// What it is, for people: a sentence.
    pub summary: &'static str,
    /// The version that the engine is told.
    pub version: &'static str,
    /// The token of a function or a type that `schema.json` lists under the given one.
    pub token: fn(&str) -> Cow<'_, str>,
    /// The package's schema, made of `schema.json`; none: that is the schema.
    pub schema: Option<fn(Json) -> Json>,
    /// Whether the results that the schema calls secret are secret always, whatever the user chose.
    pub always_secret: bool,
    /// Whether another provider reads the same configuration, so that keys that the schema does not have may be its own.
    pub shares_configuration: bool,
    /// Who serves what this package does not, and what to do to get there; a sentence without a full stop.
    pub others: &'static str,
}

impl Package {
    /// The name of the executable, without an extension.
    pub fn executable(&self) -> String {
        format!("pulumi-resource-{}", self.name)
    }
}

/// For people: `this aws plugin (7.999.1-ecr)`.
impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this {} plugin ({})", self.name, self.version)
    }
}
