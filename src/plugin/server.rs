//! Listening, and the plugin's life from the port line to its end.

use std::{
    future::Future,
    io::{self, Write},
    net::Ipv4Addr,
    time::Duration,
};

use futures_util::future::select_all;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{Provider, Service, connections};
use crate::proto::pulumirpc::resource_provider_server::ResourceProviderServer;

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

/// The signals that end the plugin. By default some would end it without its children.
struct Signals {
    ending: Vec<Signal>,
    _write_to_full_file: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit(), SignalKind::hangup()];
        let kinds = kinds.into_iter().filter(|kind| *kind != SignalKind::hangup() || !outlives_terminal());
        Ok(Self {
            ending: kinds.map(signal).collect::<io::Result<_>>()?,
            // Whoever writes beyond a limit (`ulimit -f`) gets an error, too.
            _write_to_full_file: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    async fn recv(&mut self) {
        select_all(self.ending.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
    }
}

const SIGXFSZ: i32 = 25;

/// Whether this process was started to take no notice of SIGHUP, as by nohup.
fn outlives_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored & 1 != 0)
}

/// Serves until SIGINT, SIGTERM, SIGQUIT or SIGHUP arrives or `engine_gone` is ready, then aborts the calls in flight
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
