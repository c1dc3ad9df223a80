//! Registry ids: the 12 digits of an AWS account, which people confuse with other names of a registry.

use crate::{aws::is_account, plugin::Failure};

const DIGITS: usize = 12;

/// How much of what was given is shown.
const SHOWN: usize = 100;

/// What follows the id in the host of a registry: plain, dual-stack, and dual-stack with FIPS.
const HOSTS: [&str; 3] = [".dkr.", ".dkr-ecr.", ".dkr-ecr-fips."];

/// Checks the argument `registryId`.
///
/// # Errors
///
/// A failure that says what was given and what it looks like.
pub(super) fn check(given: &str) -> Result<(), Failure> {
    if is_account(given) {
        return Ok(());
    }
    let hint = hint(given);
    let given: String = given.chars().take(SHOWN).collect();
    Err(Failure::new(
        "registryId",
        format!("must be a registry id, the {DIGITS} digits of an AWS account, but is {given:?}{hint}"),
    ))
}

/// The same where absent and empty text mean the caller's own registry.
pub(super) fn check_unless_empty(given: Option<&str>) -> Result<(), Failure> {
    given.filter(|id| !id.is_empty()).map_or(Ok(()), check)
}

/// Whose registry it is, for people.
pub(super) fn subject(given: Option<&str>) -> String {
    match given.filter(|id| !id.is_empty()) {
        Some(id) => format!("registry {id}"),
        None => "the caller's registry".to_owned(),
    }
}

fn hint(given: &str) -> String {
    let lower_case = given.to_ascii_lowercase();
    // Without a scheme, such as Helm's `oci://`, and without a user.
    let below_scheme = lower_case.split_once("://").map_or(lower_case.as_str(), |(_, rest)| rest);
    let host = below_scheme.split_once('@').map_or(below_scheme, |(_, host)| host);
    if given.trim() != given {
        return ": there is white space around it".to_owned();
    }
    if given.is_empty() {
        return String::new();
    }
    if given.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits = if given.len() == 1 { "1 digit".to_owned() } else { format!("{} digits", given.len()) };
        return if given.len() < DIGITS {
            format!(
                ": it has {digits}; if it was written as a number, its leading zeros are lost, so write it as the \
                 string {given:0>DIGITS$}"
            )
        } else {
            format!(": it has {digits}")
        };
    }
    let account = |part| host.split_once(part).map(|(account, _)| (part, account)).filter(|(_, id)| is_account(id));
    if let Some((part, account)) = HOSTS.into_iter().find_map(account) {
        return format!(": that is a registry's URL; its id is the part in front of `{part}`, {account}");
    }
    if given.starts_with("arn:") {
        let account = given.split(':').nth(4).filter(|account| account.len() == DIGITS);
        let account = account.map(|account| format!(", {account}")).unwrap_or_default();
        return format!(": that is an ARN; the id is the fifth part of a repository's{account}");
    }
    if below_scheme != lower_case || given.contains('/') && given.contains('.') {
        return ": that is a URL; use a repository's `registryId`".to_owned();
    }
    ": that looks like a repository's name or id; use the repository's `registryId`".to_owned()
}
