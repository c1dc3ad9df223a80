//! Names of repositories and their beginnings.

use super::registry_id;
use crate::plugin::Failure;

const LONGEST: usize = 256;

/// The same for Amazon ECR Public.
const LONGEST_PUBLIC: usize = 205;

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
    check_within(LONGEST, property, given)
}

/// The same for Amazon ECR Public.
pub(super) fn check_public(property: &str, given: &str) -> Result<(), Failure> {
    check_within(LONGEST_PUBLIC, property, given)
}

fn check_within(longest: usize, property: &str, given: &str) -> Result<(), Failure> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let can_be = given.starts_with(|first: char| u8::try_from(first).is_ok_and(is_plain))
        && given.bytes().all(|byte| is_plain(byte) || b"._-/".contains(&byte));
    if (2..=longest).contains(&given.len()) && can_be && !is_host(given) {
        return Ok(());
    }
    let hint = hint(given);
    let given: String = given.chars().take(SHOWN).collect();
    Err(Failure::new(
        property,
        format!(
            "must be 2 to {longest} lower-case letters, digits and, behind the first, `._-/`, but is {given:?}{hint}"
        ),
    ))
}

/// The same for the beginning of names.
pub(super) fn check_prefix(property: &str, given: &str) -> Result<(), Failure> {
    if given == ROOT { Ok(()) } else { check(property, given) }
}

/// Whether it begins as the host of a registry does, of whatever form. Names may have dots, but not behind an account.
fn is_host(given: &str) -> bool {
    given.split_once(".dkr").is_some_and(|(account, _)| registry_id::check(account).is_ok())
}

fn hint(given: &str) -> String {
    if given.trim() != given {
        return ": there is white space around it".to_owned();
    }
    if given.starts_with("arn:") {
        let name = given.split_once(":repository/").map(|(_, name)| format!(", {name}")).unwrap_or_default();
        return format!(": that is an ARN; the name is what follows `repository/`{name}");
    }
    if is_host(given) || given.contains("://") {
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
