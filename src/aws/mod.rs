//! Amazon Web Services: the provider configuration's meaning, credentials, clients and errors.
//!
//! Nothing here knows Pulumi.

mod authorization;
mod caller;
mod client;
mod configuration;
mod error;

pub use authorization::AuthorizationData;
pub use caller::Caller;
pub use client::{Client, Registry};
pub use configuration::{Configuration, Invalid};
pub use error::Error;
