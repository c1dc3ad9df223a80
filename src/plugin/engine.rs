use std::time::Duration;

use log::Level;
use tokio::{sync::watch, time::sleep};
use tonic::{
    Code,
    transport::{Channel, Endpoint, Error},
};

use super::log::Receiver;
use crate::proto::{
    health::{HealthCheckRequest, health_client::HealthClient},
    pulumirpc::{LogRequest, LogSeverity, engine_client::EngineClient},
};

/// How often the engine is asked whether it is still there.
const HEALTH_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The engine as a service: the user's log, and whether it still runs. Clones share one state.
#[derive(Debug, Clone)]
pub struct Engine {
    channel: watch::Sender<Option<Channel>>,
}

impl Engine {
    /// Starts to forward `log` to whichever engine was connected last; lines wait until there is one. Needs a tokio
    /// runtime.
    pub fn new(log: Receiver) -> Self {
        let channel = watch::Sender::new(None);
        tokio::spawn(forward(log, channel.subscribe()));
        Self { channel }
    }

    /// Makes the engine at `address` (`host:port`) the one that gets the log. Opens no connection yet.
    ///
    /// # Errors
    ///
    /// When `address` is not `host:port`.
    pub fn connect(&self, address: &str) -> Result<(), Error> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
        self.channel.send_replace(Some(channel));
        Ok(())
    }

    /// Ready once the engine that is connected now does not answer health checks any more. An engine without a health
    /// service answers UNIMPLEMENTED and so counts as there.
    pub async fn gone(&self) {
        let Some(channel) = self.channel.borrow().clone() else { return std::future::pending().await };
        let mut health = HealthClient::new(channel);
        // A broken connection is made anew by the next check, so one failure alone says nothing.
        while is_serving(&mut health).await || is_serving(&mut health).await {
            sleep(HEALTH_CHECK_INTERVAL).await;
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
        let Ok(channel) = engine.wait_for(Option::is_some).await.map(|channel| channel.clone()) else { return };
        let Some(channel) = channel else { continue };
        let severity = match line.level {
            Level::Error => LogSeverity::Error,
            Level::Warn => LogSeverity::Warning,
            Level::Info => LogSeverity::Info,
            Level::Debug | Level::Trace => LogSeverity::Debug,
        };
        let request = LogRequest { severity: severity.into(), message: line.message, urn: String::new() };
        // An engine that does not take a line has no other way to hear of it.
        let _ = EngineClient::new(channel).log(request).await;
    }
}
