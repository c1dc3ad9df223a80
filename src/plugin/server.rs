//! Listening, and the plugin's life from the port line to its end.

use std::{
    future::Future,
    io::{self, Write},
    net::Ipv4Addr,
    pin::pin,
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Provider, Service, connections::Door, limits::Limits, messages::MAX_MESSAGE_BYTES};
use crate::{proto::pulumirpc::resource_provider_server::ResourceProviderServer, system::Signals};

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
/// When the signals cannot be waited for.
pub async fn serve<P: Provider>(
    listener: TcpListener,
    service: Service<P>,
    engine_gone: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut signals = Signals::listen()?;
    let calls = service.calls();
    let (limits, door) = (Limits::new(calls.clone()), Door::new(listener, service.peers()));
    let service = ResourceProviderServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let (stop, mut open) = (CancellationToken::new(), JoinSet::new());
    tokio::select! {
        () = accept(door, service, &limits, &stop, &mut open) => {}
        () = signals.recv() => {}
        () = engine_gone => {}
    }
    calls.cancel();
    stop.cancel();
    let _still_open = timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Serves every connection that comes in.
async fn accept<P: Provider>(
    mut door: Door,
    service: ResourceProviderServer<Service<P>>,
    limits: &Limits,
    stop: &CancellationToken,
    open: &mut JoinSet<()>,
) {
    loop {
        let (stream, place) = forgetting_ended(open, door.next()).await;
        let (connection, service, stop) = (limits.connection(), service.clone(), stop.clone());
        let http = connection.http(TokioExecutor::new());
        let service = service_fn(move |request| connection.clone().serve(service.clone(), request));
        open.spawn(async move {
            let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
            let stopped = tokio::select! {
                _ended = connection.as_mut() => false,
                () = stop.cancelled() => true,
            };
            if stopped {
                connection.as_mut().graceful_shutdown();
                let _ended = connection.await;
            }
            drop(place);
        });
    }
}

/// The result of `next`; connections that end until then are forgotten.
async fn forgetting_ended<T>(open: &mut JoinSet<()>, next: impl Future<Output = T>) -> T {
    let mut next = pin!(next);
    loop {
        tokio::select! {
            result = next.as_mut() => return result,
            Some(_ended) = open.join_next() => {}
        }
    }
}
