//! A proxy that takes every host for one of AWS and records what it is told.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use support::listener::Listener;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

use crate::services::basic;

/// A proxy on a port of 127.0.0.1, until it is dropped.
pub(crate) struct Proxy {
    listener: Listener,
    heads: Arc<Mutex<Vec<String>>>,
}

/// Where connections lead: without `CONNECT` and with it.
#[derive(Clone, Copy)]
struct Targets {
    plain: SocketAddr,
    tunnel: SocketAddr,
}

impl Proxy {
    pub(crate) async fn start(plain: SocketAddr, tunnel: SocketAddr) -> io::Result<Self> {
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let shared = heads.clone();
        let listener = Listener::start(move |stream| {
            let record = shared.clone();
            // The client may go at any time.
            async move { drop(serve(stream, &record, Targets { plain, tunnel }).await) }
        });
        Ok(Self { listener: listener.await?, heads })
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// What it was told in order to connect, a line each.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: TcpStream, record: &Mutex<Vec<String>>, to: Targets) -> io::Result<()> {
    let mut head = vec![stream.read_u8().await?];
    if head == [SOCKS] {
        let host = socks(&mut stream).await?;
        record.lock().unwrap_or_else(PoisonError::into_inner).push(format!("proxy: to {host} by SOCKS"));
        let mut target = TcpStream::connect(to.tunnel).await?;
        return copy_bidirectional(&mut stream, &mut target).await.map(drop);
    }
    if head == [TLS] {
        return Ok(());
    }
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut target = match text.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) {
        Some(host) => {
            let told = text.lines().filter_map(|line| line.split_once(": "));
            let told = told.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
            let told = told.map(|(_, value)| basic(value)).collect::<String>();
            record.lock().unwrap_or_else(PoisonError::into_inner).push(format!("proxy: to {host} as {told:?}"));
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            TcpStream::connect(to.tunnel).await?
        }
        // The server records the rest.
        None => {
            let mut target = TcpStream::connect(to.plain).await?;
            target.write_all(&head).await?;
            target
        }
    };
    copy_bidirectional(&mut stream, &mut target).await.map(drop)
}

/// What a client begins with that wants to speak TLS to the proxy, which does not.
const TLS: u8 = 0x16;
/// What a client of SOCKS 5 begins with.
const SOCKS: u8 = 5;

/// Lets a client of SOCKS in, whoever it is, and reads which host it asks for.
async fn socks(stream: &mut TcpStream) -> io::Result<String> {
    let methods = stream.read_u8().await?;
    stream.read_exact(&mut vec![0; methods.into()]).await?;
    stream.write_all(&[SOCKS, 0]).await?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let length = if request[3] == 3 { stream.read_u8().await? } else { 4 };
    let mut host = vec![0; length.into()];
    stream.read_exact(&mut host).await?;
    let port = stream.read_u16().await?;
    stream.write_all(&[SOCKS, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("{}:{port}", String::from_utf8_lossy(&host)))
}
