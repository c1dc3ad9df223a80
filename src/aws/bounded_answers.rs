//! A wall in front of the SDK: what servers answer is read here, within bounds, and of its headers only those pass that
//! the SDK needs, with values that they may have. The SDK holds all of an answer in memory, however long it is, and
//! calculates with dates and lives of tokens as if only AWS sent them.

use std::{
    error, fmt, io, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{DateTime, body::SdkBody, date_time::Format};
use http_body::Body;
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::memory::{ORDINARY, Reservation};

/// A page of a thousand images with many tags has about one MiB.
const MAX_BODY_MIB: usize = 8;

/// Objects, lists and their elements; the SDK makes far more bytes of each than it has in the answer, most of all of an
/// object.
const MAX_PARTS: usize = 200_000;
const MAX_OBJECTS: usize = 20_000;

/// One answer at a time that is longer than [`ORDINARY`] is understood, which takes many times its length.
static UNDERSTOOD: Semaphore = Semaphore::const_new(1);

/// What the answers take that are read for a list.
struct OfList {
    reservation: Reservation,
    /// How many bytes of the reservation are used by what was read before.
    kept: usize,
    /// The length of the last answer, in bytes.
    bytes: usize,
}

tokio::task_local! {
    static OF_LIST: Option<Arc<Mutex<OfList>>>;
}

/// What comes of the `calls` for a page, and the length of the last answer, in bytes: read within the list's reservation, of which
/// so many bytes are used already.
pub(super) async fn measured<T>(
    reservation: &mut Reservation,
    kept: usize,
    calls: impl Future<Output = T>,
) -> (T, usize) {
    let own = mem::replace(reservation, Reservation::transient());
    let of_list = Arc::new(Mutex::new(OfList { reservation: own, kept, bytes: 0 }));
    let result = OF_LIST.scope(Some(of_list.clone()), calls).await;
    let mut of_list = of_list.lock().await;
    mem::swap(reservation, &mut of_list.reservation);
    (result, of_list.bytes)
}

/// What comes of `calls` that are for no list, even if they are made on the way to one.
pub(super) async fn apart<T>(calls: impl Future<Output = T>) -> T {
    OF_LIST.scope(None, calls).await
}

/// How long a body may take where nothing else bounds it sooner.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Answers with a status of 1xx, which others are to follow.
const MAX_INTERIM: usize = 100;

/// Longer values of headers are none of AWS's.
const MAX_HEADER: usize = 1024;

/// The headers that the SDK reads.
const HEADERS: [&str; 11] = [
    "age",
    "content-type",
    "date",
    "retry-after",
    "x-amz-id-2",
    "x-amz-request-id",
    "x-amz-retry-after",
    "x-amzn-errortype",
    "x-amzn-query-error",
    "x-amzn-requestid",
    TOKEN_LIFE,
];

/// How long a token of the instance metadata service lives, in seconds: six hours at most.
const TOKEN_LIFE: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const MAX_TOKEN_LIFE: u64 = 21_600;

/// Seconds for which an answer may have been kept on its way: a day.
const MAX_AGE: u64 = 86_400;

/// Why an answer that arrived does not pass.
#[derive(Debug)]
pub(super) enum Refused {
    /// It is longer than any of AWS's.
    Long,
    /// It has more parts than any of AWS's.
    ManyParts,
    /// It begins again and again.
    ManyInterim,
    /// It ended before all of it was there.
    BrokenOff(Box<dyn error::Error + Send + Sync>),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long => write!(f, "it is longer than {MAX_BODY_MIB} MiB"),
            Self::ManyParts => write!(f, "it has more than {MAX_PARTS} parts, or {MAX_OBJECTS} objects"),
            Self::ManyInterim => write!(f, "more than {MAX_INTERIM} with status 1xx came before it"),
            Self::BrokenOff(_) => f.write_str("the connection broke off in the middle of the answer"),
        }
    }
}

impl error::Error for Refused {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Long | Self::ManyParts | Self::ManyInterim => None,
            Self::BrokenOff(source) => Some(&**source),
        }
    }
}

/// The request, and what is cancelled when too many interim answers come to it. By HTTP/1 alone: its connections do nothing else
/// while there are more.
///
/// # Errors
///
/// When it is no request.
pub(super) fn count_interim(request: HttpRequest) -> Result<(HttpRequest, CancellationToken), ConnectorError> {
    let mut request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (too_many, count) = (CancellationToken::new(), AtomicUsize::new(0));
    let cancelled = too_many.clone();
    hyper::ext::on_informational(&mut request, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == MAX_INTERIM {
            cancelled.cancel();
        }
    });
    let request = HttpRequest::try_from(request).map_err(|error| ConnectorError::user(error.into()))?;
    Ok((request, too_many))
}

/// The answer as the SDK may see it.
///
/// # Errors
///
/// [`Refused`]; those that could be otherwise the next time may be tried again. A timeout of the body.
pub(super) async fn pass(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let (body, turn) = match timeout(BODY_TIMEOUT, read(response.take_body())).await {
        Ok(Ok(read)) => read,
        Ok(Err(broken @ Refused::BrokenOff(_))) => return Err(ConnectorError::io(broken.into())),
        Ok(Err(refused)) => return Err(ConnectorError::user(refused.into())),
        Err(elapsed) => return Err(ConnectorError::timeout(elapsed.into())),
    };
    if response.status().is_success() && is_half_of_xml(&body) {
        let broken = Refused::BrokenOff(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        return Err(ConnectorError::io(broken.into()));
    }
    let mut passed = HttpResponse::new(response.status(), SdkBody::from(body));
    // The turn ends with the answer, which is when the SDK has understood it.
    passed.add_extension(Arc::new(turn));
    for name in HEADERS {
        if let Some(value) = response.headers().get(name).filter(|value| is_good(name, value)) {
            passed.headers_mut().insert(name, value.to_owned());
        }
    }
    Ok(passed)
}

async fn read(body: SdkBody) -> Result<(Vec<u8>, Turn), Refused> {
    let mut turn = Turn { understood: None, reservation: Reservation::transient() };
    let (blocks, length) = match OF_LIST.try_with(Option::clone).ok().flatten() {
        None => read_within(&mut turn.reservation, body).await?,
        Some(of_list) => {
            let mut of_list = of_list.lock().await;
            let kept = of_list.kept;
            of_list.reservation.rewind(kept);
            let (blocks, length) = read_within(&mut of_list.reservation, body).await?;
            of_list.bytes = length;
            (blocks, length)
        }
    };
    if length > ORDINARY {
        // Nothing closes the semaphore.
        turn.understood = UNDERSTOOD.acquire().await.ok();
    }
    Ok((blocks.concat(), turn))
}

/// A body in blocks, and its length, in bytes.
async fn read_within(reservation: &mut Reservation, mut body: SdkBody) -> Result<(Vec<Vec<u8>>, usize), Refused> {
    let (mut blocks, mut length) = (Vec::new(), 0);
    let (mut parts, mut objects) = (0, 0);
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.map_err(Refused::BrokenOff)?.into_data() else { continue };
        length += data.len();
        parts += data.iter().filter(|byte| b"{[,<=".contains(byte)).count();
        objects += data.iter().filter(|byte| **byte == b'{').count();
        if length > MAX_BODY_MIB << 20 {
            return Err(Refused::Long);
        }
        if parts > MAX_PARTS || objects > MAX_OBJECTS {
            return Err(Refused::ManyParts);
        }
        if length > ORDINARY {
            reservation.take(data.len()).await;
        }
        add(&mut blocks, &data);
    }
    Ok((blocks, length))
}

/// Adds to blocks, each as long as an ordinary answer: what grows in one piece takes up to three times its length.
fn add(blocks: &mut Vec<Vec<u8>>, mut data: &[u8]) {
    while !data.is_empty() {
        match blocks.last_mut().filter(|block| block.len() < ORDINARY) {
            Some(block) => {
                let (start, rest) = data.split_at(data.len().min(ORDINARY - block.len()));
                block.extend_from_slice(start);
                data = rest;
            }
            None => blocks.push(Vec::new()),
        }
    }
}

/// What a long answer takes of what all of them share.
#[derive(Debug)]
struct Turn {
    understood: Option<SemaphorePermit<'static>>,
    reservation: Reservation,
}

/// Whether an answer of AWS STS does not end. The SDK takes what it has read until then: keys without their session token, or
/// with a part of it.
fn is_half_of_xml(body: &[u8]) -> bool {
    // Most answers are JSON, of which nothing else is looked at.
    if body.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    let text = String::from_utf8_lossy(body);
    let mut text = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(rest) = text.strip_prefix("<?").or_else(|| text.strip_prefix("<!")) {
        let Some((_, rest)) = rest.split_once('>') else { return false };
        text = rest.trim_start();
    }
    let Some(element) = text.strip_prefix('<') else { return false };
    let Some((start, rest)) = element.split_once('>') else { return false };
    let name = start.split(|char: char| char.is_whitespace() || char == '/').next().unwrap_or_default();
    name.ends_with("Response") && !start.ends_with('/') && !rest.contains(&format!("</{name}>"))
}

fn is_good(name: &str, value: &str) -> bool {
    let has_form = value.len() <= MAX_HEADER && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    has_form
        && match name {
            "date" => is_date(value),
            TOKEN_LIFE => is_at_most(value, MAX_TOKEN_LIFE),
            "age" => is_at_most(value, MAX_AGE),
            _ => true,
        }
}

/// Whether this is a number without a sign, and no greater.
fn is_at_most(value: &str, most: u64) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse().is_ok_and(|number: u64| number <= most)
}

/// Whether a clock may show this date, if a wrong one: between the years 2000 and 2200.
fn is_date(value: &str) -> bool {
    let date = DateTime::from_str(value, Format::HttpDate);
    date.is_ok_and(|date| (946_684_800..7_258_118_400).contains(&date.secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_ends_with_the_element_that_it_begins_with() {
        for whole in [
            "{}",
            "",
            "<html><p>other servers write no XML",
            "<?xml",
            "<AResp",
            "<AResponse/>",
            "<AResponse>b</AResponse>",
            "<?xml version=\"1.0\"?>\n<AResponse xmlns=\"x\"><b/></AResponse> ",
            "<AResponse>b</AResponse> text",
        ] {
            assert!(!is_half_of_xml(whole.as_bytes()), "{whole}");
        }
        for half in ["<AResponse>", "<AResponse><b>c</b>", "<AResponse>b</AResp"] {
            assert!(is_half_of_xml(half.as_bytes()), "{half}");
        }
    }

    #[test]
    fn headers_have_values_that_can_be_calculated_with() {
        for (name, value) in [
            ("date", "Thu, 26 Nov 2026 00:00:00 GMT"),
            ("date", "Sat, 01 Jan 2000 00:00:00 GMT"),
            (TOKEN_LIFE, "21600"),
            ("age", "0"),
            ("x-amzn-errortype", "AccessDeniedException:http://internal.amazon.com/"),
        ] {
            assert!(is_good(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("date", "Fri, 31 Dec 9999 23:59:59 GMT"),
            ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("date", "soon"),
            (TOKEN_LIFE, "9223372036854775807"),
            (TOKEN_LIFE, "-1"),
            (TOKEN_LIFE, "+1"),
            ("age", "18446744073709551616"),
            ("x-amzn-errortype", "caf\u{e9}"),
            ("x-amzn-errortype", "\u{1b}[2J"),
            ("x-amzn-requestid", &"0".repeat(MAX_HEADER + 1)),
        ] {
            assert!(!is_good(name, value), "{name}: {value}");
        }
    }
}
