//! Registry ids: the 12 digits of an AWS account, which people confuse with other names of a registry.

use crate::plugin::Failure;

const DIGITS: usize = 12;

/// A registry id as it was given.
///
/// # Errors
///
/// A failure of `property` that says what was given and what it looks like.
pub(super) fn parse(property: &str, given: String) -> Result<String, Failure> {
    if given.len() == DIGITS && given.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(given);
    }
    let hint = hint(&given);
    Err(Failure::new(
        property,
        format!("must be a registry id, the {DIGITS} digits of an AWS account, but is {given:?}{hint}"),
    ))
}

fn hint(given: &str) -> String {
    let host = given.trim_start_matches("https://").trim_start_matches("http://");
    if given.trim() != given {
        return ": there is white space around it".to_owned();
    }
    if given.is_empty() {
        return String::new();
    }
    if given.bytes().all(|byte| byte.is_ascii_digit()) {
        return if given.len() < DIGITS {
            format!(
                ": it has {} digits; if it was written as a number, its leading zeros are lost, so write it as the \
                 string {given:0>DIGITS$}",
                given.len()
            )
        } else {
            format!(": it has {} digits", given.len())
        };
    }
    if let Some((account, _)) = host.split_once(".dkr.") {
        return format!(": that is a registry's URL; its id is the part in front of `.dkr.`, {account}");
    }
    if given.starts_with("arn:") {
        let account = given.split(':').nth(4).unwrap_or_default();
        return format!(": that is an ARN; the id is its fifth part, {account:?}");
    }
    if host != given || given.contains('/') && given.contains('.') {
        return ": that is a URL; use a repository's `registryId`".to_owned();
    }
    ": that looks like a repository's name or id; use the repository's `registryId`".to_owned()
}
