//! Ports of 127.0.0.1: one that serves each connection by a task of its own, and one at which nobody listens.

use std::{io, net::SocketAddr};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
};

/// It listens, and its connections are served, until it is dropped.
pub struct Listener {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Listener {
    /// Listens on a free port, and serves each connection by what `serve` makes of it.
    pub async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_at("127.0.0.1:0", serve).await
    }

    /// The same on this address.
    pub async fn start_at<F>(address: &str, serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind(address).await?, serve)
    }

    /// The same on a port that is bound.
    pub fn on<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, _tasks: tasks })
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A port at which nobody listens. It is taken, so that no server of another test comes there while someone still asks in
/// vain.
pub struct Vacant {
    socket: TcpSocket,
}

impl Vacant {
    /// A port that was free.
    pub fn take() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { socket })
    }

    /// `host:port`.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Somebody listens from now on.
    pub fn listen(self) -> io::Result<TcpListener> {
        self.socket.listen(8)
    }
}
