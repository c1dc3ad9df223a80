//! What the engine writes down of its calls to plugins, and whether the record that `tests/plugin/recorded.json` keeps of
//! a run is still what an engine does.

use std::path::Path;
use std::{env, fs};

use serde_json::{Value, json};

use crate::moto::Moto;
use crate::program::YAML;
use crate::stack::{REGION, SECRET_KEY, Stack};
use crate::tools;

/// Names the file that the engine records all its gRPC calls in, tokens and secrets included.
pub(crate) const VARIABLE: &str = "PULUMI_DEBUG_GRPC";

/// A call of the engine to a plugin for `aws`, as it ended.
pub(crate) struct Call {
    /// The RPC's name, such as `Invoke`.
    pub(crate) method: String,
    pub(crate) request: Value,
    pub(crate) response: Value,
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
        Self { method: method.1.to_owned(), request: entry["request"].take(), response: entry["response"].take() }
    }
}

const REGISTRY_ID: &str = "012345678901";

/// Where a call has what no other run has, and the name for it; a UUID of any form will do for an id.
const OF_ONE_RUN: [(&str, &str); 6] = [
    ("/request/engineAddress", "{engine}"),
    ("/request/loaderTarget", "{engine}"),
    ("/request/mapperTarget", "{engine}"),
    ("/request/resolverTarget", "{engine}"),
    ("/request/id", "00000000-0000-4000-8000-000000000000"),
    ("/response/schema", "{schema}"),
];

/// With `RECORD=1` in the environment, keeps the record anew in place of comparing.
#[test]
fn the_kept_record_holds_the_calls_of_the_engine() {
    let moto = Moto::start();
    let stack = Stack::new(&YAML, &moto.endpoint(), REGISTRY_ID);
    let record = stack.scratch("grpc.log");
    let stack = stack.with(VARIABLE, record.to_string_lossy().into_owned());
    stack.succeeds("up, recorded", &["up", "--yes", "--skip-preview"]);

    let calls = without_secrets(&calls(&record), &stack, &moto);
    let path = tools::repository().join("tests/plugin/recorded.json");
    if env::var_os("RECORD").is_some() {
        let text = serde_json::to_string_pretty(&calls).expect("JSON");
        fs::write(&path, text + "\n").expect("the record is written");
    }
    let kept: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a record")).expect("a record in JSON");
    assert_eq!(of_each(&calls, "method"), of_each(&kept, "method"), "record it anew with RECORD=1");
    assert_eq!(of_each(&calls, "request"), of_each(&kept, "request"), "record it anew with RECORD=1");
}

/// The calls with names in braces where a run has secrets, or what no other run has.
fn without_secrets(calls: &[Call], stack: &Stack, moto: &Moto) -> Value {
    let login = moto.login(REGION, REGISTRY_ID);
    let replaced = [
        (login.authorization_token, "{authorizationToken}"),
        (login.password, "{password}"),
        (login.expires_at, "{expiresAt}"),
        (moto.endpoint(), "{endpoint}"),
        (SECRET_KEY.to_owned(), "{secretKey}"),
        ("AKIAIOSFODNN7EXAMPLE".to_owned(), "{accessKey}"),
        (stack.scratch("").to_string_lossy().into_owned(), "/stack/"),
        (tools::plugin().to_string_lossy().into_owned(), "/plugin"),
    ];
    let calls = calls.iter().map(|call| {
        let mut call = json!({ "method": call.method, "request": call.request, "response": call.response });
        for (path, name) in OF_ONE_RUN {
            if let Some(value) = call.pointer_mut(path) {
                *value = json!(name);
            }
        }
        call
    });
    let text = Value::from_iter(calls).to_string();
    let text = replaced.iter().fold(text, |text, (secret, name)| text.replace(secret, name));
    serde_json::from_str(&text).expect("JSON")
}

/// Sorted, since the order among the engine's processes is not always the same.
fn of_each(calls: &Value, part: &str) -> Vec<String> {
    let mut parts: Vec<_> = calls.as_array().expect("calls").iter().map(|call| call[part].to_string()).collect();
    parts.sort();
    parts
}
