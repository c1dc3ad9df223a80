//! Secrets in these tests hold a word that nothing else does.

use base64::{Engine as _, prelude::BASE64_STANDARD};

const MARK: &str = "hush-hush";

/// The texts that hold a secret: as it is, for a URL (which leaves it as it is), or as base64.
pub(crate) fn leaks(output: &[String]) -> Vec<String> {
    let marks = marks();
    let leaks = output.iter().filter(|text| marks.iter().any(|mark| text.contains(mark)));
    leaks.map(|text| format!("a secret is shown: {text}")).collect()
}

/// The mark, its hex, and what base64 makes of its middle, wherever it begins.
fn marks() -> Vec<String> {
    let encoded = (0..3).map(|before| {
        let text = BASE64_STANDARD.encode(format!("{}{MARK}", &"   "[..before]));
        let whole = (before + MARK.len()) / 3 * 4;
        text[(before * 4).div_ceil(3)..whole].to_owned()
    });
    let hex = |upper: bool| {
        MARK.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect()
    };
    [MARK.to_owned(), hex(false), hex(true)].into_iter().chain(encoded).collect()
}

#[test]
fn a_secret_is_found_in_each_of_its_forms() {
    for text in ["hush-hush", "a hush-hush-of-x", "ab/hush-hush", "abc=hush-hush-1"] {
        let encoded = BASE64_STANDARD.encode(text);
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let all = [text.to_owned(), encoded.clone(), hex.to_uppercase(), hex, "nothing".to_owned()];
        assert_eq!(leaks(&all).len(), 4, "{text} {encoded}");
    }
}
