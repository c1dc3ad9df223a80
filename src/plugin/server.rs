//! Listening, and the plugin's life from the port line to its end.

use std::{
    future::Future,
    io::{self, Write},
    net::Ipv4Addr,
    time::Duration,
};

use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{Provider, Service, connections};
use crate::{proto::pulumirpc::resource_provider_server::ResourceProviderServer, system::Signals};

/// The engine's own limit for a message (`rpcutil.GrpcChannelOptions` of pulumi/pulumi).
const MAX_MESSAGE_BYTES: usize = 400 * 1024 * 1024;

/// How long calls may take to end after a signal. The engine kills the process 5 s after its SIGINT.
const GRACE: Duration = Duration::from_secs(2);

/// Binds a free port of 127.0.0.1 and prints it, which is all that ever goes to stdout.
///
/// # Errors
///
/// When the port cannot be bound or printed.
pub async fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", listener.local_addr()?.port())?;
    stdout.flush()?;
    Ok(listener)
}

/// Serves until a signal that ends it arrives or `engine_gone` is ready, then aborts the calls in flight
/// and ends within two seconds.
///
/// # Errors
///
/// When the server fails.
pub async fn serve<P: Provider>(
    listener: TcpListener,
    service: Service<P>,
    engine_gone: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut signals = Signals::listen()?;
    let calls = service.calls();
    let service = ResourceProviderServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let connections = connections::incoming(listener);
    let stop = CancellationToken::new();
    let server = Server::builder().serve_with_incoming_shutdown(service, connections, stop.clone().cancelled_owned());
    let mut server = std::pin::pin!(server);
    tokio::select! {
        result = &mut server => return result.map_err(io::Error::other),
        () = signals.recv() => {}
        () = engine_gone => {}
    }
    calls.cancel();
    stop.cancel();
    match timeout(GRACE, server).await {
        Ok(result) => result.map_err(io::Error::other),
        Err(_still_open) => Ok(()),
    }
}
