//! How much the plugin takes on at once: whoever calls it, by mistake or on purpose, costs a bounded amount of memory,
//! and large messages hold up no others.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use hyper::{Request, Response, body::Incoming, server::conn::http2};
use prost::bytes::{Bytes, BytesMut};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};
use tonic::{Status, codegen::Service};

use super::{Calls, decoded_size, threads};

/// The engine's own limit for a message (`rpcutil.GrpcChannelOptions` of pulumi/pulumi).
pub(super) const MAX_MESSAGE_BYTES: usize = 400 * 1024 * 1024;

/// Connections. The engine needs one.
pub(super) const CONNECTIONS: usize = 64;

/// Calls of one connection, those that wait included.
const STREAMS: u32 = 1000;

/// Calls of one connection, and of all, that are worked on or whose answer is not taken yet.
const CALLS_OF_CONNECTION: usize = 256;
const CALLS: usize = 1024;

/// Up to here a message is an ordinary one. What is longer shares [`MAX_MESSAGE_BYTES`] with all others of its kind.
const ORDINARY_BYTES: usize = 16 * 1024;

/// Messages that wait for their share. What they sent already is not read.
const WAITING: usize = 4;

/// How long a message may take to arrive, its wait included.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a stream, and a connection, may send ahead of being read: those that wait leave room for the others.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// How much of an answer leaves this place before the rest is asked for.
const PIECE: usize = 16 * 1024;

/// The call that ends others, so it never waits for them.
const CANCEL: &str = "/pulumirpc.ResourceProvider/Cancel";

/// The bytes in front of a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// What all connections share. Clones share one state.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    calls: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    in_flight: Calls,
}

impl Limits {
    /// Limits; what waits for them ends with the calls in flight.
    pub(super) fn new(in_flight: Calls) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let (calls, bytes, waiting) = (semaphore(CALLS), semaphore(MAX_MESSAGE_BYTES), semaphore(WAITING));
        Self { calls, bytes, waiting, in_flight }
    }

    /// The limits of a new connection.
    pub(super) fn connection(&self) -> Connection {
        Connection { process: self.clone(), calls: Arc::new(Semaphore::new(CALLS_OF_CONNECTION)) }
    }
}

/// HTTP/2 as it is spoken here.
pub(super) fn http<E>(executor: E) -> http2::Builder<E>
where
    E: Clone,
{
    let mut http = http2::Builder::new(executor);
    http.max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(PIECE);
    http
}

/// What the calls of one connection share, and its share of all.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    process: Limits,
    calls: Arc<Semaphore>,
}

impl Connection {
    /// Answers a request by `service`, once there is room for it.
    pub(super) async fn serve<S>(self, service: S, request: Request<Incoming>) -> Result<Response<Answer>, Infallible>
    where
        S: Service<Request<Message>, Response = Response<tonic::body::Body>, Error = Infallible>,
        S::Future: Send + 'static,
    {
        let answer = self.admit(service, request).await;
        Ok(answer.unwrap_or_else(|status| status.into_http().map(Answer::empty)))
    }

    async fn admit<S>(self, mut service: S, request: Request<Incoming>) -> Result<Response<Answer>, Status>
    where
        S: Service<Request<Message>, Response = Response<tonic::body::Body>, Error = Infallible>,
        S::Future: Send + 'static,
    {
        let (head, body) = request.into_parts();
        let late = || Status::deadline_exceeded(format!("a message did not arrive in {} seconds", PATIENCE.as_secs()));
        let (message, share) = timeout(PATIENCE, self.read(body)).await.unwrap_or_else(|_| Err(late()))?;
        let calls = match head.uri.path() {
            CANCEL => None,
            _ => Some(self.process.in_flight.run(self.calls()).await??),
        };
        let call = service.call(Request::from_parts(head, Message(message)));
        let (result, share) = match share {
            None => (call.await, None),
            Some(share) => begin_apart(call, share).await?,
        };
        let Ok(response) = result;
        Ok(response.map(|body| Answer { body, rest: Bytes::new(), _held: (share, calls) }))
    }

    /// Reads the one message of a request, with its prefix, and takes its share of the bytes.
    async fn read(&self, mut body: Incoming) -> Result<(Option<Bytes>, Option<Share>), Status> {
        let (mut message, mut length, mut share) = (BytesMut::new(), None, None);
        while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let frame = frame.map_err(|error| Status::cancelled(format!("the request broke off: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            message.extend_from_slice(&data);
            if length.is_none() && message.len() >= PREFIX {
                let announced = announced(&message);
                share = self.share(announced).await?;
                message.reserve((PREFIX + announced).saturating_sub(message.len()));
                length = Some(announced);
            }
            if length.is_some_and(|length| message.len() > PREFIX + length) {
                return Err(Status::internal("a request has one message"));
            }
        }
        if share.is_some() {
            decoded_size::check(&message[PREFIX..])?;
        }
        Ok(((!message.is_empty()).then(|| message.freeze()), share))
    }

    /// The share of a message of this length; none if it is an ordinary one.
    async fn share(&self, length: usize) -> Result<Option<Share>, Status> {
        if length <= ORDINARY_BYTES {
            return Ok(None);
        }
        let too_long =
            || Status::out_of_range(format!("a message has {length} bytes; {MAX_MESSAGE_BYTES} are the most"));
        let permits = u32::try_from(length).ok().filter(|_| length <= MAX_MESSAGE_BYTES).ok_or_else(too_long)?;
        if let Ok(share) = self.process.bytes.clone().try_acquire_many_owned(permits) {
            return Ok(Some(share));
        }
        let Ok(_waiting) = self.process.waiting.try_acquire() else {
            return Err(Status::resource_exhausted(
                "this plugin holds other large messages, and more wait; call again when they are answered",
            ));
        };
        self.process.bytes.clone().acquire_many_owned(permits).await.map(Some).map_err(closed)
    }

    async fn calls(&self) -> Result<(Share, Share), Status> {
        let of_connection = self.calls.clone().acquire_owned().await.map_err(closed)?;
        let of_all = self.process.calls.clone().acquire_owned().await.map_err(closed)?;
        Ok((of_connection, of_all))
    }
}

/// A part of what is limited, given back when it is dropped.
type Share = OwnedSemaphorePermit;

/// The length that the prefix of a message tells.
fn announced(message: &[u8]) -> usize {
    message[1..PREFIX].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
}

fn closed(error: tokio::sync::AcquireError) -> Status {
    Status::unavailable(error.to_string())
}

/// Begins a call on a thread of its own, where its large message is decoded: other calls go on meanwhile.
async fn begin_apart<F>(call: F, share: Share) -> Result<(F::Output, Option<Share>), Status>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut call = Box::pin(call);
    if threads::ready().is_err() {
        return Ok((call.await, Some(share)));
    }
    // A call whose caller is gone is still decoded to its end, and holds its share as long.
    let begun = spawn_blocking(move || {
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        (call, polled, share)
    });
    let (call, polled, share) = begun.await.map_err(|_| Status::unknown("a large message could not be decoded"))?;
    match polled {
        Poll::Ready(output) => Ok((output, Some(share))),
        Poll::Pending => Ok((call.await, Some(share))),
    }
}

/// The body of a request that arrived: a message, if there is one.
pub(super) struct Message(Option<Bytes>);

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|message| Ok(Frame::data(message))))
    }
}

/// The body of an answer. What the call took is held until all of it is taken.
pub(super) struct Answer {
    body: tonic::body::Body,
    rest: Bytes,
    _held: (Option<Share>, Option<(Share, Share)>),
}

impl Answer {
    fn empty((): ()) -> Self {
        Self { body: tonic::body::Body::empty(), rest: Bytes::new(), _held: (None, None) }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    /// In pieces: what is below this place would take all of it and not tell when it has gone.
    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let body = pin!(&mut self.body);
            match ready!(body.poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(piece);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
