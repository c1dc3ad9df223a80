//! A gate in front of a server: it lets through who comes, or plays a fault to them on order.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional},
    net::TcpStream,
    time::sleep,
};

use crate::{
    http2::{DATA, END_STREAM, HEAD, HEADERS},
    listener::Listener,
};

/// What a server does that is not well.
#[derive(Debug, Clone)]
pub enum Wire {
    /// Ends the connection as soon as it is made.
    End,
    /// The same without a goodbye.
    Reset,
    /// Takes the request, sends these bytes and ends the connection.
    Bytes(Vec<u8>),
    /// The same without a goodbye.
    BytesAndReset(Vec<u8>),
    /// Takes the request, sends these bytes, and nothing more, ever.
    BytesAndSilence(Vec<u8>),
    /// Takes the request, sends the first bytes, and then the others again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// Takes the request and sends these bytes, one a second.
    Slowly(Vec<u8>),
    /// Connects to another server.
    Elsewhere(SocketAddr),
}

#[derive(Default)]
struct State {
    fault: Option<Wire>,
    asked: usize,
}

/// A gate on a port of 127.0.0.1, until it is dropped.
pub struct Gate {
    listener: Listener,
    state: Arc<Mutex<State>>,
}

impl Gate {
    /// Lets through to `server`, one request a connection.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let listener = Listener::start(move |stream| {
            let state = shared.clone();
            // Whoever is on either side may go at any time.
            async move { drop(serve(stream, server, &state).await) }
        });
        Ok(Self { listener: listener.await?, state })
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The URL to call.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Plays this to whoever comes from now on; `None`: lets them through.
    pub fn play(&self, fault: Option<Wire>) {
        lock(&self.state).fault = fault;
    }

    /// How many came while a fault was played.
    pub fn asked(&self) -> usize {
        lock(&self.state).asked
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, server: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let fault = {
        let mut state = lock(state);
        state.asked += usize::from(state.fault.is_some());
        state.fault.clone()
    };
    match fault {
        None => pass(stream, server).await,
        Some(Wire::Elsewhere(server)) => {
            copy_bidirectional(&mut stream, &mut TcpStream::connect(server).await?).await.map(drop)
        }
        Some(Wire::End) => Ok(()),
        Some(Wire::Reset) => stream.set_zero_linger(),
        Some(Wire::Bytes(bytes)) => {
            request(&mut stream).await?;
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            // What is closed with something unread is reset, and what was sent may be lost.
            copy(&mut stream, &mut tokio::io::sink()).await.map(drop)
        }
        Some(Wire::BytesAndReset(bytes)) => {
            request(&mut stream).await?;
            stream.write_all(&bytes).await?;
            stream.set_zero_linger()
        }
        Some(Wire::BytesAndSilence(bytes)) => {
            request(&mut stream).await?;
            stream.write_all(&bytes).await?;
            std::future::pending().await
        }
        Some(Wire::Endless(bytes, again)) => {
            request(&mut stream).await?;
            stream.write_all(&bytes).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
        Some(Wire::Slowly(bytes)) => {
            request(&mut stream).await?;
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                sleep(Duration::from_secs(1)).await;
            }
            std::future::pending().await
        }
    }
}

/// The first byte of a connection with TLS.
const TLS: u8 = 0x16;

/// Lets one request through, or all of a connection that is not HTTP/1.
async fn pass(mut stream: TcpStream, server: SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let request = request(&mut stream).await?;
    let line = request.iter().position(|byte| *byte == b'\n').filter(|_| !is_tunnel(&request));
    let Some(line) = line else {
        server.write_all(&request).await?;
        return copy_bidirectional(&mut stream, &mut server).await.map(drop);
    };
    let (line, rest) = request.split_at(line + 1);
    server.write_all(&[line, b"connection: close\r\n", rest].concat()).await?;
    copy(&mut server, &mut stream).await?;
    stream.shutdown().await
}

fn is_tunnel(request: &[u8]) -> bool {
    request.first() == Some(&TLS) || request.starts_with(b"CONNECT ") || request.starts_with(PREFACE)
}

/// A request of HTTP, or the first bytes of a connection with TLS.
async fn request(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let is_whole = length(&bytes).is_some_and(|length| bytes.len() >= length);
        if is_whole || bytes.first() == Some(&TLS) {
            return Ok(bytes);
        }
    }
}

/// What a connection with HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long the first request of a connection with HTTP/2 is, with all before it, once it is there.
fn length_of_http2(bytes: &[u8]) -> Option<usize> {
    let mut length = PREFACE.len();
    loop {
        let head = bytes.get(length..length + HEAD)?;
        length += HEAD + u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        if [DATA, HEADERS].contains(&head[3]) && head[4] & END_STREAM != 0 {
            return Some(length);
        }
    }
}

/// How long a request is whose head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(PREFACE) || PREFACE.starts_with(bytes) {
        return length_of_http2(bytes);
    }
    const END: &[u8] = b"\r\n\r\n";
    let head = bytes.windows(END.len()).position(|window| window == END)?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(head + END.len() + body.unwrap_or(0))
}
