//! What a text may quote of a configuration: only what has the form of what belongs there. In a wrong place may stand
//! anything, a secret key in place of a profile's name for example.

use std::path::Path;

/// In place of a text that is not shown.
const HIDDEN: &str = "(not shown, since it does not look like one)";

/// The longest name that is shown.
const MAX_NAME: usize = 128;

/// From this length on, letters and digits without anything between them may be a key.
const MAX_WORD: usize = 32;

/// The name of something that exists: one line, and nothing in it as long as a key.
pub(super) fn name(text: &str) -> String {
    let is_of_word = |char: char| char.is_ascii_alphanumeric() || ['/', '+', '='].contains(&char);
    let has_key = text.split(|char| !is_of_word(char)).any(|word| word.len() >= MAX_WORD);
    match text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control) && !has_key {
        true => text.to_owned(),
        false => HIDDEN.to_owned(),
    }
}

/// What has the form of what belongs in its place, and of a name.
pub(super) fn if_it_is_one(text: &str, is_one: impl Fn(&str) -> bool) -> String {
    if is_one(text) { name(text) } else { HIDDEN.to_owned() }
}

/// A name that nothing has: the same, without what keys have and names hardly.
pub(super) fn unknown(text: &str) -> String {
    if text.contains(['/', '+', '=', ':']) { HIDDEN.to_owned() } else { name(text) }
}

/// An ARN of IAM.
pub(super) fn arn(text: &str) -> String {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let is_account = |account: &str| account.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        ["arn", _, "iam", "", account, resource] if is_account(account) && resource.contains('/') => name(text),
        _ => HIDDEN.to_owned(),
    }
}

/// What of an ARN is to be kept out of what AWS says: all of it if it is none.
pub(super) fn hidden_arn(text: &str) -> &str {
    if arn(text) == HIDDEN { text } else { "" }
}

/// A path: one line that begins as paths do, else a name with a dot in it, which no key has.
pub(super) fn path(path: &Path) -> String {
    let text = path.to_string_lossy();
    let starts = ["/", "./", "../", "~/", r"\\", r".\", r"..\", r"~\"];
    let has_drive = matches!(text.as_bytes(), [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic());
    let is_path = has_drive || starts.iter().any(|start| text.starts_with(start));
    match is_path && text.len() != SECRET_KEY && !text.chars().any(char::is_control) {
        true => text.into_owned(),
        false if text.contains('.') => name(&text),
        false => HIDDEN.to_owned(),
    }
}

/// Whether `text` may be a key: it is neither a name nor a path.
pub(super) fn may_be_key(text: &str) -> bool {
    name(text) == HIDDEN && path(Path::new(text)) == HIDDEN
}

/// The length of a secret access key, which may begin with a slash.
const SECRET_KEY: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn names_are_shown_and_keys_are_not() {
        for text in ["default", "prodükt", "team (prod)", "a=b", "my-company-production-administrator-access.eu"] {
            assert_eq!(name(text), text);
        }
        assert_eq!((unknown("nope"), unknown("a/b")), ("nope".to_owned(), HIDDEN.to_owned()));
        for text in [KEY, &format!("x {KEY}"), "eu-west-1\naws_secret_access_key = x", &"x ".repeat(200)] {
            assert_eq!(name(text), HIDDEN);
        }
    }

    #[test]
    fn arns_are_shown_and_what_is_none_is_not() {
        assert_eq!(arn("arn:aws:iam::123456789012:role/a/b"), "arn:aws:iam::123456789012:role/a/b");
        for text in [KEY, "arn:aws:iam::word:role/x", "arn:aws:iam::1:role", &format!("arn:aws:iam::1:role/{KEY}")] {
            assert_eq!(arn(text), HIDDEN);
        }
    }

    #[test]
    fn paths_are_shown_and_keys_are_not() {
        let cached = "/home/joe/.aws/sso/cache/da39a3ee5e6b4b0d3255bfef95601890afd80709.json";
        for text in [cached, "~/x", "bundle.pem", r"C:\Users\joe\.aws\config", "z:/x", r"\\host\share\x", r"~\x"] {
            assert_eq!(path(Path::new(text)), text);
        }
        for text in [KEY, "word", r"pa\ss:word", "1:/x", &format!("/{}", &KEY[1..]), "/x\ny"] {
            assert_eq!(path(Path::new(text)), HIDDEN);
        }
    }
}
