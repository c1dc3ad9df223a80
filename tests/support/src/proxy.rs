//! A proxy that records where it is asked to connect, and lets through nothing or all to one place on this machine.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::TcpStream,
};

use crate::listener::Listener;

/// A proxy on a port of 127.0.0.1, until it is dropped.
pub struct Proxy {
    listener: Listener,
    asked: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Proxy {
    /// Starts to listen on a free port, and refuses all.
    pub async fn start() -> io::Result<Self> {
        Self::refusing("403 Forbidden").await
    }

    /// Starts to listen on a free port, and answers all with this status.
    pub async fn refusing(status: &'static str) -> io::Result<Self> {
        Self::listen(Err(status)).await
    }

    /// Starts to listen on a free port, and connects to `to` whatever host it is asked for.
    pub async fn start_to(to: SocketAddr) -> io::Result<Self> {
        Self::listen(Ok(to)).await
    }

    async fn listen(to: Result<SocketAddr, &'static str>) -> io::Result<Self> {
        let asked = Arc::<Mutex<Vec<Vec<String>>>>::default();
        let record = asked.clone();
        let listener = Listener::start(move |stream| answer(stream, record.clone(), to)).await?;
        Ok(Self { listener, asked })
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The proxy's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The proxy's URL with a user's name and password.
    pub fn url_with(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.address())
    }

    /// The heads of the requests that arrived, line by line.
    pub fn heads(&self) -> Vec<Vec<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was asked for, once each, sorted: `host:port` of `CONNECT`, else the URL.
    pub fn targets(&self) -> Vec<String> {
        let mut targets: Vec<_> =
            self.heads().iter().filter_map(|head| head.first()?.split(' ').nth(1).map(str::to_owned)).collect();
        targets.sort();
        targets.dedup();
        targets
    }
}

async fn answer(mut stream: TcpStream, asked: Arc<Mutex<Vec<Vec<String>>>>, to: Result<SocketAddr, &'static str>) {
    let mut head = Vec::new();
    let mut lines = BufReader::new(&mut stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    // The client may have gone.
    let _ = match to {
        Ok(to) => tunnel(stream, to).await,
        Err(status) => {
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await
        }
    };
}

async fn tunnel(mut stream: TcpStream, to: SocketAddr) -> io::Result<()> {
    let mut target = TcpStream::connect(to).await?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut target).await.map(drop)
}
