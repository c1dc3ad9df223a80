//! How much the plugin takes on at once: whoever calls it, by mistake or on purpose, costs a bounded amount of memory,
//! and large messages hold up no others.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use http::{HeaderValue, request::Parts};
use http_body::{Body, Frame, SizeHint};
use hyper::{Request, Response, body::Incoming, server::conn::http2};
use prost::bytes::Bytes;
use tokio::{sync::Semaphore, task::spawn_blocking};
use tonic::{Status, codegen::Service};

use super::{
    Calls,
    messages::{Message, Permit, Room, Share, closed},
    threads,
};
use crate::memory;

/// Connections. The engine needs one.
pub(super) const CONNECTIONS: usize = 64;

/// Calls of one connection, those that wait included: of so many connections, and of those that come while these are open.
/// Each may have an ordinary message that is not finished; a client keeps the calls that it has beyond. Every client begins with a hundred.
const STREAMS: u32 = 1000;
const WITH_MANY: usize = 4;
const FEWER_STREAMS: u32 = 100;

/// Calls of one connection, and of all, that are worked on or whose answer is not taken yet.
const CALLS_OF_CONNECTION: usize = 256;
const CALLS: usize = 1024;

/// What a stream, and a connection, may send ahead of being read: large messages that wait leave room for the others. Clients
/// send as much before they are told of any window.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;

/// How much of an answer leaves this place before the rest is asked for.
const PIECE: usize = 16 * 1024;

/// The call that ends others, so it never waits for them.
const CANCEL: &str = "/pulumirpc.ResourceProvider/Cancel";

/// How a message is compressed, which none may be.
const ENCODING: &str = "grpc-encoding";

/// No path of a call is longer, and no encoding that anybody has heard of.
const LONGEST: usize = 64;

/// What all connections share. Clones share one state.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    calls: Arc<Semaphore>,
    alone: Arc<Semaphore>,
    with_many: Arc<Semaphore>,
    in_flight: Calls,
}

impl Limits {
    /// Limits; what waits for them ends with the calls in flight.
    pub(super) fn new(in_flight: Calls) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { calls: semaphore(CALLS), alone: semaphore(1), with_many: semaphore(WITH_MANY), in_flight }
    }

    /// The limits of a new connection.
    pub(super) fn connection(&self) -> Arc<Connection> {
        Arc::new(Connection {
            process: self.clone(),
            calls: Arc::new(Semaphore::new(CALLS_OF_CONNECTION)),
            room: Room::new(self.alone.clone()),
            many: self.with_many.clone().try_acquire_owned().ok(),
        })
    }
}

/// What the calls of one connection share, and its share of all.
#[derive(Debug)]
pub(super) struct Connection {
    process: Limits,
    calls: Arc<Semaphore>,
    room: Room,
    many: Option<Permit>,
}

impl Connection {
    /// HTTP/2 as it is spoken here.
    pub(super) fn http<E>(&self, executor: E) -> http2::Builder<E>
    where
        E: Clone,
    {
        let streams = if self.many.is_some() { STREAMS } else { FEWER_STREAMS };
        let mut http = http2::Builder::new(executor);
        http.max_concurrent_streams(streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(PIECE);
        http
    }

    /// Answers a request by `service`, once there is room for it.
    pub(super) async fn serve<S>(
        self: Arc<Self>,
        service: S,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Infallible>
    where
        S: Service<Request<Message>, Response = Response<tonic::body::Body>, Error = Infallible>,
        S::Future: Send + 'static,
    {
        let answer = self.admit(service, request).await;
        Ok(answer.unwrap_or_else(|status| status.into_http().map(Answer::empty)))
    }

    async fn admit<S>(&self, mut service: S, request: Request<Incoming>) -> Result<Response<Answer>, Status>
    where
        S: Service<Request<Message>, Response = Response<tonic::body::Body>, Error = Infallible>,
        S::Future: Send + 'static,
    {
        let (head, body) = request.into_parts();
        let head = used(head)?;
        let (message, share) = self.room.read(body).await?;
        let calls = match head.uri().path() {
            CANCEL => None,
            _ => Some(self.process.in_flight.run(self.calls()).await??),
        };
        let call = memory::keeping(service.call(head.map(|()| message)));
        let ((result, kept), share) = match share {
            None => (call.await, None),
            Some(share) => begin_apart(call, share).await?,
        };
        let Ok(response) = result;
        Ok(response.map(|body| Answer { body, rest: Bytes::new(), _held: (share, calls, kept) }))
    }

    async fn calls(&self) -> Result<(Permit, Permit), Status> {
        let of_connection = self.calls.clone().acquire_owned().await.map_err(closed)?;
        let of_all = self.process.calls.clone().acquire_owned().await.map_err(closed)?;
        Ok((of_connection, of_all))
    }
}

/// What of a request's head has a meaning here. The rest may be long, and calls that wait would hold it.
fn used(head: Parts) -> Result<Request<()>, Status> {
    let unknown = || Status::unimplemented("this plugin has no such method");
    let path = Some(head.uri.path()).filter(|path| path.len() <= LONGEST).ok_or_else(unknown)?;
    let mut used = Request::new(());
    *used.uri_mut() = path.parse().map_err(|_| unknown())?;
    let encoding = head.headers.get(ENCODING).filter(|encoding| encoding.len() <= LONGEST);
    if let Some(encoding) = encoding.and_then(|encoding| HeaderValue::from_bytes(encoding.as_bytes()).ok()) {
        used.headers_mut().insert(ENCODING, encoding);
    }
    Ok(used)
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

/// The body of an answer. What the call took is held until all of it is taken.
pub(super) struct Answer {
    body: tonic::body::Body,
    rest: Bytes,
    _held: (Option<Share>, Option<(Permit, Permit)>, memory::Kept),
}

impl Answer {
    fn empty((): ()) -> Self {
        Self { body: tonic::body::Body::empty(), rest: Bytes::new(), _held: Default::default() }
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
