//! A stand-in for the engine: it collects what plugins log and answers their health checks.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use pulumi_resource_aws::proto::{
    health::{HealthCheckRequest, HealthCheckResponse, health_server::HealthServer},
    pulumirpc::{LogRequest, LogSeverity, engine_server::EngineServer},
};
use tokio::{
    net::TcpListener,
    runtime,
    sync::{oneshot, watch},
};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

/// An engine on a port of 127.0.0.1, until it is dropped.
pub struct Engine {
    address: SocketAddr,
    log: watch::Sender<Vec<(LogSeverity, String)>>,
    status: watch::Sender<Vec<String>>,
    checks: watch::Sender<usize>,
    unanswered: Arc<AtomicBool>,
    _alive: oneshot::Sender<()>,
}

impl Engine {
    /// An engine that answers health checks, as all do since gRPC health checks were added.
    pub async fn start() -> io::Result<Self> {
        Self::listen(true).await
    }

    /// An engine without a health service: checks are UNIMPLEMENTED.
    pub async fn start_without_health() -> io::Result<Self> {
        Self::listen(false).await
    }

    async fn listen(health: bool) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (log, status, checks) = <(watch::Sender<_>, watch::Sender<_>, watch::Sender<_>)>::default();
        let unanswered = Arc::<AtomicBool>::default();
        let lines = Log { log: log.clone(), status: status.clone(), unanswered: unanswered.clone() };
        let router = tonic::transport::Server::builder().add_service(EngineServer::new(lines));
        let router = if health { router.add_service(HealthServer::new(Healthy(checks.clone()))) } else { router };
        // A runtime of its own ends with all its connections, as a process does.
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (alive, dropped) = oneshot::channel();
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    result = router.serve_with_incoming(TcpIncoming::from(listener)) => result.expect("the engine serves"),
                    _ = dropped => {}
                }
            });
        });
        Ok(Self { address, log, status, checks, unanswered, _alive: alive })
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Takes the next line without an answer, ever.
    pub fn never_answer_next_line(&self) {
        self.unanswered.store(true, Ordering::Relaxed);
    }

    /// What was logged so far.
    pub fn log(&self) -> Vec<(LogSeverity, String)> {
        self.log.borrow().clone()
    }

    /// The lines that were shown for a while, in order; an empty one took the one before away.
    pub fn status(&self) -> Vec<String> {
        self.status.borrow().clone()
    }

    /// Waits until such a line is shown, or none any more, as `is_it` says.
    pub async fn wait_for_status(&self, is_it: impl Fn(&str) -> bool) -> String {
        let mut status = self.status.subscribe();
        let lines = status.wait_for(|lines| lines.last().is_some_and(|line| is_it(line)));
        let lines = crate::within_deadline("waiting for a line that lasts for a while", lines).await;
        lines.expect("the engine is there").last().expect("a line").clone()
    }

    /// How many health checks were answered so far.
    pub fn checks(&self) -> usize {
        *self.checks.borrow()
    }

    /// Waits until more than `number` health checks were answered.
    pub async fn wait_for_more_checks(&self, number: usize) {
        let mut checks = self.checks.subscribe();
        let more = crate::within_deadline("a health check", checks.wait_for(|checks| *checks > number)).await;
        more.expect("the engine is there");
    }

    /// Waits for a line that holds `text`, and says how serious it is.
    pub async fn wait_for_line(&self, text: &str) -> LogSeverity {
        let mut log = self.log.subscribe();
        let lines = log.wait_for(|lines| lines.iter().any(|(_, line)| line.contains(text)));
        let lines = crate::within_deadline(&format!("waiting for {text:?} in the log"), lines).await;
        let lines = lines.expect("the engine is there");
        lines.iter().find(|(_, line)| line.contains(text)).expect("the line").0
    }
}

struct Log {
    log: watch::Sender<Vec<(LogSeverity, String)>>,
    status: watch::Sender<Vec<String>>,
    unanswered: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl pulumi_resource_aws::proto::pulumirpc::engine_server::Engine for Log {
    async fn log(&self, request: Request<LogRequest>) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        match request.ephemeral {
            true => self.status.send_modify(|status| status.push(request.message)),
            false => self.log.send_modify(|log| log.push((request.severity(), request.message))),
        }
        if self.unanswered.swap(false, Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(()))
    }
}

struct Healthy(watch::Sender<usize>);

#[tonic::async_trait]
impl pulumi_resource_aws::proto::health::health_server::Health for Healthy {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.send_modify(|checks| *checks += 1);
        Ok(Response::new(HealthCheckResponse { status: 1 }))
    }
}
