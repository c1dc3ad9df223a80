//! The shared config and credentials files of the AWS SDKs.

use std::{collections::HashMap, error::Error as _, path::PathBuf, time::Duration};

use aws_config::profile::{Profile, ProfileFileLoadError, ProfileParseError, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use super::{Configuration, Error};

/// The name of the profile that is used if none is named.
const DEFAULT: &str = "default";

/// Where the environment names it: the SDK itself knows the first alone.
const VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// How long files may take, which can be on a file system of a network.
pub(super) const FILES_TIMEOUT: Duration = Duration::from_secs(20);

/// The profiles of the shared files, and which of them is selected.
///
/// There is no `Debug`: profiles hold keys.
pub(super) struct SharedFiles {
    profiles: ProfileSet,
    is_named: bool,
}

/// The files to read, in place of those that `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` and the defaults name.
pub(super) fn locations(configuration: &Configuration) -> EnvConfigFiles {
    let (config, credentials) = (&configuration.shared_config_files, configuration.credentials_files());
    let mut files = EnvConfigFiles::builder()
        .include_default_config_file(config.is_empty())
        .include_default_credentials_file(credentials.is_empty());
    for (kind, paths) in [(EnvConfigFileKind::Config, &config[..]), (EnvConfigFileKind::Credentials, credentials)] {
        for path in paths {
            files = files.with_file(kind, expand_home(path));
        }
    }
    files.build()
}

/// The environment as the SDK is to see it: a variable that is empty is as good as none, while the SDK panics on some.
pub(super) fn environment() -> Env {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    variables.filter(|(_, value)| !value.trim().is_empty()).collect::<HashMap<_, _>>().into()
}

/// The path, with a leading `~/` replaced by the home folder.
pub(super) fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

/// A value without quotes around it, which the SDK for Go takes off and this one does not.
pub(super) fn unquoted(value: &str) -> &str {
    let inside = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    inside.unwrap_or(value)
}

impl SharedFiles {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`Error::MalformedFile`], and [`Error::UnreadableFile`] for files that the configuration names; others may be
    /// missing.
    pub(super) async fn read(configuration: &Configuration) -> Result<Self, Error> {
        let variable = |name| std::env::var(name).ok().filter(|profile| !profile.trim().is_empty());
        let profile = configuration.profile.clone().or_else(|| VARIABLES.into_iter().find_map(variable));
        let is_named = profile.is_some();
        let selected = profile.map_or(DEFAULT.into(), Into::into);
        aws_config::profile::load(&Fs::real(), &environment(), &locations(configuration), Some(selected))
            .await
            .map(|profiles| Self { profiles, is_named })
            .map_err(|error| unreadable(&error))
    }

    /// The name of the selected profile: the configuration's, the environment's, or `default`.
    pub(super) fn selected(&self) -> &str {
        self.profiles.selected_profile()
    }

    /// Whether anyone named the selected profile.
    pub(super) fn is_named(&self) -> bool {
        self.is_named
    }

    /// All that the files say, as the SDK has it.
    pub(super) fn sections(&self) -> &ProfileSet {
        &self.profiles
    }

    /// A property of the selected profile.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.profiles.get(key).map(unquoted).filter(|value| !value.is_empty())
    }

    /// A setting of the environment, `AWS_` and `key` in capitals, else the property `key` of the selected profile.
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
        let name = format!("AWS_{}", key.to_ascii_uppercase());
        if let Some(text) = std::env::var(&name).ok().filter(|text| !text.trim().is_empty()) {
            return parse(&text).map(Some).ok_or_else(|| Error::Setting { name, problem: problem.to_owned() });
        }
        let profile = self.selected().to_owned();
        let wrong = || Error::Profile { profile, problem: format!("its {key} {problem}") };
        self.get(key).map(|text| parse(text).ok_or_else(wrong)).transpose()
    }

    /// A profile.
    ///
    /// # Errors
    ///
    /// [`Error::ProfileNotFound`].
    pub(super) fn profile(&self, name: &str) -> Result<&Profile, Error> {
        self.profiles.get_profile(name).ok_or_else(|| {
            let mut known: Vec<_> = self.profiles.profiles().map(str::to_owned).collect();
            known.sort();
            Error::ProfileNotFound { profile: name.to_owned(), known }
        })
    }

    /// A property of an `[sso-session NAME]` section; the outer `None` if there is no such section.
    pub(super) fn sso_session(&self, name: &str, key: &str) -> Option<Option<&str>> {
        self.profiles.sso_session(name).map(|session| session.get(key).map(unquoted))
    }
}

fn unreadable(error: &ProfileFileLoadError) -> Error {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match error.source().is_some_and(<dyn std::error::Error>::is::<ProfileParseError>) {
        true => Error::MalformedFile(one_line(&cause)),
        false => Error::UnreadableFile { what: one_line(&error.to_string()), problem: cause },
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
