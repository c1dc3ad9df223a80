//! The provider protocol: listening, the RPCs, property values, the schema, and the engine as a service of its own.
//!
//! Nothing here knows AWS: what the plugin serves stands behind [`Provider`].

mod connections;
mod decoded_size;
mod dial;
mod engine;
mod limits;
pub mod log;
mod messages;
mod package;
#[cfg_attr(not(target_os = "linux"), path = "peer_unknown.rs")]
mod peer;
pub mod property;
mod provider;
mod results;
mod rpcs;
mod schema;
pub mod server;
pub(crate) mod threads;

pub use engine::Engine;
pub use package::Package;
pub use provider::{Failure, InvokeError, Json, Provider};
pub use results::Results;
pub use rpcs::{Calls, SecretResults, Service};
pub(crate) use schema::shown_key;
pub use schema::{Checked, CheckedConfiguration, Schema, SchemaError};
