//! Property values: what the engine, programs and providers exchange, and their form on the wire.

mod codec;
mod value;

pub use codec::{Accepts, DecodeError, EncodeError, decode, encode, from_json};
pub(super) use value::without_null;
pub use value::{Archive, ArchiveSource, Asset, AssetSource, Kind, Object, Output, ResourceReference, Unknown, Value};
