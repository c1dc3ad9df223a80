//! The messages and services of `proto/`, generated, but for one message.

#![allow(clippy::all, clippy::nursery, clippy::pedantic, missing_docs, unnameable_types, unused_qualifications)]

/// gRPC's health checking protocol.
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}
/// The Pulumi provider protocol and the engine's own service.
pub mod pulumirpc {
    tonic::include_proto!("pulumirpc");

    /// The answer to Invoke. The results are an encoded `google.protobuf.Struct`, which the wire cannot tell from
    /// the message that they are: the same results are sent again as they are.
    ///
    /// There is no `Debug`: it holds a token.
    #[derive(Clone, PartialEq, prost::Message)]
    #[prost(skip_debug)]
    pub struct InvokeResponse {
        /// The results; absent if there are failures.
        #[prost(bytes = "bytes", optional, tag = "1")]
        pub r#return: Option<prost::bytes::Bytes>,
        /// What is wrong with the arguments.
        #[prost(message, repeated, tag = "2")]
        pub failures: Vec<CheckFailure>,
    }
}
