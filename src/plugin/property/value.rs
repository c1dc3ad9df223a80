use std::{collections::BTreeMap, fmt};

/// The properties of an object.
pub type Object = BTreeMap<String, Value>;

/// A property value (`resource.PropertyValue` of pulumi/pulumi).
///
/// Its `Debug` shows keys and kinds only: values can be secret.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Explicitly nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Every number is a double.
    Number(f64),
    /// Text.
    String(String),
    /// Values in order.
    List(Vec<Self>),
    /// Values by name.
    Object(Object),
    /// A value to hide.
    Secret(Box<Self>),
    /// A value with what is known of where it comes from.
    Output(Output),
    /// A value that is not known yet, during a preview.
    Unknown(Unknown),
    /// A file's worth of content.
    Asset(Asset),
    /// A folder's worth of content.
    Archive(Archive),
    /// A resource, by name.
    ResourceReference(ResourceReference),
    /// Bytes that need not be text (engines since 3.254).
    ByteString(Vec<u8>),
}

/// What an unknown value will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A bool.
    Bool,
    /// A number.
    Number,
    /// A string; also stands for anything.
    String,
    /// A list.
    List,
    /// An asset.
    Asset,
    /// An archive.
    Archive,
    /// An object.
    Object,
}

/// A value that may be unknown, secret, and depend on resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// `None`: not known yet.
    pub value: Option<Box<Value>>,
    /// Whether to hide the value.
    pub secret: bool,
    /// The URNs of the resources that the value depends on.
    pub dependencies: Vec<String>,
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// SHA-256 of the content, hexadecimal; empty: not computed.
    pub hash: String,
    /// Where the content is.
    pub source: AssetSource,
}

/// Where an asset's content is.
#[derive(Debug, Clone, PartialEq)]
pub enum AssetSource {
    /// The content itself.
    Text(String),
    /// A file.
    Path(String),
    /// A place to fetch it from.
    Uri(String),
}

/// The content of a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Archive {
    /// SHA-256 of the content, hexadecimal; empty: not computed.
    pub hash: String,
    /// Where the content is.
    pub source: ArchiveSource,
}

/// Where an archive's content is.
#[derive(Debug, Clone, PartialEq)]
pub enum ArchiveSource {
    /// Assets and archives by their name in the archive.
    Assets(Object),
    /// A file or a folder.
    Path(String),
    /// A place to fetch it from.
    Uri(String),
}

/// A resource, named by its URN.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceReference {
    /// The resource's URN.
    pub urn: String,
    /// The resource's id: absent for components, an [`Value::Unknown`] until it is created.
    pub id: Option<Box<Value>>,
    /// The resource's name; absent from older engines.
    pub name: Option<String>,
    /// The resource's type; absent from older engines.
    pub r#type: Option<String>,
    /// The version of the package of the resource; empty: not said.
    pub package_version: String,
}

/// The kind of a value, as a user would call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Null`].
    Null,
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Number`].
    Number,
    /// [`Value::String`].
    String,
    /// [`Value::List`].
    List,
    /// [`Value::Object`].
    Object,
    /// [`Value::Secret`].
    Secret,
    /// [`Value::Output`].
    Output,
    /// [`Value::Unknown`].
    Unknown,
    /// [`Value::Asset`].
    Asset,
    /// [`Value::Archive`].
    Archive,
    /// [`Value::ResourceReference`].
    ResourceReference,
    /// [`Value::ByteString`].
    ByteString,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Secret => "a secret",
            Self::Output => "an output",
            Self::Unknown => "a value that is not known yet",
            Self::Asset => "an asset",
            Self::Archive => "an archive",
            Self::ResourceReference => "a resource",
            Self::ByteString => "a byte string",
        })
    }
}

impl Value {
    /// The kind of this value.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Number(_) => Kind::Number,
            Self::String(_) => Kind::String,
            Self::List(_) => Kind::List,
            Self::Object(_) => Kind::Object,
            Self::Secret(_) => Kind::Secret,
            Self::Output(_) => Kind::Output,
            Self::Unknown(_) => Kind::Unknown,
            Self::Asset(_) => Kind::Asset,
            Self::Archive(_) => Kind::Archive,
            Self::ResourceReference(_) => Kind::ResourceReference,
            Self::ByteString(_) => Kind::ByteString,
        }
    }

    /// Hides the value; a secret stays as it is.
    pub fn make_secret(&mut self) {
        if !matches!(self, Self::Secret(_)) {
            let value = std::mem::replace(self, Self::Null);
            *self = Self::Secret(Box::new(value));
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(values) => f.debug_list().entries(values).finish(),
            Self::Object(properties) => f.debug_map().entries(properties).finish(),
            value => fmt::Display::fmt(&value.kind(), f),
        }
    }
}

impl Value {
    /// An object without those of `properties` that are null.
    pub fn object<'a>(properties: impl IntoIterator<Item = (&'a str, impl Into<Self>)>) -> Self {
        Self::Object(without_null(properties))
    }
}

/// Properties by name, without those that are null.
pub(crate) fn without_null<'a>(properties: impl IntoIterator<Item = (&'a str, impl Into<Value>)>) -> Object {
    let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    properties.filter(|(_, value)| *value != Value::Null).collect()
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::String(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

/// Above 2^53 the nearest number that a double has, as for every provider.
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number as f64)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
