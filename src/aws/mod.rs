//! Amazon Web Services: the provider configuration's meaning, credentials, clients and errors.
//!
//! Nothing here knows Pulumi.

mod client;
mod configuration;
mod error;

pub use client::{AuthorizationData, Client, Registry};
pub use configuration::{Configuration, Invalid};
pub use error::Error;
