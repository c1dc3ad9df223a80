use std::{sync::Arc, time::Duration};

use log::Level;
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use tonic::{
    Code,
    transport::{Channel, Endpoint, Error},
};

use super::{
    dial::Dialer,
    log::{Line, Receiver},
    peer::Peers,
};
use crate::proto::{
    health::{HealthCheckRequest, health_client::HealthClient},
    pulumirpc::{LogRequest, LogSeverity, engine_client::EngineClient},
};

/// How often the engine is asked whether it is still there, besides whenever a connection to it closes.
const HEALTH_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How long after that: whoever closes all connections again and again is not asked without a pause.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a connection to the engine may take to be made. It is on the same machine, or near.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the engine may take for a line of the log. Then the next one is sent.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// When the system begins to ask whether the engine's end of a silent connection is still there. A process that is
/// stopped in a debugger does not have to answer: its system does.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The engine as a service: the user's log, and whether it still runs. Clones share one state.
#[derive(Debug, Clone)]
pub struct Engine {
    channel: watch::Sender<Option<Channel>>,
    /// Told when a connection closed.
    closed: Arc<Notify>,
    peers: Peers,
}

impl Engine {
    /// Starts to forward `log` to whichever engine was connected last; lines wait until there is one. Needs a tokio
    /// runtime.
    pub fn new(log: Receiver) -> Self {
        let channel = watch::Sender::new(None);
        tokio::spawn(forward(log, channel.subscribe()));
        Self { channel, closed: Arc::default(), peers: Peers::new() }
    }

    /// What tells who is at the other end of a connection: of the engine's, whoever made it.
    pub(super) fn peers(&self) -> Peers {
        self.peers.clone()
    }

    /// Makes the engine at `address` (`host:port`) the one that gets the log. Opens no connection yet.
    ///
    /// # Errors
    ///
    /// When `address` is not `host:port`.
    pub fn connect(&self, address: &str) -> Result<(), Error> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        let dialer = Dialer::new(CONNECT_TIMEOUT, KEEPALIVE, self.peers.clone(), self.closed.clone());
        self.channel.send_replace(Some(endpoint.connect_with_connector_lazy(dialer)));
        Ok(())
    }

    /// Ready once the engine that is connected now does not answer health checks any more, be it that another user has taken
    /// its port. An engine without a health service answers UNIMPLEMENTED and so counts as there.
    pub async fn gone(&self) {
        let Some(channel) = self.channel.borrow().clone() else { return std::future::pending().await };
        let mut health = HealthClient::new(channel);
        // A broken connection is made anew by the next check, so one failure alone says nothing.
        while is_serving(&mut health).await || is_serving(&mut health).await {
            let closed = timeout(HEALTH_CHECK_INTERVAL, self.closed.notified()).await;
            if closed.is_ok() {
                sleep(PAUSE).await;
            }
        }
    }
}

async fn is_serving(health: &mut HealthClient<Channel>) -> bool {
    match health.check(HealthCheckRequest::default()).await {
        Ok(_) => true,
        Err(status) => status.code() == Code::Unimplemented,
    }
}

async fn forward(mut log: Receiver, mut engine: watch::Receiver<Option<Channel>>) {
    while let Some(line) = log.recv().await {
        while let Ok(channel) = engine.wait_for(Option::is_some).await.map(|channel| channel.clone()) {
            let Some(channel) = channel else { continue };
            tokio::select! {
                () = send(channel, &line) => break,
                // The line is for the engine that came meanwhile.
                _ = engine.changed() => {}
            }
        }
    }
}

async fn send(channel: Channel, line: &Line) {
    let severity = match line.level {
        Level::Error => LogSeverity::Error,
        Level::Warn => LogSeverity::Warning,
        Level::Info => LogSeverity::Info,
        Level::Debug | Level::Trace => LogSeverity::Debug,
    };
    let (message, ephemeral) = (line.message.clone(), line.is_status);
    let request = LogRequest { severity: severity.into(), message, urn: String::new(), ephemeral };
    // An engine that does not take a line has no other way to hear of it.
    let _ = timeout(LOG_TIMEOUT, EngineClient::new(channel).log(request)).await;
}
