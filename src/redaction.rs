//! What may be shown of a text. Servers and processes quote what they were sent, in many a spelling and cut, and users type
//! what a terminal takes for commands.
//!
//! A text is searched once for all secrets: each sixteen bytes of it, and of what it decodes to, are looked up among those of
//! the secrets. So it takes as long as the text is, however many secrets there are.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::{BuildHasherDefault, Hasher},
    mem,
    ops::Range,
};

/// Stands where a secret was.
pub(crate) const HIDDEN: &str = "[secret]";

/// How much is looked at of a text, in bytes for each character that may be shown.
const LOOKED_AT: usize = 4;

/// How much is looked for of a secret, in bytes: AWS STS takes web identity tokens of 20,000 characters. Beside a longer one no
/// text is shown.
const MAX_SECRET: usize = 64 * 1024;

/// So much of a secret, in bytes, is hidden wherever it stands, and of a shorter one all: whoever quotes it may have cut it.
const RUN: usize = 16;

/// So much is enough where a text ends or is cut. Shorter secrets are hidden only where nothing stands between their
/// bytes.
const CUT: usize = 8;

/// Shorter secrets are hidden only where they stand as words, since other words have them inside.
const SHORT: usize = 4;

/// Shorter secrets are not looked for in hex and base64.
const ENCODED: usize = 6;

/// How often a text is decoded, at most.
const MAX_DEPTH: usize = 12;

/// How much is looked through for each byte of a text, at most, all that it decodes to included.
const WORK: usize = 128;

/// How many parts of secrets are known at a time, at most: some 20 MB.
const MAX_SHARED: usize = 1 << 19;

/// How much of what a user typed is shown, in characters.
const MAX_TYPED: usize = 100;

/// What the header begins with that signs a request.
const SIGNED: &str = "AWS4-HMAC-SHA256";

/// What may stand inside a secret that was wrapped or quoted.
const BETWEEN: &[u8] = b" \t\r\n\"'\\,|";

/// Forms make a plus of a blank, and who reads one as such a blank of a plus.
fn is_between(byte: u8) -> bool {
    byte == b'+' || BETWEEN.contains(&byte)
}

/// Texts that are not to be shown in any spelling: as they are, in hex and in base64, encoded for a URL, for JSON or for
/// HTML, any of it several times.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    texts: BTreeSet<Vec<u8>>,
    /// Whether one is longer than is looked for.
    is_cut: bool,
}

/// None of them.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Texts to hide, and what they decode to. Those that are empty count for nothing.
    pub(crate) fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let (mut all, mut is_cut) = (BTreeSet::new(), false);
        for text in texts {
            is_cut |= text.as_ref().len() > MAX_SECRET;
            let text = line(text.as_ref(), MAX_SECRET);
            // As forms have it.
            all.insert(text.replace(' ', "+").into_bytes());
            let decoded = |text: &Vec<u8>| Some(unescaped(text)?.bytes);
            all.extend(std::iter::successors(Some(text.into_bytes()), decoded).take(MAX_DEPTH));
        }
        all.retain(|text| text.iter().any(|byte| byte.is_ascii_graphic() || !byte.is_ascii()));
        Self { texts: all, is_cut }
    }

    /// `text` on one line of at most `most` characters, without the secrets, the signatures of requests, and characters
    /// that are not seen.
    pub(crate) fn show(&self, text: &str, most: usize) -> String {
        if self.is_cut && !text.is_empty() {
            return HIDDEN.to_owned();
        }
        let (mut keys, mut lengths) = (Vec::new(), Lengths::default());
        self.parts(|place, length, key| {
            lengths.add(place, length);
            keys.push(key);
        });
        keys.sort_unstable();
        show(text, most, lengths, &|key| keys.binary_search(&key).is_ok())
    }

    /// Tells of each part by which a text has some of them: where it may stand, its length and its key.
    fn parts(&self, mut tell: impl FnMut(Place, usize, Key)) {
        for text in &self.texts {
            let dense: Vec<_> = text.iter().copied().filter(|byte| !is_between(*byte)).collect();
            let (place, text) = if dense.len() < CUT { (Place::Exact, text) } else { (Place::Dense, &dense) };
            let length = text.len().min(RUN);
            text.windows(length).for_each(|run| tell(place, length, key(place, run)));
            for cut in CUT..dense.len().min(RUN) {
                tell(Place::End, cut, key(Place::End, &dense[..cut]));
            }
        }
    }
}

/// The secrets of several owners.
#[derive(Default)]
pub(crate) struct Shared {
    /// How often each part is there.
    parts: HashMap<Key, u32, BuildHasherDefault<AsHash>>,
    lengths: Lengths,
    /// The owners for whose secrets there was no room.
    left_out: usize,
}

impl Shared {
    /// Adds some, to be taken away by [`Self::remove`]: whether there was room.
    pub(crate) fn add(&mut self, secrets: &Secrets) -> bool {
        let more: usize = secrets.texts.iter().map(|text| text.len() + RUN - CUT).sum();
        if secrets.is_cut || self.parts.len() + more > MAX_SHARED {
            self.left_out += 1;
            return false;
        }
        secrets.parts(|place, length, key| {
            self.lengths.add(place, length);
            *self.parts.entry(key).or_default() += 1;
        });
        true
    }

    /// Takes some away for which there was room, or was not.
    pub(crate) fn remove(&mut self, secrets: &Secrets, had_room: bool) {
        if !had_room {
            self.left_out -= 1;
            return;
        }
        secrets.parts(|_, _, key| {
            if let Some(count) = self.parts.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.parts.remove(&key);
                }
            }
        });
        if self.parts.capacity() / 8 > self.parts.len() {
            self.parts.shrink_to_fit();
        }
    }

    /// The same as [`Secrets::show`]; nothing of the text as long as there was no room for some of them.
    pub(crate) fn show(&self, text: &str, most: usize) -> String {
        match self.left_out {
            0 => show(text, most, self.lengths, &|key| self.parts.contains_key(&key)),
            _ if text.is_empty() => String::new(),
            _ => HIDDEN.to_owned(),
        }
    }
}

/// Where a part of a secret is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Among all bytes.
    Exact,
    /// Among those that do not stand [between](is_between), whatever their case.
    Dense,
    /// There, and at the end of the text.
    End,
}

/// At most [`RUN`] bytes, how many, and where they stand. Where two have the same by chance, too much is hidden, which harms
/// nobody.
type Key = u64;

fn key(place: Place, bytes: &[u8]) -> Key {
    let mut all = [0; RUN];
    all[..bytes.len()].copy_from_slice(bytes);
    if place != Place::Exact {
        all.make_ascii_lowercase();
    }
    let all = u128::from_le_bytes(all);
    let kind = (place as u64) << 8 | bytes.len() as u64;
    [all as u64, (all >> 64) as u64, kind].into_iter().fold(0, |key: u64, more| {
        let key = (key ^ more ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        key ^ key >> 31
    })
}

/// Keys are as good as hashes.
#[derive(Default)]
struct AsHash(u64);

impl Hasher for AsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// How long the parts are that are looked for, a bit for each length.
#[derive(Clone, Copy, Default)]
struct Lengths([u32; 3]);

impl Lengths {
    const fn add(&mut self, place: Place, length: usize) {
        self.0[place as usize] |= 1 << length;
    }

    fn of(self, place: Place) -> impl Iterator<Item = usize> {
        (1..=RUN).filter(move |length| self.0[place as usize] & 1 << length != 0)
    }
}

fn show(text: &str, most: usize, mut lengths: Lengths, known: &dyn Fn(Key) -> bool) -> String {
    let line = line(text, most.saturating_mul(LOOKED_AT));
    lengths.add(Place::Dense, RUN);
    let signed = key(Place::Dense, SIGNED.as_bytes());
    let mut search = Search { known, signed, lengths, left: line.len() * WORK };
    let Some(marks) = search.marks(line.as_bytes(), 1, MAX_DEPTH) else { return HIDDEN.to_owned() };
    let (mut shown, mut was_hidden) = (String::with_capacity(line.len()), false);
    for (at, character) in line.char_indices() {
        let is_hidden = marks[at..at + character.len_utf8()].contains(&true);
        match is_hidden {
            false => shown.push(character),
            true if !was_hidden => shown.push_str(HIDDEN),
            true => {}
        }
        was_hidden = is_hidden;
    }
    bounded(&shown, most)
}

struct Search<'a> {
    /// Whether a key is that of a secret's part.
    known: &'a dyn Fn(Key) -> bool,
    /// The key of [`SIGNED`].
    signed: Key,
    lengths: Lengths,
    /// How many bytes may still be looked through.
    left: usize,
}

impl Search<'_> {
    /// Which bytes are to be hidden, some of secrets that have `least` bytes; nothing if it takes too much work to know.
    fn marks(&mut self, text: &[u8], least: usize, depth: usize) -> Option<Vec<bool>> {
        self.left = self.left.checked_sub(text.len()).filter(|_| depth > 0)?;
        let mut marks = vec![false; text.len()];
        self.mark(text, least, &mut marks);
        if let Some(decoded) = unescaped(text) {
            let inner = self.marks(&decoded.bytes, least, depth - 1)?;
            decoded.mark(&inner, &mut marks);
        }
        for (bits, skipped) in [(4, 0), (4, 1), (6, 0), (6, 1), (6, 2), (6, 3)] {
            let decoded = unpacked(text, bits, skipped);
            if decoded.bytes.is_empty() {
                continue;
            }
            let inner = self.marks(&decoded.bytes, ENCODED, depth - 1)?;
            let mut outer = vec![false; text.len()];
            decoded.mark(&inner, &mut outer);
            // All goes that it is a part of.
            let is_part = |at: usize| digit(text[at], bits).is_some() || bits == 6 && text[at] == b'=';
            for at in 1..text.len() {
                outer[at] |= outer[at - 1] && is_part(at);
            }
            for at in (1..text.len()).rev() {
                outer[at - 1] |= outer[at] && is_part(at - 1);
            }
            marks.iter_mut().zip(outer).for_each(|(mark, outer)| *mark |= outer);
        }
        Some(marks)
    }

    /// Marks what stands in the text as it is.
    fn mark(&self, text: &[u8], least: usize, marks: &mut [bool]) {
        for length in self.lengths.of(Place::Exact).filter(|length| *length >= least) {
            for (start, part) in text.windows(length).enumerate() {
                let is_there = || length >= SHORT || is_word(text, start, start + length);
                if (self.known)(key(Place::Exact, part)) && is_there() {
                    marks[start..start + length].fill(true);
                }
            }
        }
        let (dense, places): (Vec<_>, Vec<_>) =
            text.iter().copied().zip(0..).filter(|(byte, _)| !is_between(*byte)).unzip();
        let mut signed_until = 0;
        for length in self.lengths.of(Place::Dense) {
            for (start, part) in dense.windows(length).enumerate() {
                let (key, from, to) = (key(Place::Dense, part), places[start], places[start + length - 1] + 1);
                if (self.known)(key) {
                    marks[from..to].fill(true);
                }
                if key == self.signed && from >= signed_until {
                    signed_until = end_of_signature(text, to);
                    marks[from..signed_until].fill(true);
                }
            }
        }
        for end in (CUT..=dense.len()).filter(|end| is_cut(&dense[*end..])) {
            for length in self.lengths.of(Place::End).filter(|length| *length <= end) {
                if (self.known)(key(Place::End, &dense[end - length..end])) {
                    marks[places[end - length]..=places[end - 1]].fill(true);
                }
            }
        }
    }
}

fn is_word(text: &[u8], from: usize, to: usize) -> bool {
    let is_in_word = |at: usize| text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    !is_in_word(from.wrapping_sub(1)) && !is_in_word(to)
}

/// Whether a text ends or is cut that goes on so.
fn is_cut(rest: &[u8]) -> bool {
    rest.is_empty() || rest.starts_with(b"...") || rest.starts_with("\u{2026}".as_bytes())
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

/// What a text is decoded to, and where each byte of that was.
#[derive(Default)]
struct Decoded {
    bytes: Vec<u8>,
    places: Vec<Range<u32>>,
}

impl Decoded {
    fn push(&mut self, byte: u8, place: Range<usize>) {
        self.bytes.push(byte);
        self.places.push(place.start as u32..place.end as u32);
    }

    /// Marks in the text what is marked in the bytes, and what stands between those beside each other.
    fn mark(&self, inner: &[bool], marks: &mut [bool]) {
        let mut from = None;
        for (place, is_marked) in self.places.iter().zip(inner) {
            let start = from.unwrap_or(place.start);
            from = is_marked.then_some(place.end);
            if *is_marked {
                marks[start as usize..place.end as usize].fill(true);
            }
        }
    }
}

/// The bytes that hex (of four bits a digit) or base64 (of six) stands for, without the first digits of each run.
fn unpacked(text: &[u8], bits: u32, skipped: usize) -> Decoded {
    let mut decoded = Decoded::default();
    let mut run = Vec::new();
    for at in 0..=text.len() {
        match text.get(at).copied() {
            Some(b'x' | b'X') if bits == 4 && run.last().is_some_and(|last| *last == (0, at - 1)) => {
                run.pop();
            }
            Some(byte) if BETWEEN.contains(&byte) || bits == 4 && b":-".contains(&byte) => {}
            byte => match byte.and_then(|byte| digit(byte, bits)) {
                Some(digit) => run.push((digit, at)),
                None => unpack(&mem::take(&mut run), bits, skipped, &mut decoded),
            },
        }
    }
    decoded
}

/// Adds what is text of the bytes that a run of digits stands for: secrets are.
fn unpack(run: &[(u32, usize)], bits: u32, skipped: usize, decoded: &mut Decoded) {
    if run.len() * (bits as usize) < ENCODED * 8 {
        return;
    }
    let (mut sum, mut held, mut from, mut all) = (0, 0, 0, Decoded::default());
    for (digit, at) in run.iter().skip(skipped) {
        if held == 0 {
            from = *at;
        }
        sum = (sum << bits | digit) & 0xffff;
        held += bits;
        if held >= 8 {
            held -= 8;
            let byte = (sum >> held) as u8;
            // Of wide characters, every second byte is none.
            if byte != 0 {
                all.push(byte, from..at + 1);
            }
            from = *at;
        }
    }
    let mut at = 0;
    for chunk in all.bytes.utf8_chunks() {
        for text in chunk.valid().split_inclusive(|character: char| character.is_ascii_control()) {
            if text.len() >= ENCODED {
                let places = &all.places[at..at + text.len()];
                // Nothing stands in two of them.
                decoded.push(0, from..from);
                decoded.bytes.extend(text.bytes());
                decoded.places.extend_from_slice(places);
            }
            at += text.len();
        }
        at += chunk.invalid().len();
    }
}

fn digit(byte: u8, bits: u32) -> Option<u32> {
    if bits == 4 {
        return char::from(byte).to_digit(16);
    }
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(digit.into())
}

/// A text without one layer of encoding, if it has any.
fn unescaped(text: &[u8]) -> Option<Decoded> {
    let (mut decoded, mut at) = (Decoded::default(), 0);
    while let Some(byte) = text.get(at) {
        let (found, length) = escape(&text[at..]).unwrap_or((Escape::Byte(*byte), 1));
        let place = at..at + length;
        match found {
            Escape::Byte(byte) => decoded.push(byte, place),
            Escape::Character(character) if is_invisible(character) => {}
            Escape::Character(character) => {
                let mut bytes = [0; 4];
                character.encode_utf8(&mut bytes).bytes().for_each(|byte| decoded.push(byte, place.clone()));
            }
        }
        at += length;
    }
    (decoded.bytes.len() < text.len()).then_some(decoded)
}

enum Escape {
    Byte(u8),
    Character(char),
}

/// What is encoded at the beginning of `text`, and how long it is there.
fn escape(text: &[u8]) -> Option<(Escape, usize)> {
    let byte = |from: usize| Some((Escape::Byte(number(text.get(from..from + 2)?)?), from + 2));
    match text {
        [b'%' | b'\\', b'u' | b'x', b'{', ..] => code(text, 3, 16, b'}'),
        [b'%' | b'\\', b'u', digits @ ..] if digits.len() >= 4 => {
            let found = code(&text[..6], 2, 16, b';').map(|(character, _)| (character, 6));
            found.or_else(|| Some((surrogates(text)?, 12)))
        }
        // Quoted-printable has it with `=`.
        [b'%' | b'=', ..] => byte(1),
        [b'\\', b'x', ..] => byte(2),
        [b'\\', b'0'..=b'3', b'0'..=b'7', b'0'..=b'7', ..] => {
            let octal = text[1..4].iter().fold(0, |sum, digit| sum << 3 | (digit - b'0'));
            Some((Escape::Byte(octal), 4))
        }
        [b'\\', b'n' | b'r' | b't', ..] => Some((Escape::Byte(b' '), 2)),
        [b'\\', found, ..] => Some((Escape::Byte(*found), 2)),
        [b'&', b'#', b'x' | b'X', ..] => code(text, 3, 16, b';'),
        [b'&', b'#', ..] => code(text, 2, 10, b';'),
        [b'&', ..] => entity(text),
        _ => None,
    }
}

/// The character whose number stands at `from`, before `end` or without it.
fn code(text: &[u8], from: usize, radix: u32, end: u8) -> Option<(Escape, usize)> {
    let length = text[from..].iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let digits = std::str::from_utf8(&text[from..from + length]).ok()?;
    let character = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    Some((Escape::Character(character), from + length + usize::from(text.get(from + length) == Some(&end))))
}

/// The character that two codes of UTF-16 are, as JSON has those beyond the first 65,536.
fn surrogates(text: &[u8]) -> Option<Escape> {
    let half = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(&text[..2])?;
        Some(u16::from(number(&digits[..2])?) << 8 | u16::from(number(&digits[2..])?))
    };
    let character = char::decode_utf16([half(0)?, half(6)?]).next()?.ok()?;
    Some(Escape::Character(character))
}

/// The number that two hex digits are.
fn number(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?, 16).ok()
}

/// The character that an HTML entity's name stands for, and the entity's length.
fn entity(text: &[u8]) -> Option<(Escape, usize)> {
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
        _ => return None,
    };
    Some((Escape::Byte(character), end + 1))
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

/// Whether a character changes how others are shown, has no width, or is a blank that is no space: Unicode's
/// `Default_Ignorable_Code_Point`, `Bidi_Control`, and what else is blank or a format.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
        | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The user of a URL, with the password and the password alone: as they are written, and nothing for a text without them.
pub(crate) fn user(text: &str) -> Vec<&str> {
    let (is_url, rest) = text.split_once("://").map_or((false, text), |(_, rest)| (true, rest));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password with a slash in it, rather than a port.
    let is_slash_in_password =
        is_url && authority.split_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_err());
    let user = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@').filter(|_| is_slash_in_password));
    match user.map(|(user, _)| (user, user.split_once(':'))) {
        Some((user, Some((_, password)))) => vec![user, password],
        Some((user, None)) if is_url => vec![user],
        _ => Vec::new(),
    }
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
    use std::time::{Duration, Instant};

    use base64::{
        Engine as _,
        prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
    };
    use proptest::prelude::*;

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
            "se/cret token=with&more>".to_owned(),
            "se/cret%20token=with&more>".to_owned(),
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
    fn characters_beyond_the_first_plane_are_hidden_as_json_has_them() {
        let secrets = Secrets::new(["hunt\u{1f600}er2"]);
        assert_eq!(secrets.show("no hunt\\ud83d\\uDE00er2", 100), "no [secret]");
        assert_eq!(secrets.show("no hunt\\ud83d\\u0041er2 \\ud83d", 100), "no hunt\\ud83d\\u0041er2 \\ud83d");
        assert_eq!(Secrets::new(["my pass+word"]).show("no my+pass%2Bword", 100), "no [secret]");
    }

    #[test]
    fn a_secret_that_was_cut_is_hidden_as_far_as_it_goes() {
        for length in [9, 12, SECRET.len() - 1] {
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

    const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr//////////wEaCWV1LXdlc3QtMSJHMEUCIQDxabcdefGHIJ0123456789";

    proptest! {
        #[test]
        fn no_sixteen_characters_of_a_secret_are_shown(from in 0..TOKEN.len() - RUN, before in ".{0,30}", after in ".{0,30}") {
            for to in [from + RUN, TOKEN.len()] {
                let part = &TOKEN[from..to];
                let encoded = |text: &str| part.bytes().map(|byte| text.replace("41", &format!("{byte:02x}"))).collect();
                let spelled: [String; 5] = [
                    part.to_owned(), encoded("%41"), encoded("41:"), encoded("&#x00041;"), BASE64_STANDARD.encode(part),
                ];
                for spelled in spelled {
                    let shown = Secrets::new([TOKEN]).show(&format!("{before} {spelled} {after}"), 1000);
                    prop_assert!(!shown.contains(&spelled), "{} {}", spelled, shown);
                }
            }
        }

        #[test]
        fn any_text_is_shown_on_one_line_within_bounds(text in "[\\PC%&\\\\=#;x0-9a-f]{0,300}", secret in ".{0,40}") {
            let shown = Secrets::new([&secret, TOKEN]).show(&text, 100);
            prop_assert!(shown.chars().count() <= 101);
            prop_assert!(!shown.chars().any(|character| character.is_control() || is_invisible(character)));
        }
    }

    #[test]
    fn a_part_of_a_secret_is_hidden_wherever_the_text_goes_on() {
        for (given, shown) in [
            (format!("{}... (truncated)", &TOKEN[..TOKEN.len() - 1]), "[secret]... (truncated)"),
            (format!("{}[...]", &TOKEN[..40]), "[secret][...]"),
            (format!("...{}.", &TOKEN[10..]), "...[secret]."),
            (format!("...{}...", &TOKEN[10..26]), "...[secret]..."),
            (format!("{}... more", &TOKEN[..9]), "[secret]... more"),
            (format!("{}\u{2026} (Code)", &TOKEN[..9]), "[secret]\u{2026} (Code)"),
            (TOKEN.to_lowercase(), "[secret]"),
            (
                TOKEN
                    .as_bytes()
                    .chunks(7)
                    .map(|part| String::from_utf8_lossy(part))
                    .collect::<Vec<_>>()
                    .join("\\n\" | \""),
                "[secret]",
            ),
        ] {
            assert_eq!(Secrets::new([TOKEN]).show(&given, 1000), shown, "{given}");
        }
    }

    #[test]
    fn a_secret_is_hidden_however_often_it_is_encoded() {
        let each = |before: &str, after: &str| {
            TOKEN.bytes().map(|byte| format!("{before}{byte:02x}{after}")).collect::<String>()
        };
        let lines = |text: String| {
            text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join("\"\n\"")
        };
        let wide: Vec<_> = TOKEN.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for spelled in [
            each("\\\\u00", ""),
            each("\\\\\\\\u00", ""),
            each("\\u{", "}"),
            each("%u00", ""),
            each("&#x00000", ";"),
            each("&amp;#x", ";"),
            each("&amp;amp;#x", " "),
            each("0x", ", "),
            each("%", "").bytes().map(|byte| format!("%{byte:02x}")).collect(),
            each("", "").bytes().map(|byte| format!("%{byte:02x}")).collect(),
            TOKEN.bytes().map(|byte| format!("\\{byte:03o}")).collect(),
            BASE64_STANDARD.encode(BASE64_STANDARD.encode(TOKEN)),
            BASE64_STANDARD.encode(format!("x{}", BASE64_URL_SAFE.encode(format!("y{TOKEN}")))),
            BASE64_STANDARD.encode(each("", "")),
            BASE64_STANDARD.encode(wide),
            lines(BASE64_STANDARD.encode(TOKEN)),
            BASE64_STANDARD.encode(lines(BASE64_STANDARD.encode(TOKEN))),
        ] {
            let shown = Secrets::new([TOKEN]).show(&format!("it was: {spelled}."), 1000);
            assert!(
                ["it was: [secret].", "it was: [secret] .", "it was: 0x[secret], .", "it was: [secret]\" \"[secret]."]
                    .contains(&&*shown),
                "{spelled}: {shown}"
            );
        }
    }

    #[test]
    fn what_a_secret_decodes_to_is_hidden_too() {
        let shown = |secret, text| Secrets::new([secret]).show(text, 100);
        assert_eq!(shown("joe:hunter2%21secret", "you are joe:hunter2!secret"), "you are [secret]");
        assert_eq!(shown("hunter2%21secret", "hunter2%21secret hunter2!secret"), "[secret] [secret]");
        assert_eq!(shown("my very secret word", "my+very+secret+word my very secret word"), "[secret] [secret]");
        assert_eq!(shown("pass\\word%", "pass\\word% pass\\\\word%25"), "[secret] [secret]");
        assert_eq!(shown("p\u{e4}ssw\u{f6}rd", "p%C3%A4ssw%c3%b6rd p\\u00e4ssw\\u00f6rd"), "[secret] [secret]");
    }

    #[test]
    fn ordinary_text_stays() {
        let secrets = Secrets::new([TOKEN, SECRET, "arn:aws:iam::111122223333:role/Deployment", "hunter2", "x"]);
        for text in [
            "User: arn:aws:iam::999988887777:user/joe is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
            "the AWS credentials have expired: The security token included in the request is expired (ExpiredTokenException)",
            "could not be reached: tls handshake eof, tried 3 times in 2 s; 100 % of C:\\Users\\joe\\y=ab12 &c. hunter 2",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 aWxvdmVjYXRzYW5kZG9ncw==",
        ] {
            assert_eq!(secrets.show(text, 1000), text);
        }
    }

    #[test]
    fn the_user_of_a_url_is_told_from_its_path() {
        for (text, users) in [
            ("http://joe:pass@word@host:9/x", &["joe:pass@word", "pass@word"][..]),
            ("joe:word@host", &["joe:word", "word"]),
            ("http://joe:a/b@host", &["joe:a/b", "a/b"]),
            ("http://token@host", &["token"]),
            ("https://host:443/@scope/x", &[]),
            ("https://host/@scope/x", &[]),
            ("joe@example.com", &[]),
            ("arn:aws:sts::1:assumed-role/r/joe@example.com", &[]),
        ] {
            assert_eq!(user(text), users, "{text}");
        }
    }

    /// Beside each other, a thousand secrets that are nearly the same, and a text that is nearly one of them.
    #[test]
    fn many_secrets_take_no_long_time() {
        let mut shared = Shared::default();
        let of = |number| Secrets::new([format!("{}{number}", "a".repeat(400)), format!("v{number}.7")]);
        let began = Instant::now();
        for number in 0..1000 {
            assert!(shared.add(&of(number)));
        }
        let text = "b".to_owned() + &(" a".repeat(399) + "b").repeat(40);
        for _ in 0..10 {
            assert!(shared.show(&text, 4000).starts_with("b [secret]b [secret]"));
        }
        assert_eq!(shared.show("v7.7 v1000.7", 100), "[secret] v1000.7");
        for number in 0..1000 {
            shared.remove(&of(number), true);
        }
        assert_eq!(shared.show("v7.7 aaaaaaaaaaaaaaaaaaaaaaaa", 100), "v7.7 aaaaaaaaaaaaaaaaaaaaaaaa");
        assert!(shared.parts.capacity() < 100, "{}", shared.parts.capacity());
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }

    #[test]
    fn nothing_is_shown_while_there_are_too_many_secrets() {
        let mut shared = Shared::default();
        let text = |number: usize| (0..MAX_SECRET / 8).map(|word| format!("{number:03}{word:05}")).collect::<String>();
        let secrets: Vec<_> = (0..40).map(|number| Secrets::new([text(number)])).collect();
        let had_room: Vec<_> = secrets.iter().map(|secrets| shared.add(secrets)).collect();
        assert!(had_room[0] && !had_room[39] && shared.parts.len() <= MAX_SHARED);
        assert_eq!((shared.show("a line", 100), shared.show("", 100)), (HIDDEN.to_owned(), String::new()));
        secrets.iter().zip(had_room).for_each(|(secrets, had_room)| shared.remove(secrets, had_room));
        assert!(shared.show(&text(7), MAX_SECRET) == text(7), "its secrets are gone");
    }

    #[test]
    fn what_is_decoded_without_an_end_is_not_shown() {
        for (text, most) in
            [("&amp;".to_owned() + &"amp;".repeat(4000), 4000), ("%".to_owned() + &"25".repeat(8000), 4000)]
        {
            assert_eq!(hidden(&text[..most]), HIDDEN);
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
        // Those of Unicode's DerivedCoreProperties.txt and PropList.txt, and blanks.
        for range in [
            0xad..=0xad,
            0x34f..=0x34f,
            0x61c..=0x61c,
            0x115f..=0x1160,
            0x17b4..=0x17b5,
            0x180b..=0x180f,
            0x200b..=0x200f,
            0x202a..=0x202e,
            0x2060..=0x206f,
            0x2800..=0x2800,
            0x3164..=0x3164,
            0xfe00..=0xfe0f,
            0xfeff..=0xfeff,
            0xffa0..=0xffa0,
            0xfff0..=0xfff8,
            0x1bca0..=0x1bca3,
            0x1d173..=0x1d17a,
            0xe0000..=0xe0fff,
        ] {
            for character in range.map(|code| char::from_u32(code).unwrap()) {
                let spelled: String = SECRET.chars().flat_map(|secret| [secret, character]).collect();
                assert_eq!(hidden(&spelled), HIDDEN, "{character:?}");
            }
        }
        assert_eq!(Typed("eu\u{1b}\u{202e}\"west'").to_string(), "eu\\u{1b}\\u{202e}\"west'");
        assert_eq!(Typed(&"r".repeat(9000)).to_string().chars().count(), 101);
    }
}
