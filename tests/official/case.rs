//! Cases as they stand in `cases/`: what a user of AWS has on a machine, and what the official libraries make of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A case. `cases/README.md` says what each key means.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) config: Option<String>,
    pub(crate) credentials: Option<String>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) provider: Map<String, Json>,
    pub(crate) without: Vec<String>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) signs: Option<String>,
    pub(crate) fails: Option<String>,
    pub(crate) differs: Option<String>,
    pub(crate) kinder: Option<String>,
}

/// What a service answers in place of what it does otherwise.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// The beginning of `METHOD /path`, or the name of a service.
    pub(crate) to: String,
    #[serde(default = "ok")]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) body: String,
    /// How often; without it always.
    pub(crate) times: Option<usize>,
    /// Its name and its value.
    pub(crate) header: Option<(String, String)>,
}

fn ok() -> u16 {
    200
}

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
}

/// The cases of a file.
pub(crate) fn read(text: &str) -> Vec<Case> {
    let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    file.case
}

/// What a machine has without being told: `<aws>` is asked, and whatever would leave the machine goes through the proxy
/// to the same services.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("AWS_CA_BUNDLE", "<ca>"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_MAX_ATTEMPTS", "1"),
    ("HTTP_PROXY", "http://<proxy>"),
    ("HTTPS_PROXY", "http://<proxy>"),
];

impl Case {
    /// The environment, without `HOME` and `PATH`.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let usual = ENVIRONMENT.into_iter().filter(|(name, _)| !self.is_without(name));
        let mut environment: BTreeMap<_, _> = usual.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        environment.extend(self.environment.clone());
        environment
    }

    /// The provider configuration.
    pub(crate) fn provider(&self) -> Map<String, Json> {
        let url = "http://<aws>";
        let usual = [("region", json!("eu-west-1")), ("endpoints", json!([{"ecr": url, "sts": url, "sso": url}]))];
        let usual = usual.into_iter().filter(|(key, _)| !self.is_without(key));
        let mut provider: Map<_, _> = usual.map(|(key, value)| (key.to_owned(), value)).collect();
        provider.extend(self.provider.clone());
        provider
    }

    /// The files below the home folder.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = self.files.clone();
        for (path, text) in [(".aws/config", &self.config), (".aws/credentials", &self.credentials)] {
            files.extend(text.clone().map(|text| (path.to_owned(), text)));
        }
        files
    }

    pub(crate) fn is_without(&self, key: &str) -> bool {
        self.without.iter().any(|name| name == key)
    }

    /// All that the user wrote, to tell what was made up from what was given.
    pub(crate) fn text(&self) -> String {
        let files = self.files().into_values().collect::<String>();
        format!("{files}{:?}{}", self.environment(), Json::Object(self.provider()))
    }
}

/// Where things are in one run.
pub(crate) struct Places(pub(crate) Vec<(&'static str, String)>);

impl Places {
    /// The text with places for their names: `<aws>`, `<home>` …, `<sha1 text>` and `<sha256 text>`.
    pub(crate) fn fill(&self, text: &str) -> String {
        let text = self.0.iter().fold(text.to_owned(), |text, (name, place)| text.replace(&format!("<{name}>"), place));
        let text = replace(&text, "<sha1 ", |argument| hex(&Sha1::digest(argument)));
        replace(&text, "<sha256 ", |argument| hex(&Sha256::digest(argument)))
    }

    /// The same for a file, with `<byte E9>` for a single byte.
    pub(crate) fn fill_file(&self, text: &str) -> Vec<u8> {
        let text = self.fill(text);
        let mut bytes = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, hex, after)) = find(rest, "<byte ") {
            bytes.extend(before.bytes());
            bytes.push(u8::from_str_radix(hex, 16).expect("two hexadecimal digits"));
            rest = after;
        }
        bytes.extend(rest.bytes());
        bytes
    }

    /// The same in JSON.
    pub(crate) fn fill_json(&self, json: &Json) -> Json {
        match json {
            Json::String(text) => self.fill(text).into(),
            Json::Array(values) => values.iter().map(|value| self.fill_json(value)).collect(),
            Json::Object(fields) => {
                Json::Object(fields.iter().map(|(key, value)| (key.clone(), self.fill_json(value))).collect())
            }
            other => other.clone(),
        }
    }

    /// The text with names for the places.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, place)| match *name {
            // Its digits may be part of other numbers.
            "port" => text.replace(&format!(":{place}"), ":<port>"),
            name => text.replace(place, &format!("<{name}>")),
        })
    }
}

fn replace(text: &str, start: &str, with: impl Fn(&str) -> String) -> String {
    match find(text, start) {
        Some((before, argument, after)) => format!("{before}{}{}", with(argument), replace(after, start, with)),
        None => text.to_owned(),
    }
}

/// The text before `start`, between it and the next `>`, and behind that.
fn find<'a>(text: &'a str, start: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = text.split_once(start)?;
    let (argument, after) = rest.split_once('>')?;
    Some((before, argument, after))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
