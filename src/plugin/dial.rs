//! Connections that tell when they close, also while nothing is sent: the end of a process closes them at once. Whoever else
//! listens there then is sent nothing.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::{net::TcpStream, sync::Notify};
use tonic::codegen::{Service, StdError, http::Uri};

use super::{connections::Verdict, peer::Peers};

/// Makes connections to this process's own user and root. `closed` is told of the end of each.
#[derive(Clone)]
pub(super) struct Dialer {
    connector: HttpConnector,
    peers: Peers,
    closed: Arc<Notify>,
    /// What is said of the engine's log would be a line for it, and so a reason to dial.
    has_warned: Arc<AtomicBool>,
}

impl Dialer {
    pub(super) fn new(connect_timeout: Duration, keepalive: Duration, peers: Peers, closed: Arc<Notify>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect_timeout));
        connector.set_keepalive(Some(keepalive));
        Self { connector, peers, closed, has_warned: Arc::default() }
    }

    /// Whether something may be sent: by the rule for those who connect.
    async fn check(&self, stream: &TcpStream) -> Result<(), StdError> {
        let problem = match self.peers.who_answers(stream).await {
            Ok(Verdict::Own | Verdict::Unknown) => return Ok(()),
            Ok(Verdict::Gone) => return Err("whoever listened there is gone".into()),
            Ok(Verdict::Other { user, .. }) => format!("another user of this machine (id {user}) listens there"),
            Err(error) => format!("the system cannot tell for now which user listens there: {error}"),
        };
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            log::warn!("this plugin sends nothing to the address of its engine: {problem}");
        }
        Err(problem.into())
    }
}

impl Service<Uri> for Dialer {
    type Response = Connection;
    type Error = StdError;
    type Future = BoxFuture<'static, Result<Connection, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connect, dialer) = (self.connector.call(uri), self.clone());
        let connection = async move {
            let stream = connect.await?;
            dialer.check(stream.inner()).await?;
            Ok(Connection { stream, closed: dialer.closed })
        };
        connection.boxed()
    }
}

/// A connection. The HTTP/2 library drops it when the other end closes it.
pub(super) struct Connection {
    stream: TokioIo<TcpStream>,
    closed: Arc<Notify>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.closed.notify_one();
    }
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
