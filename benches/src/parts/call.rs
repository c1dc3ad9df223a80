//! Calls that cost the client as little as can be, so that what is measured is the provider.

use bytes::{Buf, BufMut, Bytes};
use pulumi_resource_aws::proto::pulumirpc::InvokeRequest;
use serde_json::{Value as Json, json};
use support::{
    plugin::{GET_CREDENTIALS, Plugin},
    values::properties,
};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::Channel,
};

/// Field 1 with a length: the results of an Invoke, whose failures are field 2, and the version of a plugin.
const FIRST_FIELD: u8 = 0x0a;

/// A call of a provider, as often as it is made. Its message is encoded before, and answers are not decoded.
#[derive(Clone)]
pub(super) struct Call {
    channel: Channel,
    path: PathAndQuery,
    message: Bytes,
}

impl Call {
    /// Invokes getCredentials.
    pub(super) fn invoke(plugin: &Plugin, registry_id: &str) -> Self {
        Self::invoke_of(plugin, GET_CREDENTIALS, json!({"registryId": registry_id}))
    }

    /// Invokes a function.
    pub(super) fn invoke_of(plugin: &Plugin, token: &str, arguments: Json) -> Self {
        let request = InvokeRequest { tok: token.to_owned(), args: Some(properties(arguments)) };
        Self::new(plugin, "/pulumirpc.ResourceProvider/Invoke", &request)
    }

    /// The RPC that carries least: nothing in, a version out.
    pub(super) fn empty(plugin: &Plugin) -> Self {
        Self::new(plugin, "/pulumirpc.ResourceProvider/GetPluginInfo", &())
    }

    fn new(plugin: &Plugin, path: &'static str, message: &impl prost::Message) -> Self {
        let (path, message) = (PathAndQuery::from_static(path), message.encode_to_vec().into());
        Self { channel: plugin.channel.clone(), path, message }
    }

    pub(super) async fn make(&self) {
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.expect("the provider runs");
        let answer = client.unary(Request::new(self.message.clone()), self.path.clone(), Undecoded).await;
        let answer = answer.expect("an answer").into_inner();
        assert_eq!(answer.first(), Some(&FIRST_FIELD), "{} was refused", self.path);
    }
}

/// Messages as they travel.
#[derive(Clone, Copy)]
struct Undecoded;

impl Codec for Undecoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Undecoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Undecoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
