//! The traffic of a run on the real engine, replayed: every request of `recorded.json` in its order, and the answers
//! compared. The record has names in braces for tokens, keys, addresses and the schema.
//!
//! To record it anew, from `examples/yaml` on the engine that `make tools-engine` builds:
//!
//! ```sh
//! RECORD=1 cargo test --test engine -- recording
//! ```

use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, password, token},
    engine::Engine,
    plugin::Plugin,
    within_deadline,
};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::Channel,
};

const REGISTRY: &str = "012345678901";

#[tokio::test]
async fn the_answers_are_those_of_the_record() {
    let (ecr, engine) = (Ecr::start().await.unwrap(), Engine::start().await.unwrap());
    ecr.answer_always(Answer::TokenWith("expiresAt", json!(4_102_444_800_u32)));
    let record = record(&ecr, &engine);
    assert!(record.len() > 5, "{record:?}");

    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let descriptors = protox::compile(["pulumi/provider.proto"], [proto]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(descriptors).unwrap();
    let provider = pool.get_service_by_name("pulumirpc.ResourceProvider").unwrap();
    let plugin = Plugin::start().await;
    for call in record {
        let name = call["method"].as_str().unwrap();
        let method = provider.methods().find(|method| method.name() == name).unwrap();
        let request = message(method.input(), &call["request"]);
        let path = format!("/{}/{name}", provider.full_name());
        let answer = within_deadline(name, send(&plugin, &path, request, method.output())).await;
        let expected = message(method.output(), &call["response"]);
        assert_eq!(answer.unwrap(), expected, "{name}: record it anew if the change is meant");
    }
}

#[test]
fn the_record_holds_no_token_and_no_key() {
    let record: Json = serde_json::from_str(include_str!("recorded.json")).unwrap();
    for name in ["authorizationToken", "password", "accessKey", "secretKey"] {
        let (placeholder, mut values) = (format!("{{{name}}}"), Vec::new());
        values_of(name, &record, &mut values);
        assert!(values.contains(&placeholder.as_str()), "the record has no {placeholder}");
        assert!(values.iter().all(|value| *value == placeholder), "the record has a value of {name}");
    }
}

/// All texts under a name, as an argument, a variable of the configuration or a result, in secrets too.
fn values_of<'a>(name: &str, json: &'a Json, values: &mut Vec<&'a str>) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                let value = value.get("value").unwrap_or(value);
                match value.as_str() {
                    Some(value) if key.rsplit(':').next() == Some(name) => values.push(value),
                    _ => values_of(name, value, values),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| values_of(name, item, values)),
        _ => {}
    }
}

/// The calls of the record, with what this run has for the names in braces.
fn record(ecr: &Ecr, engine: &Engine) -> Vec<Json> {
    let schema = json!(include_str!("../../schema.json")).to_string();
    let values = [
        ("{authorizationToken}", token(REGISTRY, 1)),
        ("{password}", password(REGISTRY, 1)),
        ("{expiresAt}", "2100-01-01T00:00:00Z".to_owned()),
        ("{endpoint}", ecr.url()),
        ("{engine}", engine.address()),
        ("{accessKey}", "AKIDEXAMPLE".to_owned()),
        ("{secretKey}", "dummy-secret-key".to_owned()),
        ("{schema}", schema.trim_matches('"').to_owned()),
    ];
    let text = include_str!("recorded.json").to_owned();
    let text = values.into_iter().fold(text, |text, (name, value)| text.replace(name, &value));
    serde_json::from_str(&text).unwrap()
}

/// A message from its JSON, less the fields that this plugin does not know.
fn message(descriptor: MessageDescriptor, json: &Json) -> DynamicMessage {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    DynamicMessage::deserialize_with_options(descriptor, json, &options).unwrap()
}

async fn send(
    plugin: &Plugin,
    path: &str,
    request: DynamicMessage,
    answer: MessageDescriptor,
) -> Result<DynamicMessage, Status> {
    let channel = Channel::from_shared(format!("http://127.0.0.1:{}", plugin.port)).unwrap();
    let mut client = Grpc::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    let path: PathAndQuery = path.parse().unwrap();
    client.unary(Request::new(request), path, Dynamic { answer }).await.map(tonic::Response::into_inner)
}

/// Messages of any type.
struct Dynamic {
    answer: MessageDescriptor,
}

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self { answer: self.answer.clone() }
    }

    fn decoder(&mut self) -> Self {
        Self { answer: self.answer.clone() }
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::Message::encode(&message, buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.answer.clone(), buffer);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
