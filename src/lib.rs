//! A Pulumi provider plugin that serves functions of the `aws` package for Amazon ECR.
//!
//! Data flows one way. The engine calls [`plugin`], which speaks the provider protocol and knows no AWS; it hands
//! checked arguments to [`functions`], the only place that knows both worlds; a function asks [`aws`], which knows no
//! Pulumi. What AWS answered is kept in the [`cache`]. [`run`] wires them.

#![forbid(unsafe_code)]
// What prints by itself panics where nobody takes it: `writeln!` says so.
#![warn(clippy::print_stderr)]
// A call of AWS is futures in futures, which count here.
#![recursion_limit = "256"]

pub mod aws;
pub mod cache;
pub mod doctor;
pub mod functions;
mod memory;
pub mod packages;
pub mod plugin;
pub mod proto;
mod redaction;
mod steps;
pub mod system;

use std::io;

use cache::Folder;
use functions::EcrProvider;
use plugin::{Engine, Package, Schema, SecretResults, Service, server};

/// The version of the crate, of `schema.json` and of the package [`packages::AWS`].
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The target of the log's records that say what lasts at present, such as a wait. Each takes the place of the one before,
/// and an empty one leaves nothing there.
pub const STATUS: &str = concat!(env!("CARGO_CRATE_NAME"), "::status");

/// How the plugin was started.
#[derive(Debug)]
pub struct Options {
    /// What is served.
    pub package: &'static Package,
    /// The engine's gRPC address, `host:port`. Without one the plugin waits for engines to attach and outlives them.
    pub engine_address: Option<String>,
    /// Which results are secret although no argument was.
    pub secret_results: SecretResults,
    /// Where processes share tokens, if they do.
    pub shared_tokens: Option<Folder>,
    /// What is to be shown to the user; see [`plugin::log::install`].
    pub log: plugin::log::Receiver,
}

/// Serves the provider protocol on a free port of 127.0.0.1, printed as the first and only line of stdout, until SIGINT
/// or SIGTERM arrives or the engine at [`Options::engine_address`] is gone.
///
/// # Errors
///
/// When the port cannot be bound or printed, or the server fails.
pub async fn run(options: Options) -> io::Result<()> {
    let listener = server::listen().await?;
    let engine = Engine::new(options.log);
    if let Some(address) = &options.engine_address {
        engine.connect(address).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    let provider = EcrProvider::new(options.package, options.shared_tokens);
    let service = Service::new(provider, Schema::of(options.package)?, engine.clone(), options.secret_results);
    server::serve(listener, service, async move {
        match options.engine_address {
            Some(_) => engine.gone().await,
            None => std::future::pending().await,
        }
    })
    .await
}
