//! What can go wrong at a service of AWS or on the way there: how it is played, and what a program sees of it.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value as Json, json};

use crate::{
    gate::Wire,
    http2::{
        CONTINUATION, DATA, END_HEADERS, FIRST, GOAWAY, HEADERS, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, RST_STREAM,
        SETTINGS, STATUS_103, STATUS_200, frame,
    },
};

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What, for people; it names the fault.
    pub what: &'static str,
    /// How it is played.
    pub wire: Wire,
    /// What a program sees behind the name of the call, with `…` for anything.
    pub sees: Cow<'static, str>,
    /// How it ends.
    pub ends: Ends,
}

impl Fault {
    /// Whether this is what a program sees, tried once or more often.
    pub fn is_seen(&self, what: &str) -> bool {
        [". …", ", tried … times in …. …"].iter().any(|rest| matches(&format!("{}{rest}", self.sees), what))
    }

    /// Whether a try ends by time alone.
    pub fn is_slow(&self) -> bool {
        matches!(self.wire, Wire::BytesAndSilence(_) | Wire::Slowly(_))
    }
}

/// Whether `text` is `pattern`, in which `…` stands for any text or for none.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).filter(|index| text.is_char_boundary(*index)).any(|index| matches(rest, &text[index..]))
}

/// How it ends, unless a number of tries is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The program gets its token: it is no fault to it.
    WithToken,
    /// It is tried once.
    AtOnce,
    /// It is tried again for so long.
    WithPatience(&'static str),
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithToken => f.write_str("once: it is no failure"),
            Self::AtOnce => f.write_str("once"),
            Self::WithPatience(time) => write!(f, "for {time}"),
        }
    }
}

/// It says no.
pub const NO: Ends = Ends::AtOnce;
/// Nothing is there.
pub const ABSENT: Ends = Ends::WithPatience("10 s");
/// It or the network is ill.
pub const FAULT: Ends = Ends::WithPatience("2 min");
/// It has too much to do.
pub const THROTTLED: Ends = Ends::WithPatience("10 min");

/// One of these.
pub fn fault(what: &'static str, ends: Ends, sees: impl Into<Cow<'static, str>>, wire: Wire) -> Fault {
    Fault { what, wire, sees: sees.into(), ends }
}

/// An answer of HTTP with these headers and this body, whose length is told.
pub fn answer(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Wire {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        head += &format!("{header}\r\n");
    }
    Wire::Bytes([format!("{head}\r\n").as_bytes(), body].concat())
}

/// What a program sees of a port where something else answers.
const NO_HTTP: &str = "… could not be reached: its answer cannot be read as HTTP (invalid HTTP version parsed)";

fn page(status: &str) -> Wire {
    answer(status, &["content-type: text/html"], "<html><body>not what you asked for</body></html>")
}

fn error(status: &str, code: &str, message: &str) -> Wire {
    answer(
        status,
        &["content-type: application/x-amz-json-1.1"],
        json!({"__type": code, "message": message}).to_string(),
    )
}

fn well(body: impl AsRef<[u8]>) -> Wire {
    answer("200 OK", &["content-type: application/x-amz-json-1.1"], body)
}

/// A body without an end, of one byte again and again.
pub fn endless(status: &str, byte: u8) -> Wire {
    Wire::Endless(format!("HTTP/1.1 {status}\r\n\r\n").into_bytes(), vec![byte; 1 << 16])
}

fn bytes(text: impl AsRef<[u8]>) -> Wire {
    Wire::Bytes(text.as_ref().to_vec())
}

/// An entry for the registry 123456789012, with one field replaced, which is another one's; `null` removes it.
fn entry(field: &str, value: Json) -> Json {
    let mut entry = json!({"authorizationToken": BASE64_STANDARD.encode("AWS:password"), "expiresAt": 4_102_444_800_u64,
        "proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"});
    match value {
        Json::Null => drop(entry.as_object_mut().expect("an object").remove(field)),
        value => entry[field] = value,
    }
    entry
}

fn token(field: &str, value: impl Into<Json>) -> Wire {
    well(json!({"authorizationData": [entry(field, value.into())]}).to_string())
}

/// What begins an answer of which so many bytes were told to come.
fn beginning(length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{{\"authorizationData\": [").into_bytes()
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// What breaks on the way.
pub fn connections() -> Vec<Fault> {
    let half = b"HTTP/1.1 200 OK\r\ncontent-le";
    vec![
        fault("the connection ends as soon as it is made", FAULT, "… could not be reached: …", Wire::End),
        fault("the connection is reset as soon as it is made", FAULT, "… could not be reached: …", Wire::Reset),
        fault(
            "the connection ends before an answer",
            FAULT,
            "… could not be reached: connection closed before message completed",
            bytes(""),
        ),
        fault(
            "the connection is reset before an answer",
            FAULT,
            "… could not be reached: …",
            Wire::BytesAndReset(Vec::new()),
        ),
        fault(
            "the connection ends in the head of the answer",
            FAULT,
            "… could not be reached: connection closed before message completed",
            bytes(half),
        ),
        fault(
            "the connection is reset in the head of the answer",
            FAULT,
            "… could not be reached: …",
            Wire::BytesAndReset(half.to_vec()),
        ),
        fault(
            "the connection ends in the body, of which more was told to come",
            FAULT,
            "… could not be reached: the connection broke off in the middle of the answer",
            Wire::Bytes(beginning(1000)),
        ),
        fault(
            "the connection is reset in the body",
            FAULT,
            "… could not be reached: …",
            Wire::BytesAndReset(beginning(1000)),
        ),
        fault(
            "a body in chunks ends without the last one",
            FAULT,
            "… could not be reached: the connection broke off in the middle of the answer",
            Wire::Bytes([CHUNKED, b"5\r\n{\"aut\r\n"].concat()),
        ),
        fault(
            "a chunk is no chunk",
            FAULT,
            "… could not be reached: the connection broke off in the middle of the answer",
            Wire::Bytes([CHUNKED, b"zz\r\n{}\r\n"].concat()),
        ),
        fault("no answer, ever", FAULT, "… did not answer in time", Wire::BytesAndSilence(Vec::new())),
        fault(
            "the head of the answer stops halfway",
            FAULT,
            "… did not answer in time",
            Wire::BytesAndSilence(half.to_vec()),
        ),
        fault("the body stops halfway", FAULT, "… did not answer in time", Wire::BytesAndSilence(beginning(1000))),
        fault("the answer comes a byte a second", FAULT, "… did not answer in time", Wire::Slowly(beginning(1000))),
        fault(
            "the body comes a byte a second",
            FAULT,
            "… did not answer in time",
            Wire::Slowly(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec()),
        ),
    ]
}

/// What breaks where the server speaks HTTP/2.
pub fn http2() -> Vec<Fault> {
    let settings = frame(SETTINGS, 0, 0, b"");
    let goes = |error: u32| frame(GOAWAY, 0, 0, &[[0; 4], error.to_be_bytes()].concat());
    let resets = |error: u32| frame(RST_STREAM, 0, FIRST, &error.to_be_bytes());
    let half = [frame(HEADERS, END_HEADERS, FIRST, STATUS_200), frame(DATA, 0, FIRST, b"{\"auth")].concat();
    let sends = |frames: &[u8]| [&settings, frames].concat();
    vec![
        fault("the connection ends before an answer", FAULT, "… could not be reached: …", Wire::Bytes(sends(b""))),
        fault("GOAWAY before an answer", FAULT, "… could not be reached: …", Wire::Bytes(sends(&goes(NO_ERROR)))),
        fault(
            "GOAWAY for an error, before an answer",
            FAULT,
            "… could not be reached: …",
            Wire::Bytes(sends(&goes(INTERNAL_ERROR))),
        ),
        fault("the request is reset", FAULT, "… could not be reached: …", Wire::Bytes(sends(&resets(INTERNAL_ERROR)))),
        fault(
            "the request is refused",
            FAULT,
            "… could not be reached: …",
            Wire::Bytes(sends(&resets(REFUSED_STREAM))),
        ),
        fault("the body breaks off with the connection", FAULT, "… could not be reached: …", Wire::Bytes(sends(&half))),
        fault(
            "the body breaks off by a reset",
            FAULT,
            "… could not be reached: …",
            Wire::Bytes(sends(&[&*half, &resets(INTERNAL_ERROR)].concat())),
        ),
        fault("another protocol", FAULT, "… could not be reached: …", bytes("HTTP/1.1 200 OK\r\n\r\n{}")),
        fault("no answer, ever", FAULT, "… did not answer in time", Wire::BytesAndSilence(sends(b""))),
        fault("the body stops halfway", FAULT, "… did not answer in time", Wire::BytesAndSilence(sends(&half))),
        fault(
            "headers without an end",
            FAULT,
            "… could not be reached: …",
            Wire::Endless(
                sends(&frame(HEADERS, 0, FIRST, STATUS_200)),
                frame(CONTINUATION, 0, FIRST, b"\0\x01a\x01b").repeat(1000),
            ),
        ),
        fault(
            "status 103 again and again",
            FAULT,
            "… did not answer in time",
            Wire::Endless(settings.clone(), frame(HEADERS, END_HEADERS, FIRST, STATUS_103).repeat(1000)),
        ),
    ]
}

/// What is no answer of AWS's, or one that is too much.
pub fn answers() -> Vec<Fault> {
    let long = format!("x-padding: {}", "0".repeat(600_000));
    let many = vec!["x-padding: 0"; 200];
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0];
    let redirect = |status: &str| answer(status, &["location: http://127.0.0.1:9/"], "");
    vec![
        fault("another protocol", ABSENT, NO_HTTP, bytes("SSH-2.0-OpenSSH_9.9\r\n")),
        fault("a mail server", ABSENT, NO_HTTP, bytes("220 mail ESMTP\r\n")),
        fault("TLS, where http was meant", ABSENT, NO_HTTP, bytes(b"\x15\x03\x01\0\x02\x02\x16")),
        fault("HTTP/2, where HTTP/1.1 was meant", ABSENT, NO_HTTP, bytes(b"\0\0\0\x04\0\0\0\0\0")),
        fault(
            "a status that is no number",
            ABSENT,
            "… could not be reached: its answer cannot be read as HTTP (invalid HTTP status-code parsed)",
            bytes("HTTP/1.1 OK\r\n\r\n"),
        ),
        fault(
            "two lengths that differ",
            ABSENT,
            "… could not be reached: its answer cannot be read as HTTP (invalid content-length parsed)",
            bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}"),
        ),
        fault(
            "a header of 600 kB",
            ABSENT,
            "… could not be reached: its answer cannot be read as HTTP (message head is too large)",
            answer("200 OK", &[&long], "{}"),
        ),
        fault(
            "200 headers",
            ABSENT,
            "… could not be reached: its answer cannot be read as HTTP (message head is too large)",
            answer("200 OK", &many, "{}"),
        ),
        fault(
            "headers without an end",
            ABSENT,
            "… could not be reached: its answer cannot be read as HTTP (message head is too large)",
            Wire::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-padding: 0\r\n".repeat(1000)),
        ),
        fault(
            "a length that is too short",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            bytes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"authorizationData\": []}"),
        ),
        fault(
            "status 100 and nothing behind it",
            FAULT,
            "… could not be reached: connection closed before message completed",
            bytes("HTTP/1.1 100 Continue\r\n\r\n"),
        ),
        fault(
            "status 100 again and again",
            NO,
            "the answer is none of AWS's: more than 100 with status 1xx came before it",
            Wire::Endless(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
        ),
        fault(
            "status 204 without a body",
            NO,
            "the answer has no authorization data",
            bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        ),
        fault("status 200 without a body", NO, "the answer has no authorization data", well("")),
        fault(
            "status 301, to elsewhere",
            NO,
            "the answer is none of AWS's: HTTP status 301",
            redirect("301 Moved Permanently"),
        ),
        fault("status 302, to elsewhere", NO, "the answer is none of AWS's: HTTP status 302", redirect("302 Found")),
        fault(
            "status 303, to elsewhere",
            NO,
            "the answer is none of AWS's: HTTP status 303",
            redirect("303 See Other"),
        ),
        fault(
            "status 307, to elsewhere",
            NO,
            "the answer is none of AWS's: HTTP status 307",
            redirect("307 Temporary Redirect"),
        ),
        fault(
            "status 308, to elsewhere",
            NO,
            "the answer is none of AWS's: HTTP status 308",
            redirect("308 Permanent Redirect"),
        ),
        fault("a page in place of an answer", NO, "the answer is none of AWS's: HTTP status 200", page("200 OK")),
        fault("a page with status 400", NO, "the answer is none of AWS's: HTTP status 400", page("400 Bad Request")),
        fault("a page with status 403", NO, "AWS denied access: HTTP status 403", page("403 Forbidden")),
        fault("a page with status 404", NO, "the answer is none of AWS's: HTTP status 404", page("404 Not Found")),
        fault(
            "a page with status 407",
            NO,
            "the answer is none of AWS's: HTTP status 407",
            page("407 Proxy Authentication Required"),
        ),
        fault(
            "a page with status 429",
            THROTTLED,
            "AWS throttled the call, which was tried …: HTTP status 429",
            page("429 Too Many Requests"),
        ),
        fault("a page with status 500", FAULT, "AWS failed: HTTP status 500", page("500 Internal Server Error")),
        fault("a page with status 501", NO, "AWS failed: HTTP status 501", page("501 Not Implemented")),
        fault("a page with status 502", FAULT, "AWS failed: HTTP status 502", page("502 Bad Gateway")),
        fault("a page with status 503", FAULT, "AWS failed: HTTP status 503", page("503 Service Unavailable")),
        fault("a page with status 504", FAULT, "AWS failed: HTTP status 504", page("504 Gateway Timeout")),
        fault("status 599, which nobody knows", FAULT, "AWS failed: HTTP status 599", page("599 What")),
        fault(
            "a compressed answer that nobody asked for",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            answer("200 OK", &["content-encoding: gzip"], gzip),
        ),
        fault(
            "bytes that are not UTF-8",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well(b"{\"authorizationData\": \"\xff\xfe\"}"),
        ),
        fault(
            "JSON that is cut short",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well("{\"authorizationData\": ["),
        ),
        fault(
            "JSON 100,000 levels deep",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well("[".repeat(100_000)),
        ),
        fault(
            "JSON 100,000 levels deep in a field that nobody knows",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well(format!("{{\"x\":{}", "[".repeat(100_000))),
        ),
        fault(
            "a body without an end",
            NO,
            "the answer is none of AWS's: it is longer than 8 MiB",
            endless("200 OK", b' '),
        ),
        fault(
            "a body of parts without an end",
            NO,
            "the answer is none of AWS's: it has more than 200000 parts, or 20000 objects",
            endless("200 OK", b'['),
        ),
        fault(
            "an error's body without an end",
            NO,
            "the answer is none of AWS's: it is longer than 8 MiB",
            endless("500 X", b' '),
        ),
    ]
}

/// An error of this code, with what it means to a program in front of what is said.
fn refusal(code: &'static str, ends: Ends, status: &str, means: &str) -> Fault {
    fault(code, ends, format!("{means}: said so ({code})"), error(status, code, "said so"))
}

/// What ECR says in place of a token.
pub fn refusals() -> Vec<Fault> {
    const BAD: &str = "400 Bad Request";
    let said = |code| error(BAD, code, "said so");
    let asks = |header| answer("503 Service Unavailable", &[header], "{}");
    vec![
        refusal("ServerException", FAULT, "500 X", "AWS failed"),
        refusal("InternalFailure", FAULT, "500 X", "AWS failed"),
        refusal("ServiceUnavailable", FAULT, "503 X", "AWS failed"),
        refusal("RequestTimeout", FAULT, BAD, "AWS failed"),
        refusal("InvalidParameterException", NO, BAD, "AWS refused a parameter"),
        refusal("ValidationError", NO, BAD, "AWS refused a parameter"),
        refusal("AccessDeniedException", NO, BAD, "AWS denied access"),
        refusal("OptInRequired", NO, BAD, "AWS denied access"),
        refusal("UnrecognizedClientException", NO, BAD, "AWS does not accept the credentials"),
        refusal("InvalidClientTokenId", NO, BAD, "AWS does not accept the credentials"),
        refusal("MissingAuthenticationToken", NO, BAD, "AWS does not accept the credentials"),
        refusal("IncompleteSignature", NO, BAD, "AWS does not accept the credentials"),
        refusal("InvalidSignatureException", NO, BAD, "AWS does not accept the credentials"),
        fault(
            "InvalidSignatureException, since a clock is wrong",
            NO,
            "AWS refused the request's time: Signature expired: now earlier (InvalidSignatureException)",
            error(BAD, "InvalidSignatureException", "Signature expired: now earlier"),
        ),
        refusal("RequestExpired", NO, BAD, "AWS refused the request's time"),
        refusal("ExpiredTokenException", NO, BAD, "the AWS credentials have expired"),
        fault(
            "MalformedQueryString, as any other code",
            NO,
            "AWS answered: said so (MalformedQueryString)",
            said("MalformedQueryString"),
        ),
        fault(
            "a code of another service's",
            NO,
            "AWS answered: said so (OtherException)",
            said("com.example#OtherException:http://example.com/"),
        ),
        fault(
            "an error without a code",
            NO,
            "the answer is none of AWS's: HTTP status 400",
            answer(BAD, &[], "{\"message\": \"said so\"}"),
        ),
        fault(
            "an error without a message",
            NO,
            "AWS denied access: AccessDeniedException",
            answer(BAD, &[], "{\"__type\": \"AccessDeniedException\"}"),
        ),
        fault(
            "an error whose message is a list",
            NO,
            "AWS answered: X",
            answer(BAD, &[], "{\"__type\": \"X\", \"message\": []}"),
        ),
        refusal("ThrottlingException", THROTTLED, BAD, "AWS throttled the call, which was tried …"),
        refusal("TooManyRequestsException", THROTTLED, BAD, "AWS throttled the call, which was tried …"),
        refusal("RequestLimitExceeded", THROTTLED, "503 X", "AWS throttled the call, which was tried …"),
        refusal("LimitExceededException", THROTTLED, BAD, "AWS throttled the call, which was tried …"),
        fault("status 503 that asks for a second", FAULT, "AWS failed: HTTP status 503", asks("retry-after: 1")),
        fault(
            "status 503 that asks for a wait until 1994",
            FAULT,
            "AWS failed: HTTP status 503",
            asks("retry-after: Sun, 06 Nov 1994 08:49:37 GMT"),
        ),
        fault(
            "status 503 that asks for nothing with a meaning",
            FAULT,
            "AWS failed: HTTP status 503",
            asks("retry-after: soon"),
        ),
        fault(
            "a code that nobody knows, with status 429",
            THROTTLED,
            "AWS throttled the call, which was tried …: said so (NewThrottlingException)",
            error("429 X", "NewThrottlingException", "said so"),
        ),
        fault(
            "status 503 that asks for less than nothing",
            FAULT,
            "AWS failed: HTTP status 503",
            asks("retry-after: -9223372036854775808"),
        ),
        fault(
            "status 503 of an age that no number holds",
            FAULT,
            "AWS failed: HTTP status 503",
            asks("age: 18446744073709551616"),
        ),
        fault(
            "status 503 of the year 9999",
            FAULT,
            "AWS failed: HTTP status 503",
            asks("date: Fri, 31 Dec 9999 23:59:59 GMT"),
        ),
        fault(
            "status 503 of the year 1",
            FAULT,
            "AWS failed: HTTP status 503",
            asks("date: Mon, 01 Jan 0001 00:00:00 GMT"),
        ),
    ]
}

/// Tokens that are none.
pub fn tokens() -> Vec<Fault> {
    const OTHER: &str = "https://999999999999.dkr.ecr.eu-west-1.amazonaws.com";
    let encoded = |text: &[u8]| BASE64_STANDARD.encode(text);
    let raw = |number: &str| {
        well(json!({"authorizationData": [entry("expiresAt", "here".into())]}).to_string().replace("\"here\"", number))
    };
    vec![
        fault("no data", NO, "the answer has no authorization data", well("{}")),
        fault("data that is `null`", NO, "the answer has no authorization data", well("{\"authorizationData\": null}")),
        fault(
            "data that is text",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well("{\"authorizationData\": \"none\"}"),
        ),
        fault(
            "data that is an object",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well("{\"authorizationData\": {}}"),
        ),
        fault("data without an entry", NO, "the answer has no authorization data", well("{\"authorizationData\": []}")),
        fault(
            "an entry that is `null`",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well("{\"authorizationData\": [null]}"),
        ),
        fault(
            "an entry that is a number",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            well("{\"authorizationData\": [7]}"),
        ),
        fault("an answer that is a list", NO, "the answer is none of AWS's: HTTP status 200", well("[]")),
        fault("no token", NO, "the answer has no authorization token", token("authorizationToken", Json::Null)),
        fault(
            "a token that is a number",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            token("authorizationToken", 7),
        ),
        fault(
            "an empty token",
            NO,
            "the answer has an authorization token that is not base64 of `userName:password`",
            token("authorizationToken", ""),
        ),
        fault(
            "a token that is not base64",
            NO,
            "the answer has an authorization token that is not base64 of text",
            token("authorizationToken", "%%%"),
        ),
        fault(
            "a token that is not UTF-8",
            NO,
            "the answer has an authorization token that is not base64 of text",
            token("authorizationToken", encoded(b"AWS:\xff\xfe")),
        ),
        fault(
            "a token without a colon",
            NO,
            "the answer has an authorization token that is not base64 of `userName:password`",
            token("authorizationToken", encoded(b"AWSpassword")),
        ),
        fault(
            "a token with two colons",
            NO,
            "the answer has an authorization token that is not base64 of `userName:password`",
            token("authorizationToken", encoded(b"A:B:C")),
        ),
        fault(
            "a token without a password",
            NO,
            "the answer has an authorization token that is not base64 of `userName:password`",
            token("authorizationToken", encoded(b"AWS:")),
        ),
        fault(
            "no time of expiry",
            NO,
            "the answer has no time at which the token expires",
            token("expiresAt", Json::Null),
        ),
        fault(
            "a time of expiry that is text",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            token("expiresAt", "later"),
        ),
        fault(
            "a time of expiry that is a list",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            token("expiresAt", json!([1])),
        ),
        fault("a time of expiry that is NaN", NO, "the answer is none of AWS's: HTTP status 200", raw("NaN")),
        fault("a time of expiry that is Infinity", NO, "the answer is none of AWS's: HTTP status 200", raw("Infinity")),
        fault("a time of expiry in 10³⁰⁰ seconds", NO, "the answer has a time of expiry that is no date", raw("1e300")),
        fault(
            "a time of expiry that no number holds",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            raw("1e999"),
        ),
        fault(
            "a time of expiry that is the highest number",
            NO,
            "the answer has a time of expiry that is no date",
            raw("9223372036854775807"),
        ),
        fault(
            "a time of expiry that is the lowest number",
            NO,
            "the answer has a time of expiry that is no date",
            raw("-9223372036854775808"),
        ),
        fault("no proxy endpoint", NO, "the answer has no proxy endpoint", token("proxyEndpoint", Json::Null)),
        fault("an empty proxy endpoint", NO, "the answer has no proxy endpoint", token("proxyEndpoint", "")),
        fault(
            "a proxy endpoint that is a number",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            token("proxyEndpoint", 7),
        ),
        fault(
            "a token for another registry than the one asked for",
            NO,
            "the answer has a token for another registry than the one that was asked for",
            token("proxyEndpoint", OTHER),
        ),
    ]
}

/// Answers that are odd, and tokens all the same.
pub fn oddities() -> Vec<Fault> {
    const GIVEN: Ends = Ends::WithToken;
    const SEES: &str = "the token";
    let own = || entry("", Json::from(1));
    let others = entry("proxyEndpoint", "https://999999999999.dkr.ecr.eu-west-1.amazonaws.com".into());
    let entries =
        |entries: Vec<Json>| well(json!({"authorizationData": entries, "unknown": {"to": ["us"]}}).to_string());
    let odd = ["date: Fri, 31 Dec 9999 23:59:59 GMT", "age: 18446744073709551615", "content-type: text/html"];
    let fine = json!({"authorizationData": [own()]}).to_string();
    vec![
        fault("entries of other registries in front of the one asked for", GIVEN, SEES, entries(vec![others, own()])),
        fault("the same entry a hundred times", GIVEN, SEES, entries(vec![own(); 100])),
        fault(
            "a token that is over, by the machine's clock",
            GIVEN,
            "the token, and a warning",
            token("expiresAt", 1_000_000_000),
        ),
        fault("a time of expiry before 1970", GIVEN, "the token, and a warning", token("expiresAt", -1)),
        fault("a time of expiry with a fraction", GIVEN, SEES, token("expiresAt", 4_102_444_800.5)),
        fault(
            "a proxy endpoint of another form, as emulators have",
            GIVEN,
            SEES,
            token("proxyEndpoint", "http://localhost:4510"),
        ),
        fault(
            "a date of the year 9999, an age of 585 billion years, another type",
            GIVEN,
            SEES,
            answer("200 OK", &odd, &fine),
        ),
        fault("status 201", GIVEN, SEES, answer("201 Created", &[], fine)),
    ]
}
