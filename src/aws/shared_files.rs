//! The shared config and credentials files of the AWS SDKs.
//!
//! They are read line by line, by the rules of the SDK for Go: what is not understood is left out, and nothing is an
//! error. The SDK for Rust refuses a whole file for one odd line and drops names such as `prodükt`.

use std::collections::HashMap;

/// What begins the header of a profile in a config file.
const PROFILE: &str = "profile ";

const ACCESS_KEY: &str = "aws_access_key_id";
const SECRET_KEY: &str = "aws_secret_access_key";
const TOKEN: &str = "aws_session_token";

/// The properties that a later file replaces in a section that an earlier one has, too. All others, of those that mean
/// anything here, stay as they are in the first file that has the section.
const REPLACED: [&str; 24] = [
    "ca_bundle",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "ec2_metadata_v1_disabled",
    "external_id",
    "login_session",
    "max_attempts",
    "mfa_serial",
    "region",
    "retry_mode",
    "role_arn",
    "role_session_name",
    "source_profile",
    "sso_account_id",
    "sso_region",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "web_identity_token_file",
];

/// Sections by name: profiles by theirs alone, others by all of their header, for example `sso-session work`.
///
/// There is no `Debug`: profiles hold keys.
#[derive(Default)]
pub(super) struct SharedFiles(HashMap<String, Section>);

/// The properties of a section.
///
/// There is no `Debug`: it holds keys.
#[derive(Default, Clone)]
pub(super) struct Section {
    properties: HashMap<String, Property>,
    /// Which of the two keys is missing beside the other one, in the last file that has this section.
    pub(super) missing_key: Option<&'static str>,
}

#[derive(Default, Clone)]
struct Property {
    text: String,
    /// What is indented below a property without text.
    nested: HashMap<String, String>,
}

impl Section {
    /// A property; empty is as good as none.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(|property| property.text.as_str()).filter(|text| !text.is_empty())
    }

    /// A property below another one; empty is as good as none.
    pub(super) fn nested(&self, key: &str, below: &str) -> Option<&str> {
        let text = self.properties.get(key)?.nested.get(below)?;
        Some(text.as_str()).filter(|text| !text.is_empty())
    }

    fn set(&mut self, key: &str, text: &str) {
        let property = Property { text: text.to_owned(), nested: HashMap::new() };
        self.properties.insert(key.to_owned(), property);
    }

    fn find_missing_key(&self) -> Option<&'static str> {
        match [ACCESS_KEY, SECRET_KEY].map(|key| self.properties.contains_key(key)) {
            [true, false] => Some(SECRET_KEY),
            [false, true] => Some(ACCESS_KEY),
            _ => None,
        }
    }

    /// Takes what a later file says of this section. Keys come in pairs, and a session token with them alone.
    fn replace_by(&mut self, later: &Self) {
        let keys = [ACCESS_KEY, SECRET_KEY].iter().all(|key| later.properties.contains_key(*key));
        let keys: &[&str] = if keys { &[ACCESS_KEY, SECRET_KEY, TOKEN] } else { &[] };
        for key in REPLACED.iter().chain(keys) {
            if let Some(property) = later.properties.get(*key) {
                self.set(key, &property.text);
            }
        }
        self.missing_key = later.missing_key;
    }
}

impl SharedFiles {
    /// What the contents of files say, the later ones of each kind over the earlier ones and credentials over config.
    pub(super) fn new(config: &[Vec<u8>], credentials: &[Vec<u8>]) -> Self {
        let [config, mut credentials] = [config, credentials].map(|files| {
            let mut all = Self::default();
            files.iter().for_each(|file| all.merge(parse(&String::from_utf8_lossy(file))));
            all
        });
        credentials.0.retain(|name, _| !name.starts_with(PROFILE));
        let mut all = Self::default();
        let is_prefixed = |(name, _): &(String, Section)| name.starts_with(PROFILE);
        let (profiles, others): (Vec<_>, Vec<_>) = config.0.into_iter().partition(is_prefixed);
        // In a config file, what has no prefix is no profile, but for `default`, and one that has it wins over that.
        let is_kept =
            |name: &str| ["sso-session ", "services "].iter().any(|kind| name.starts_with(kind)) || is_default(name);
        all.0.extend(others.into_iter().filter(|(name, _)| is_kept(name)));
        all.0.extend(profiles.into_iter().map(|(name, section)| (name[PROFILE.len()..].to_owned(), section)));
        all.merge(credentials.0);
        all
    }

    /// A profile, by its name, or another section, by its header.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.0.get(name)
    }

    /// The names of all profiles, in order.
    pub(super) fn profiles(&self) -> Vec<&str> {
        let is_other = |name: &str| ["sso-session ", "services "].iter().any(|kind| name.starts_with(kind));
        let mut names: Vec<_> = self.0.keys().map(String::as_str).filter(|name| !is_other(name)).collect();
        names.sort_unstable();
        names
    }

    fn merge(&mut self, later: HashMap<String, Section>) {
        for (name, mut section) in later {
            section.missing_key = section.find_missing_key().or(section.missing_key);
            match self.0.get_mut(&name) {
                Some(earlier) => earlier.replace_by(&section),
                None => drop(self.0.insert(name, section)),
            }
        }
    }
}

fn is_default(name: &str) -> bool {
    name.eq_ignore_ascii_case("default")
}

/// White space inside a line.
const BLANKS: [char; 2] = [' ', '\t'];

/// The sections of one file.
fn parse(text: &str) -> HashMap<String, Section> {
    let mut sections = HashMap::<String, Section>::new();
    let (mut name, mut last_key) = (String::new(), String::new());
    for line in text.split('\n').filter(|line| !line.trim().is_empty() && !is_comment(line)) {
        if let Some(header) = header(line) {
            (name, last_key) = (header, String::new());
            if !name.is_empty() {
                sections.entry(name.clone()).or_default();
            }
        } else if let Some(key) = sections.get_mut(&name).and_then(|section| read_line(section, line, &last_key)) {
            last_key = key;
        }
    }
    sections
}

/// Adds what a line says to its section. Returns the key to which indented lines below belong, if that changes.
fn read_line(section: &mut Section, line: &str, last_key: &str) -> Option<String> {
    let indented = line.trim_start_matches(BLANKS);
    if indented.len() == line.len() {
        let (key, value) = property(without_comment(line).trim_end_matches(BLANKS))?;
        section.set(&key, value);
        return Some(key);
    }
    let above = section.properties.get_mut(last_key).filter(|_| !last_key.is_empty());
    match (property(indented), above) {
        (Some((key, value)), Some(above)) if above.text.is_empty() => {
            above.nested.insert(key, value.to_owned());
            None
        }
        // Nothing that it could be nested in: an ordinary property, whatever its indentation.
        (Some((key, value)), _) => {
            section.set(&key, without_comment(value).trim());
            Some(key)
        }
        (None, Some(above)) if !above.text.is_empty() => {
            above.text.push('\n');
            above.text.push_str(indented);
            None
        }
        (None, _) => None,
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start_matches(BLANKS).starts_with(['#', ';'])
}

/// The name in `[name]` or `[kind name]`, with one space between the two.
fn header(line: &str) -> Option<String> {
    let line = line.split(['#', ';']).next().unwrap_or_default().trim();
    let header = line.strip_prefix('[')?.strip_suffix(']')?.trim();
    Some(match header.split_once(BLANKS) {
        Some((kind, name)) => format!("{kind} {}", name.trim_start_matches(BLANKS)),
        None => header.to_owned(),
    })
}

/// The line up to a comment behind a blank.
fn without_comment(line: &str) -> &str {
    let end = [" #", " ;", "\t#", "\t;"].into_iter().filter_map(|start| line.find(start)).min();
    &line[..end.unwrap_or(line.len())]
}

/// The key, in lower case, and the value, without quotes around it. `:` is as good as `=`.
fn property(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.split_once(['=', ':'])?;
    let (key, value) = (key.trim().to_lowercase(), value.trim());
    let inside = unquoted(value);
    // Those of the first and the last word of a command are not around it.
    let are_of_words = key == "credential_process" && value.chars().next().is_some_and(|quote| inside.contains(quote));
    Some((key, if are_of_words { value } else { inside }))
}

/// A value without the quotes around it.
pub(super) fn unquoted(value: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The properties of each section, one text each.
    fn read(config: &str, credentials: &str) -> Vec<String> {
        let files = SharedFiles::new(&[config.into()], &[credentials.into()]);
        let mut all = Vec::new();
        for (name, section) in &files.0 {
            for (key, Property { text, nested }) in &section.properties {
                all.push(format!("{name}|{key}|{text}"));
                all.extend(nested.iter().map(|(below, text)| format!("{name}|{key}.{below}|{text}")));
            }
        }
        all.sort();
        all
    }

    #[test]
    fn lines_are_read_as_the_sdk_for_go_reads_them() {
        for (lines, expected) in [
            ("[default]\n a = b", &["default|a|b"][..]),
            ("[default]\na = b\n  c = d # e", &["default|a|b", "default|c|d"]),
            ("[default]\na=b\n more", &["default|a|b\nmore"]),
            ("[default]\ns =\n  # no\n  a = b # part\n  C=d", &["default|s.a|b # part", "default|s.c|d", "default|s|"]),
            ("[default]\nA: b\nc = d=e:f", &["default|a|b", "default|c|d=e:f"]),
            ("[default]\na = 'b c' ; d\ne = \"f\"#g\nh = \"", &["default|a|b c", "default|e|\"f\"#g", "default|h|\""]),
            ("[default]\njust words\n]\n[open\na = b\r", &["default|a|b"]),
            ("early = x\n[]\nnone = x\n  [default] # c\na = \u{a0}b\u{c}", &["default|a|b"]),
            ("[profile \t team (prod) ]\na=b\n[profile a=b]\nc=d", &["a=b|c|d", "team (prod)|a|b"]),
            ("[other]\na=b\n[Profile x]\na=b\n[DEFAULT]\na=b", &["DEFAULT|a|b"]),
            ("[profile default]\na=b\n[default]\na=c", &["default|a|b"]),
            ("[default]\na=b\na=c\n[default]\nd=e", &["default|a|c", "default|d|e"]),
        ] {
            assert_eq!(read(lines, ""), expected, "{lines:?}");
        }
        let latin = SharedFiles::new(&[b"[profile f\xfcnf]\na=b\n[default]\na=\xff\nb=c".to_vec()], &[]);
        assert_eq!(latin.section("default").unwrap().get("b"), Some("c"));
        assert!(latin.section("f\u{fffd}nf").is_some());
    }

    #[test]
    fn later_files_replace_what_decides_about_credentials() {
        let config = "[default]\nregion=a\nendpoint_url=a\naws_access_key_id=a\naws_secret_access_key=b\n\
                      aws_session_token=c\n[profile x]\nregion=b";
        let credentials = "[default]\nregion=d\nendpoint_url=d\naws_access_key_id=d\n[profile y]\na=b\n[z]\na=b";
        assert_eq!(
            read(config, credentials),
            [
                "default|aws_access_key_id|a",
                "default|aws_secret_access_key|b",
                "default|aws_session_token|c",
                "default|endpoint_url|a",
                "default|region|d",
                "x|region|b",
                "z|a|b",
            ]
        );
        let files = SharedFiles::new(&[config.into()], &[credentials.into()]);
        assert_eq!(files.section("default").unwrap().missing_key, Some(SECRET_KEY));
    }

    /// To copy the value for each of its lines would take hours.
    #[test]
    fn a_value_of_many_lines_is_read_at_once() {
        let config = format!("[default]\nregion = eu-west-1\n{}", " y\n".repeat(1_000_000));
        let files = SharedFiles::new(&[config.into()], &[]);
        let region = files.section("default").and_then(|section| section.get("region"));
        assert_eq!(region.map(str::len), Some("eu-west-1".len() + 2_000_000));
    }
}
