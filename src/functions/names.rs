//! Names of repositories and their beginnings.

use crate::plugin::Failure;

const LONGEST: usize = 256;

/// How much of what was given is shown.
const SHOWN: usize = 100;

/// The prefix that stands for all repositories.
const ROOT: &str = "ROOT";

/// Checks the name of a repository in the argument `property`.
///
/// # Errors
///
/// A failure that says what was given and what it looks like.
pub(super) fn check(property: &str, given: &str) -> Result<(), Failure> {
    let can_be = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
    if (2..=LONGEST).contains(&given.len()) && given.bytes().all(can_be) && !given.contains(".dkr.") {
        return Ok(());
    }
    let hint = hint(given);
    let given: String = given.chars().take(SHOWN).collect();
    Err(Failure::new(
        property,
        format!("must be 2 to {LONGEST} lower-case letters, digits and `._-/`, but is {given:?}{hint}"),
    ))
}

/// The same for the beginning of names.
pub(super) fn check_prefix(property: &str, given: &str) -> Result<(), Failure> {
    if given == ROOT { Ok(()) } else { check(property, given) }
}

fn hint(given: &str) -> String {
    if given.trim() != given {
        return ": there is white space around it".to_owned();
    }
    if given.starts_with("arn:") {
        let name = given.split_once(":repository/").map(|(_, name)| format!(", {name}")).unwrap_or_default();
        return format!(": that is an ARN; the name is what follows `repository/`{name}");
    }
    if given.contains(".dkr.") || given.contains("://") {
        return ": that is a URL; the name is what follows the first `/` behind the host".to_owned();
    }
    if let Some((name, _)) = given.split_once(['@', ':']) {
        return format!(": that names an image; its repository is {name}");
    }
    if given.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return ": it has capital letters".to_owned();
    }
    String::new()
}
