//! The plugin as a process, spoken to as the engine does, with stand-ins for AWS and the engine. One executable, since
//! each more would be linked with all of the AWS SDK.

mod cache;
mod cache_folder;
mod descriptors;
mod errors;
mod functions;
mod laziness;
mod process;
mod property_values;
mod protocol;
mod recorded;
mod schema;
mod security;
