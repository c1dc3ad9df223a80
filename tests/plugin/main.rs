//! The plugin as a process, spoken to as the engine does, with stand-ins for AWS and the engine. One executable, since
//! each more would be linked with all of the AWS SDK.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic that says why")]

mod account_guards;
mod authorization_tokens;
mod cache;
mod cache_folder;
mod commands;
mod configuration;
mod contributing;
mod credentials;
mod dependencies;
mod doctor;
mod documents;
mod endpoints;
mod environment;
mod error_texts;
mod footprint;
mod functions;
mod http;
mod laziness;
mod leaks;
mod limits;
mod link_local;
mod load;
mod look_ups;
mod machine;
mod odd_look_ups;
mod package;
mod packing;
mod panics;
mod patience;
mod process;
mod property_values;
mod protocol;
mod quotes;
mod recorded;
mod region;
mod reliability;
mod scarcity;
mod schema;
mod security;
mod servers;
mod soak;
mod strangers;
