//! Settings: a variable of the environment, else a property of the selected profile.
//!
//! What holds for all of them stands here: blank is as good as none, what is not `true` in a profile is false, and a
//! variable that is to be a boolean must be one. The SDK itself reads none of them.

use std::{env, path::PathBuf};

use super::{
    Configuration, Error, IgnoreTags, files,
    shared_files::{Section, SharedFiles},
    shown,
};
use crate::{memory::Reservation, steps::step};

/// The name of the profile that is used if none is named.
const DEFAULT: &str = "default";

/// The environment's settings and those of the shared files.
///
/// There is no `Debug`: profiles hold keys.
pub(super) struct Settings {
    files: SharedFiles,
    profile: String,
}

/// A variable of the environment; blank is as good as none. Bytes that are no text are kept apart from all text.
pub(super) fn variable(name: &str) -> Option<String> {
    let value = env::var_os(name)?.to_string_lossy().into_owned();
    Some(value).filter(|value| !value.trim().is_empty())
}

/// The tags of the configuration that are not returned, and those that the environment lists, divided by commas, as the
/// official provider adds them up (terraform-provider-aws `expandIgnoreTags`).
pub(super) fn ignored_tags(configuration: &Configuration) -> IgnoreTags {
    let listed = |name: &str| {
        let list = variable(name).unwrap_or_default();
        list.split(',').map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).collect::<Vec<_>>()
    };
    let mut all = configuration.ignore_tags.clone();
    all.keys.extend(listed("TF_AWS_IGNORE_TAGS_KEYS"));
    all.key_prefixes.extend(listed("TF_AWS_IGNORE_TAGS_KEY_PREFIXES"));
    all
}

impl Settings {
    /// Reads the shared files.
    ///
    /// # Errors
    ///
    /// [`Error::UnreadableFile`] for a file that does not end, and [`Error::ProfileNotFound`] if someone insists on a
    /// profile that is not there, whether or not it is needed: without it, credentials of another account may be used.
    pub(super) async fn read(configuration: &Configuration) -> Result<Self, Error> {
        let config = paths(&configuration.shared_config_files, "AWS_CONFIG_FILE", "config");
        let credentials = paths(configuration.credentials_files(), "AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let reservation = &mut Reservation::transient();
        let files = SharedFiles::new(&read_all(reservation, config).await?, &read_all(reservation, credentials).await?);
        let configured = configuration.profile.clone().map(|profile| (configuration.namespace.key("profile"), profile));
        let of_variable = |name: &str| Some((name.to_owned(), variable(name)?));
        let insisted = configured.or_else(|| of_variable("AWS_PROFILE"));
        let is_insisted = insisted.is_some();
        let named = insisted.or_else(|| of_variable("AWS_DEFAULT_PROFILE"));
        let (source, profile) = named.unwrap_or_else(|| ("nothing but the default".to_owned(), DEFAULT.to_owned()));
        let settings = Self { files, profile };
        if is_insisted {
            settings.section(&settings.profile)?;
        }
        step!("profile", "{}, by {source}", shown::unknown(&settings.profile));
        Ok(settings)
    }

    /// The name of the selected profile: the configuration's, the environment's, or `default`. There may be none such.
    pub(super) fn profile(&self) -> &str {
        &self.profile
    }

    /// The same, as it may be shown.
    pub(super) fn shown_profile(&self) -> String {
        match self.files.section(&self.profile) {
            Some(_) => shown::name(&self.profile),
            None => shown::unknown(&self.profile),
        }
    }

    /// A profile.
    ///
    /// # Errors
    ///
    /// [`Error::ProfileNotFound`].
    pub(super) fn section(&self, profile: &str) -> Result<&Section, Error> {
        self.files
            .section(profile)
            .ok_or_else(|| Error::ProfileNotFound { profile: shown::unknown(profile), known: self.profiles() })
    }

    /// The names of all profiles, as they may be shown.
    pub(super) fn profiles(&self) -> Vec<String> {
        self.files.profiles().into_iter().map(shown::name).collect()
    }

    /// A section that is no profile, for example `[sso-session NAME]`.
    pub(super) fn other_section(&self, kind: &str, name: &str) -> Option<&Section> {
        self.files.section(&format!("{kind} {name}"))
    }

    /// A property of the selected profile.
    pub(super) fn property(&self, key: &str) -> Option<&str> {
        self.files.section(&self.profile)?.get(key)
    }

    /// The variable `AWS_` and `key` in capitals, else the property `key`.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.named(key).map(|(_, text)| text)
    }

    /// The same, behind what sets it.
    pub(super) fn named(&self, key: &str) -> Option<(String, String)> {
        let name = variable_of(key);
        let in_profile = || Some((self.of_profile(key), self.property(key)?.to_owned()));
        variable(&name).map(|text| (name, text)).or_else(in_profile)
    }

    /// How a property of the selected profile is called.
    pub(super) fn of_profile(&self, key: &str) -> String {
        format!("{key} of profile {}", shown::name(&self.profile))
    }

    /// The same, understood by `parse`.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] and [`Error::Profile`], with `problem`, for text that `parse` finds no meaning in.
    pub(super) fn setting<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
        problem: &str,
    ) -> Result<Option<T>, Error> {
        let name = variable_of(key);
        if let Some(text) = variable(&name) {
            return parse(&text).map(Some).ok_or_else(|| Error::Setting { name, problem: problem.to_owned() });
        }
        self.property(key).map(|text| parse(text).ok_or_else(|| self.wrong(key, problem))).transpose()
    }

    /// What is to be said of a property of the selected profile.
    pub(super) fn wrong(&self, key: &str, problem: &str) -> Error {
        Error::Profile { profile: shown::name(&self.profile), problem: format!("its {key} {problem}") }
    }

    /// A setting that is true or false. A variable must be one of the two; in a profile all else is false.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`].
    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Error> {
        let name = variable_of(key);
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        match variable(&name) {
            Some(text) if is(&text, "true") => Ok(Some(true)),
            Some(text) if is(&text, "false") => Ok(Some(false)),
            Some(_) => Err(Error::Setting { name, problem: "is neither true nor false".to_owned() }),
            None => Ok(self.property(key).map(|text| is(text, "true"))),
        }
    }
}

fn variable_of(key: &str) -> String {
    format!("AWS_{}", key.to_ascii_uppercase())
}

/// Where files of a kind are: those of the configuration, else that of the environment, else the default one.
fn paths(configured: &[String], name: &str, default: &str) -> Vec<PathBuf> {
    match variable(name) {
        _ if !configured.is_empty() => configured.iter().map(|path| files::path(path)).collect(),
        Some(path) => vec![files::path(&path)],
        None => files::home().map(|home| home.join(".aws").join(default)).into_iter().collect(),
    }
}

/// The lines that the files of a kind may have, all in all: each may be a profile, or a property, which takes many times its
/// length.
const MAX_LINES: usize = 100_000;

/// The contents of the files that can be read: one that is missing stops nothing.
async fn read_all(reservation: &mut Reservation, paths: Vec<PathBuf>) -> Result<Vec<Vec<u8>>, Error> {
    let (mut contents, mut lines, mut length) = (Vec::new(), 0, 0);
    for path in paths {
        match files::read_within(reservation, &path).await {
            Ok(bytes) => {
                lines += bytes.iter().filter(|byte| **byte == b'\n').count();
                length += bytes.len();
                let most = match () {
                    () if lines > MAX_LINES => format!("{MAX_LINES} lines"),
                    () if length > files::MAX_BYTES => format!("{} MiB", files::MAX_BYTES >> 20),
                    () => {
                        contents.push(bytes);
                        continue;
                    }
                };
                let problem = format!("has more than {most}, those of the files before it among them");
                return Err(Error::UnreadableFile { path: shown::path(&path), problem });
            }
            Err(unread @ files::Unread::Io(_)) => {
                log::debug!("the shared AWS file {} is left out: it {}", shown::path(&path), unread.problem());
            }
            Err(unread) => {
                let (path, problem) = (shown::path(&path), unread.problem());
                return Err(Error::UnreadableFile { path, problem });
            }
        }
    }
    Ok(contents)
}
