//! Amazon Web Services: the provider configuration's meaning, credentials, clients and errors.
//!
//! Nothing here knows Pulumi.

mod answer;
mod authorization;
mod bounded_answers;
mod call;
mod caller;
mod client;
mod configuration;
mod credentials;
mod ecr;
mod ecr_public;
mod endpoints;
mod error;
mod files;
mod http;
mod interceptors;
mod namespace;
pub mod patience;
mod plain_requests;
mod proxies;
mod region;
mod session;
mod settings;
mod shared_files;
mod shown;
mod trust;
mod validity;

pub use authorization::{AuthorizationData, Registry};
pub use caller::Caller;
pub use client::Client;
pub use configuration::{AssumeRole, Configuration, IgnoreTags, WebIdentity};
pub use credentials::Identity;
pub use ecr::{Ecr, Images};
pub use ecr_public::EcrPublic;
pub use error::Error;
pub use namespace::Namespace;
pub(crate) use region::tell as tell_region;
pub use validity::Invalid;
pub(crate) use validity::is_account;
