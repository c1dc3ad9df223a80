//! What may be shown of a text. Servers and processes quote what they were sent, in many a spelling, and users type what
//! a terminal takes for commands.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

/// Stands where a secret was.
const HIDDEN: &str = "[secret]";

/// How much is looked at of a text, in bytes for each character that may be shown: to look for a secret in it takes as long as
/// the product of both lengths.
const LOOKED_AT: usize = 4;

/// How much is looked at of a secret, in bytes: texts of that length are never shown.
const MAX_SECRET: usize = 16 * 1024;

/// Where a text ends within a secret, so much of it, in bytes, is hidden, too: whoever quotes it may have cut it.
const CUT: usize = 8;

/// How much of what a user typed is shown, in characters.
const MAX_TYPED: usize = 100;

/// Shorter secrets are hidden only where they stand as words, since other words have them inside.
const SHORT: usize = 4;

/// Shorter secrets are not looked for in hex and base64.
const ENCODED: usize = 6;

/// What the header begins with that signs a request.
const SIGNED: &str = "AWS4-HMAC-SHA256";

/// Texts that are not to be shown in any spelling: as they are, in hex and in base64, each also encoded for a URL, for
/// JSON or for HTML.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// The longest first.
    needles: Vec<Needle>,
}

#[derive(Clone, PartialEq, Eq)]
struct Needle {
    text: Vec<u8>,
    spelling: Spelling,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Plain,
    Hex,
    /// The part that does not depend on what stands beside it.
    Base64,
}

/// None of them.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Texts to hide. Those that are empty count for nothing.
    pub(crate) fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut needles: Vec<_> = texts.into_iter().flat_map(|text| needles(text.as_ref())).collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.text.len()));
        needles.dedup();
        Self { needles }
    }

    /// `text` on one line of at most `most` characters, without the secrets, the signatures of requests, and characters
    /// that are not seen.
    pub(crate) fn show(&self, text: &str, most: usize) -> String {
        let line = line(text, most.saturating_mul(LOOKED_AT));
        let (line, signed) = (self.hide(line.as_bytes()), Self::new([SIGNED]));
        bounded(&signed.hide_signatures(&line), most)
    }

    fn hide(&self, text: &[u8]) -> String {
        let (mut shown, mut at) = (Vec::with_capacity(text.len()), 0);
        while let Some(&byte) = text.get(at) {
            match self.needles.iter().find_map(|needle| Some((needle.end(text, at)?, needle.spelling))) {
                Some((end, spelling)) => at = spelling.replace(&mut shown, text, end),
                None => {
                    shown.push(byte);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// For the one needle [`SIGNED`]: hides from there to the end of the signature.
    fn hide_signatures(&self, text: &str) -> String {
        let (text, mut shown, mut at) = (text.as_bytes(), Vec::new(), 0);
        while let Some(&byte) = text.get(at) {
            match self.needles.iter().find_map(|needle| Some((needle.end_of_any_case(text, at)?, needle.spelling))) {
                Some((end, Spelling::Plain)) => {
                    shown.extend(HIDDEN.bytes());
                    at = end_of_signature(text, end);
                }
                Some((end, spelling)) => at = spelling.replace(&mut shown, text, end),
                None => {
                    shown.push(byte);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&shown).into_owned()
    }
}

/// Where the signature ends that begins before `from`: behind its digits, or nowhere.
fn end_of_signature(text: &[u8], from: usize) -> usize {
    const NAME: &[u8] = b"signature";
    let rest = &text[from..];
    let Some(name) = rest.windows(NAME.len()).position(|word| word.eq_ignore_ascii_case(NAME)) else {
        return text.len();
    };
    let mut digits = 0;
    for (index, byte) in rest.iter().enumerate().skip(name + NAME.len()) {
        match byte.is_ascii_hexdigit() {
            true => digits += 1,
            // Between the name and the digits are `=`, `%3D` or the like.
            false if digits < 16 => digits = 0,
            false => return from + index,
        }
    }
    text.len()
}

fn needles(text: &str) -> Vec<Needle> {
    let text = line(text, MAX_SECRET);
    if text.is_empty() {
        return Vec::new();
    }
    let mut needles = vec![Needle { text: text.clone().into(), spelling: Spelling::Plain }];
    if text.len() >= ENCODED {
        let hex = text.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
        needles.push(Needle { text: hex, spelling: Spelling::Hex });
        needles.extend((0..3).map(|before| Needle { text: base64(&text, before), spelling: Spelling::Base64 }));
    }
    needles
}

/// The base64 of `text` where it stands behind `before` other bytes and in front of more: the characters that it decides.
fn base64(text: &str, before: usize) -> Vec<u8> {
    let mut bytes = vec![0; before];
    bytes.extend(text.bytes());
    let encoded = BASE64_STANDARD_NO_PAD.encode(&bytes).into_bytes();
    let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    encoded[first..last].to_vec()
}

impl Needle {
    /// Where the needle ends that begins at `at`.
    fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let mut end = at;
        for (index, byte) in self.text.iter().enumerate() {
            let is_broken = index > 0 && self.text.len() >= CUT;
            let next = || Some(end + 1).filter(|_| is_broken && self.spelling.may_be_broken_by(text.get(end)));
            let character = |at| self.spelling.character(text, at, *byte);
            match character(end).or_else(|| character(next()?)) {
                Some(next) => end = next,
                None if end >= text.len() && index >= CUT => return Some(end),
                None => return None,
            }
        }
        let is_word = || !is_in_word(text, at.wrapping_sub(1)) && !is_in_word(text, end);
        (self.text.len() >= SHORT || is_word()).then_some(end)
    }

    fn end_of_any_case(&self, text: &[u8], at: usize) -> Option<usize> {
        let upper = |at: usize| text.get(at).filter(|byte| self.text[0].eq_ignore_ascii_case(byte));
        match self.spelling {
            Spelling::Plain => {
                upper(at)?;
                let word = text.get(at..at + self.text.len())?;
                word.eq_ignore_ascii_case(&self.text).then_some(at + self.text.len()).or_else(|| self.end(text, at))
            }
            _ => self.end(text, at),
        }
    }
}

fn is_in_word(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

impl Spelling {
    /// Where `byte` ends, if it is what stands at `at` in some spelling.
    fn character(self, text: &[u8], at: usize, byte: u8) -> Option<usize> {
        let rest = text.get(at..)?;
        let is_same = |found: u8| match (self, byte) {
            (Self::Hex, _) => found.eq_ignore_ascii_case(&byte),
            (Self::Base64, b'+') => found == b'+' || found == b'-',
            (Self::Base64, b'/') => found == b'/' || found == b'_',
            _ => found == byte,
        };
        let encoded = Self::encoded(rest).filter(|(found, _)| is_same(*found));
        let (_, length) = encoded
            .or_else(|| rest.first().map(|found| (*found, 1)))
            .filter(|(found, length)| *length > 1 || is_same(*found) || (*found == b'+' && byte == b' '))?;
        Some(at + length)
    }

    /// Whether this may stand inside: a line was wrapped, or hex is written in pairs.
    fn may_be_broken_by(self, byte: Option<&u8>) -> bool {
        byte.is_some_and(|byte| *byte == b' ' || self == Self::Hex && b":-".contains(byte))
    }

    /// The character that is encoded at the beginning of `text`, and how long it is there.
    fn encoded(text: &[u8]) -> Option<(u8, usize)> {
        Some(match text {
            [b'%', ..] => {
                // Encoded twice, `%2F` is `%252F`.
                let again = text[1..].chunks(2).take_while(|pair| pair == b"25").count();
                let code = text.get(1 + 2 * again..3 + 2 * again);
                match code.and_then(number) {
                    Some(found) => (found, 3 + 2 * again),
                    None => (b'%', 1 + 2 * again),
                }
            }
            [b'\\', b'u', b'0', b'0', code @ ..] => (number(code.get(..2)?)?, 6),
            [b'\\', b'x', code @ ..] => (number(code.get(..2)?)?, 4),
            // Quoted-printable.
            [b'=', code @ ..] => (number(code.get(..2)?)?, 3),
            [b'\\', found, ..] => (*found, 2),
            [b'&', ..] => entity(text)?,
            _ => return None,
        })
    }

    /// Puts [`HIDDEN`] in the place of what ends at `end`. Of hex and base64, all that it is a part of goes.
    fn replace(self, shown: &mut Vec<u8>, text: &[u8], end: usize) -> usize {
        let is_part = |byte: &u8| match self {
            Self::Plain => false,
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base64 => byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte),
        };
        while shown.last().is_some_and(is_part) {
            shown.pop();
        }
        shown.extend(HIDDEN.bytes());
        end + text[end..].iter().take_while(|byte| is_part(byte)).count()
    }
}

/// The number that two hex digits are.
fn number(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?, 16).ok()
}

/// The character that an HTML entity stands for, and the entity's length.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let end = text.iter().take(8).position(|byte| *byte == b';')?;
    let character = match &text[1..end] {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        b"sol" => b'/',
        b"plus" => b'+',
        b"equals" => b'=',
        [b'#', b'x' | b'X', digits @ ..] => u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?,
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
        _ => return None,
    };
    Some((character, end + 1))
}

/// At most so many bytes of `text` on one line, without what a terminal takes for a command or does not show at all.
fn line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for character in text.chars().filter(|character| !is_invisible(*character)) {
        if line.len() >= most {
            return without_part_of_code(line);
        }
        match character.is_whitespace() || character.is_control() {
            true if line.is_empty() || line.ends_with(' ') => {}
            true => line.push(' '),
            false => line.push(character),
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// A text that was cut, without what may be the beginning of an encoded character.
fn without_part_of_code(mut line: String) -> String {
    const LONGEST: usize = 8;
    let from = line.floor_char_boundary(line.len().saturating_sub(LONGEST));
    if let Some(code) = line[from..].find(['%', '\\', '&']) {
        line.truncate(from + code);
    }
    line
}

fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a character changes how others are shown, or has no width.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// What a user typed, as it may be shown: one line, escaped and bounded, without quotes around it.
pub(crate) struct Typed<'a>(pub(crate) &'a str);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(MAX_TYPED) {
            match character {
                '\'' | '"' => write!(f, "{character}")?,
                character if is_invisible(character) => write!(f, "{}", character.escape_unicode())?,
                character => write!(f, "{}", character.escape_debug())?,
            }
        }
        if self.0.chars().nth(MAX_TYPED).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

    use super::*;

    const SECRET: &str = "se/cret+token=with&more>";

    fn hidden(text: &str) -> String {
        Secrets::new([SECRET]).show(text, 1000)
    }

    #[test]
    fn a_secret_is_hidden_in_each_spelling() {
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
        for spelled in [
            SECRET.to_owned(),
            "se%2Fcret%2Btoken%3Dwith%26more%3E".to_owned(),
            "se%2fcret%2btoken%3dwith%26more%3e".to_owned(),
            "se%252Fcret%252Btoken%253Dwith%2526more%253E".to_owned(),
            "se\\/cret\\u002btoken=with\\u0026more\\u003e".to_owned(),
            "se&#x2F;cret&#43;token=with&amp;more&gt;".to_owned(),
            "se/cr\u{200b}et+to\u{202e}ken=with&more>".to_owned(),
            "se\\x2Fcret\\x2btoken\\x3dwith\\x26more\\x3e".to_owned(),
            "se=2Fcret=2Btoken=3Dwith=26more=3E".to_owned(),
            "se&sol;cret&plus;token&equals;with&amp;more&gt;".to_owned(),
            "se/cret+token\r\n =with&more>".to_owned(),
            hex.to_lowercase(),
            SECRET.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
            hex,
        ] {
            assert_eq!(hidden(&format!("a {spelled} b")), "a [secret] b", "{spelled}");
        }
    }

    #[test]
    fn base64_is_hidden_whatever_stands_beside_the_secret() {
        for before in ["", "A", "AW", "AWS", "AWS:"] {
            for after in ["", "x", "xy", "xyz"] {
                let text = format!("{before}{SECRET}{after}");
                for encoded in [BASE64_STANDARD.encode(&text), BASE64_URL_SAFE.encode(&text)] {
                    assert_eq!(hidden(&format!("a {encoded}. b")), "a [secret]. b", "{text}");
                }
            }
        }
    }

    #[test]
    fn a_secret_that_was_cut_is_hidden_as_far_as_it_goes() {
        for length in [8, 12, SECRET.len() - 1] {
            assert_eq!(hidden(&format!("a {}", &SECRET[..length])), "a [secret]", "{length}");
        }
        assert_eq!(hidden("a se/cret"), "a se/cret", "fewer characters may be another word");
        let wide = BASE64_STANDARD.encode(SECRET);
        assert_eq!(hidden(&format!("a {}", &wide[..wide.len() - 4])), "a [secret]");
        // What pads a text so that a secret stands where it is cut.
        for padding in [" ".repeat(70_000), "\u{200b}".repeat(70_000), SECRET.repeat(400)] {
            for beginning in 0..30 {
                let text = format!("{}{padding}{SECRET}{SECRET}", "x".repeat(3_980 + beginning));
                assert!(!hidden(&text).contains("se/cret+"), "{beginning}");
            }
        }
    }

    #[test]
    fn the_signature_of_a_request_is_hidden() {
        let header = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/ecr/aws4_request, SignedHeaders=host, \
                      Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for (given, shown) in [
            (format!("you sent {header} to us"), "you sent [secret] to us"),
            (format!("you sent {} to us", header.to_lowercase()), "you sent [secret] to us"),
            (format!("you sent {} to us", BASE64_STANDARD.encode(header)), "you sent [secret] to us"),
            ("you sent AWS4-HMAC-SHA256 and more".to_owned(), "you sent [secret]"),
        ] {
            assert_eq!(hidden(&given), shown, "{given}");
        }
        let encoded = header.replace('=', "%3D").replace(' ', "%20").replace('/', "%2F");
        assert_eq!(hidden(&encoded), "[secret]");
    }

    #[test]
    fn short_secrets_are_words() {
        assert_eq!(
            Secrets::new(["p", "", "eu"]).show("p: the europe of /p/ up", 100),
            "[secret]: the europe of /[secret]/ up"
        );
    }

    #[test]
    fn nothing_invisible_is_shown_and_no_more_than_allowed() {
        let none = Secrets::default();
        let given = "a\u{1b}[31m\r\n\u{9b}b\u{202e}c\u{200b}\u{feff}d\u{e0041}\u{2028}e";
        assert_eq!(none.show(given, 100), "a [31m bcd e");
        assert_eq!(none.show("äöü", 2), "äö…");
        assert_eq!(Typed("eu\u{1b}\u{202e}\"west'").to_string(), "eu\\u{1b}\\u{202e}\"west'");
        assert_eq!(Typed(&"r".repeat(9000)).to_string().chars().count(), 101);
    }
}
