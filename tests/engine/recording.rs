//! What the engine writes down of its calls to plugins.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Names the file that the engine records all its gRPC calls in, tokens and secrets included.
pub(crate) const VARIABLE: &str = "PULUMI_DEBUG_GRPC";

/// A call of the engine to a plugin for `aws`, as it ended.
pub(crate) struct Call {
    /// The RPC's name, such as `Invoke`.
    pub(crate) method: String,
    pub(crate) request: Value,
}

/// The calls in the engine's record, in the order in which they ended.
pub(crate) fn calls(record: &Path) -> Vec<Call> {
    let text = fs::read_to_string(record).expect("the engine's record");
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a call in JSON"));
    entries.filter(is_of_plugin).map(Call::of).collect()
}

fn is_of_plugin(entry: &Value) -> bool {
    entry["metadata"]["kind"] == "resource"
        && entry["metadata"]["name"] == "aws"
        && entry["progress"] == "response_completed"
}

impl Call {
    fn of(mut entry: Value) -> Self {
        let method = entry["method"].as_str().and_then(|method| method.rsplit_once('/')).expect("a method");
        Self { method: method.1.to_owned(), request: entry["request"].take() }
    }
}
