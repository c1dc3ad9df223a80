//! An HTTP server on a port of 127.0.0.1 that records what it is asked and answers as it is told.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{Request, Response, body::Bytes, body::Frame, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::net::TcpStream;
use tokio_stream::StreamExt;

use crate::{
    listener::Listener,
    signature::{Authorization, Signature},
};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

impl Asked {
    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// A field of the body, which is an HTML form; empty if it is not there.
    pub fn field(&self, name: &str) -> String {
        let fields = self.body.split('&').filter_map(|field| field.split_once('='));
        fields.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).collect()
    }

    /// The access key id in the signature's credential scope; empty without a signature.
    pub fn access_key(&self) -> &str {
        self.authorization().map_or("", |signed| signed.access_key)
    }

    /// The Region in the signature's credential scope; empty without a signature.
    pub fn region(&self) -> &str {
        self.authorization().map_or("", |signed| signed.region)
    }

    /// Whether it is signed with this secret access key.
    pub fn is_signed_with(&self, secret_key: &str) -> bool {
        let header = |name: &str| self.headers.get(name).map(String::as_str);
        let signature = Signature::read(&self.method, &self.path, header, self.body.as_bytes());
        signature.is_some_and(|signature| signature.is_of(secret_key))
    }

    fn authorization(&self) -> Option<Authorization<'_>> {
        Authorization::read(self.header("authorization"))
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or_default() as u8;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()) * 16 + hex(rest.next()),
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a request is answered with.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status and a body.
    Body(u16, String),
    /// The same, with a header.
    WithHeader(u16, String, (&'static str, &'static str)),
    /// A status and the first half of a body, and then nothing, ever.
    Half(u16, String),
    /// A status, a body of any bytes, and headers.
    Bytes(u16, Vec<u8>, Vec<(&'static str, &'static str)>),
    /// A status and a body that repeats this without an end.
    Endless(u16, &'static str),
    /// Nothing, ever.
    Never,
}

/// The bytes of a part of a body without an end.
const ENDLESS_PART: usize = 64 * 1024;

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

struct State {
    handler: Box<Handler>,
    next: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
}

/// A server that runs until it is dropped.
pub struct Server {
    listener: Listener,
    state: Arc<State>,
}

impl Server {
    /// Answers requests by `handler`.
    pub async fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        Self::start_at("127.0.0.1:0", handler).await
    }

    /// The same on this address.
    pub async fn start_at(
        address: &str,
        handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let state = Arc::new(State { handler: Box::new(handler), next: Mutex::default(), asked: Mutex::default() });
        let shared = state.clone();
        let listener = Listener::start_at(address, move |stream| serve(stream, shared.clone())).await?;
        Ok(Self { listener, state })
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Answers the next `number` requests so, and those after them by the handler.
    pub fn answer_next(&self, number: usize, reply: Reply) {
        lock(&self.state.next).extend(std::iter::repeat_n(reply, number));
    }

    /// The requests that arrived, in order.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state.asked).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| handle(request, state.clone()));
    // The client may go at any time.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(request: Request<Incoming>, state: Arc<State>) -> hyper::Result<Response<BoxBody<Bytes, io::Error>>> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
    };
    lock(&state.asked).push(asked.clone());
    let next = lock(&state.next).pop_front();
    let (status, body, headers) = match next.unwrap_or_else(|| (state.handler)(&asked)) {
        Reply::Body(status, body) => (status, body.into(), Vec::new()),
        Reply::WithHeader(status, body, header) => (status, body.into(), vec![header]),
        Reply::Bytes(status, body, headers) => (status, body, headers),
        Reply::Endless(status, part) => {
            let part = Bytes::from(part.repeat(ENDLESS_PART / part.len()));
            let parts = tokio_stream::iter(std::iter::repeat_with(move || Ok(Frame::data(part.clone()))));
            return Ok(with_status(status, BodyExt::boxed(StreamBody::new(parts))));
        }
        Reply::Half(status, body) => {
            let half = Bytes::from(body[..body.len() / 2].to_owned());
            let body = tokio_stream::once(Ok(Frame::data(half))).chain(tokio_stream::pending());
            return Ok(with_status(status, BodyExt::boxed(StreamBody::new(body))));
        }
        Reply::Never => std::future::pending().await,
    };
    let mut response = with_status(status, Full::from(body).map_err(|never| match never {}).boxed());
    for (name, value) in headers {
        response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
    }
    Ok(response)
}

fn with_status(status: u16, body: BoxBody<Bytes, io::Error>) -> Response<BoxBody<Bytes, io::Error>> {
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
    response
}
