//! Amazon Web Services: the provider configuration's meaning, credentials, clients and errors.
//!
//! Nothing here knows Pulumi.

mod answer;
mod authorization;
mod caller;
mod client;
mod configuration;
mod credentials;
mod endpoints;
mod error;
mod files;
mod http;
mod interceptors;
mod namespace;
pub mod patience;
mod plain;
mod proxies;
mod region;
mod session;
mod settings;
mod shared_files;
mod shown;
mod trust;
mod validity;

pub use authorization::AuthorizationData;
pub use caller::Caller;
pub use client::{Client, Registry};
pub use configuration::{AssumeRole, Configuration, Invalid, WebIdentity};
pub use error::Error;
pub use namespace::Namespace;
