//! What a command says of a failure, without the lines that may tell a secret: nobody knows what it was given or got.
//!
//! A line may tell one if something in it looks like a key, or stands behind the name of a secret and is no plain word. Bug reports
//! of tools that print credentials are where the forms come from; the tests have one of each.

use super::process::{NAMES, SHORT_OPTIONS};
use crate::redaction::HIDDEN;

/// What the names of secrets have in them that commands get on the way, besides those that they are given.
const MORE_NAMES: [&str; 6] = ["cookie", "session", "saml", "jwt", "sid", "pat"];

/// The names behind which a secret may stand without a sign, as in a netrc file.
const ALONE: [&str; 3] = ["password", "secret", "token"];

/// The shortest text that is taken for a key, of which a part has letters and digits, and how long that part is.
const KEY: usize = 16;
const MIXED: usize = 8;

/// The shortest word that is taken for a secret behind a name.
const SHORTEST: usize = 4;

/// The text without the lines that may tell a secret.
pub(super) fn without_secrets(text: &str) -> String {
    let (mut shown, mut is_open) = (Vec::new(), false);
    for line in text.lines() {
        if line.contains("-----BEGIN") {
            shown.push(HIDDEN);
            break;
        }
        let (tells, goes_on) = tells_secret(line);
        let tells = tells || is_open && line.split_whitespace().any(|word| !is_plain(word));
        // Behind a name with nothing beside it comes what it has.
        is_open = goes_on || is_open && (tells || line.starts_with(' '));
        match shown.last() {
            Some(&HIDDEN) if tells => {}
            _ => shown.push(if tells { HIDDEN } else { line }),
        }
    }
    shown.join("\n")
}

/// Whether a line may tell a secret, and whether it ends with the name of one.
fn tells_secret(line: &str) -> (bool, bool) {
    // As forms have it.
    let line = &line.replace("%3D", "=");
    let words: Vec<_> = line.split_whitespace().collect();
    let tells = pieces(line).any(is_like_key)
        || words.iter().any(|word| is_user(word))
        || words.windows(2).any(|pair| (is_option(pair[0]) || ALONE.contains(&pair[0])) && !is_plain(pair[1]));
    let mut goes_on = false;
    let behind_names =
        line.match_indices(['=', ':', '>', '\t']).chain(line.match_indices("  ")).filter_map(|(at, sign)| {
            let before = line[..at].trim_end_matches(['"', '\'', '\\', ' ']);
            let is_quoted = before.len() < at && line[..at].ends_with(['"', '\'']);
            let start = before
                .rfind(|char: char| !char.is_ascii_alphanumeric() && !"_-%".contains(char))
                .map_or(0, |at| at + 1);
            let before_name = before[..start].chars().next_back();
            (is_name(&before[start..]) && before_name != Some('/'))
                .then(|| (sign, is_quoted, line[at + sign.len()..].trim()))
        });
    let is_told = behind_names.fold(false, |told, (sign, is_quoted, rest)| {
        goes_on |= matches!(rest, "" | "|" | ">-" | ">" | "|-" | "[");
        let is_text = rest.starts_with(['"', '\'']) && (sign == "=" || is_quoted);
        told || is_text || rest.split_whitespace().any(|word| !is_plain(word))
    });
    (tells || is_told, goes_on)
}

/// Whether a user with a password stands in front of an `@`. Those of URLs are known otherwise.
fn is_user(word: &str) -> bool {
    let is_beside = |(user, _): (&str, &str)| user.contains(':') && !user.ends_with(':');
    !word.contains("://") && word.split_once('@').is_some_and(is_beside)
}

fn is_name(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    NAMES.iter().chain(&MORE_NAMES).any(|name| lower.contains(name))
}

fn is_option(word: &str) -> bool {
    word.starts_with('-') && (SHORT_OPTIONS.contains(&word) || is_name(word))
}

/// What stands between the signs of a line.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    line.split(|char: char| !char.is_ascii_alphanumeric() && !"+-_~".contains(char))
}

/// Whether this has a part of letters and digits, and is no UUID.
fn is_like_key(piece: &str) -> bool {
    let is_uuid = piece.len() == 36 && piece.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_mixed = |part: &str| {
        part.len() >= MIXED
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    piece.len() >= KEY && !is_uuid && piece.split(['-', '_']).any(is_mixed)
}

/// Whether this is a word of a sentence, a path or an address, rather than a secret.
fn is_plain(word: &str) -> bool {
    let word = word.trim_matches(|char: char| char.is_ascii_punctuation() && !"/~".contains(char));
    let is_word = || word.chars().skip(1).all(|char| char.is_lowercase() || "-'_".contains(char));
    let is_address =
        || word.contains(['.', ':']) && word.bytes().all(|byte| byte.is_ascii_digit() || b".:".contains(&byte));
    word.len() < SHORTEST || word.starts_with(['/', '~']) || is_word() || is_address()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const TOKEN: &str = "hvs.CAESIJlSecretVaultToken0123456789abcdef";
    const WORD: &str = "hunter2secret";

    #[test]
    fn what_may_be_a_secret_is_hidden_with_its_line() {
        for text in [
            format!("+ saml2aws login --username joe --password {WORD} --skip-prompt"),
            format!("+ curl -sf -u joe:{WORD} https://127.0.0.1/creds"),
            format!("+ vault login {TOKEN}"),
            format!("GET https://vault.test/v1/creds?token={WORD} failed: 403"),
            format!("redirect to https://cb.test/#access_token={WORD} refused"),
            format!("DEBUG:root:token={WORD}"),
            format!("ERROR:vault:password: {WORD}"),
            format!("/home/joe/.env:3:DB_PASSWORD={WORD}"),
            format!("send: b'GET / HTTP/1.1\\r\\nHost: vault.test:8200\\r\\nAuthorization: Bearer {WORD}\\r\\n'"),
            format!("{{\"msg\":\"cannot parse {{\\\"SecretAccessKey\\\":\\\"{WORD}\\\"}}\"}}"),
            format!("<Credentials><SecretAccessKey>{WORD}</SecretAccessKey></Credentials>"),
            format!("secret_key         {WORD}"),
            format!("aws_secret_access_key\t{WORD}"),
            format!("ASIAX       {KEY}"),
            format!("export OP_SESSION_my=\"{WORD}\""),
            format!("> Cookie: sid={WORD}"),
            format!("invalid bearer {TOKEN}"),
            "DB_PASSWORD=\"correct horse battery staple\"".to_owned(),
            "{\"username\":\"joe\",\"password\":\"xK9&mP2;vL5(qR8tY\"}".to_owned(),
            format!("{{:secret_access_key=>\"{WORD}\"}}"),
            format!("AKIAX,{KEY}"),
            format!("{{AccessKeyID:AKIAX SecretAccessKey:{KEY} SessionToken:abc}}"),
            format!("body: grant_type%3Dpassword%26password%3D{WORD}"),
            format!("machine vault.test login joe password {WORD}"),
            format!("dial postgres joe:{WORD}@tcp(127.0.0.1:3306)/db: refused"),
            "jwt: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
                .to_owned(),
            "GH_PAT=ghp_16C7e42F292c6912E7710c838347Ae178B4a".to_owned(),
        ] {
            assert_eq!(without_secrets(&text), HIDDEN, "{text}");
        }
        for (text, shown) in [
            (format!("token: |\n  {WORD}\nno luck"), "token: |\n[secret]\nno luck"),
            (format!("passwords:\n  - abcde\n  - {WORD}\n  - {WORD}"), "passwords:\n  - abcde\n[secret]"),
            ("no\n-----BEGIN PRIVATE KEY-----\nabc\nlater".to_owned(), "no\n[secret]"),
            (format!("SessionToken : {TOKEN}\n   {TOKEN}\nend"), "[secret]\nend"),
        ] {
            assert_eq!(without_secrets(&text), shown);
        }
    }

    #[test]
    fn sentences_are_shown() {
        for text in [
            "/usr/local/bin/creds: line 3: VAULT_TOKEN: unbound variable",
            "Error: unable to authenticate: connection refused",
            "error getting credentials: dial tcp 10.0.0.1:443: connect: connection refused",
            "An error occurred (ExpiredToken) when calling the AssumeRole operation: The security token included in the request is expired",
            "Keychain: item not found in login keychain",
            "aws-creds 1.2, author: Joe Smith, see the manual",
            "credentials: session expired, please run: aws sso login",
            "oauth2: cannot fetch token: 401 Unauthorized\nResponse: invalid_client",
            "PWD=/home/joe/creds\nbash: /home/joe/creds/creds.sh: No such file or directory",
            "jq: error: unexpected token: found end of file, line 1",
            "Enter passcode: the terminal is not interactive",
            "/home/joe/.secrets/get: Permission denied",
            "token file: No such file or directory (os error 2)",
            "The SSO session associated with this profile has expired. To refresh it run aws sso login with the profile prod-2",
            "request 8c1f4a4e-1f5e-4b8f-9d5e-0d3a4a0f6b1c failed in eu-west-1 for arn:aws:iam::123456789012:role/my-company-production-reader",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }
}
