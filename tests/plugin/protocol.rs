//! Each RPC as the engine calls it.

use std::collections::HashMap;

use pulumi_resource_aws::{VERSION, proto::pulumirpc as rpc};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr},
    engine::Engine,
    plugin::{GET_CREDENTIALS, Plugin, ecr_configuration},
    values::{self, UNKNOWN, properties},
};
use tonic::Code;

#[tokio::test]
async fn handshake_accepts_secrets_and_resources() {
    let mut plugin = Plugin::start().await;
    for accepts_byte_string in [false, true] {
        let request = rpc::ProviderHandshakeRequest { accepts_byte_string, ..Default::default() };
        let response = plugin.client.handshake(request).await.unwrap().into_inner();
        let expected = rpc::ProviderHandshakeResponse {
            accept_secrets: true,
            accept_resources: true,
            accept_outputs: false,
            supports_autonaming_configuration: false,
            accepts_byte_string,
        };
        assert_eq!(response, expected);
    }
}

#[tokio::test]
async fn a_handshake_with_a_bad_engine_address_does_not_end_the_load() {
    let mut plugin = Plugin::start().await;
    let request = rpc::ProviderHandshakeRequest { engine_address: "no such\naddress".to_owned(), ..Default::default() };
    plugin.client.handshake(request).await.unwrap();
}

#[tokio::test]
async fn plugin_info_is_the_version() {
    let mut plugin = Plugin::start().await;
    assert_eq!(plugin.client.get_plugin_info(()).await.unwrap().into_inner().version, VERSION);
}

#[tokio::test]
async fn the_schema_is_that_of_the_repository() {
    let mut plugin = Plugin::start().await;
    let schema = plugin.client.get_schema(rpc::GetSchemaRequest::default()).await.unwrap().into_inner().schema;
    assert_eq!(schema, include_str!("../../schema.json"));

    for (request, expected) in [
        (rpc::GetSchemaRequest { version: 1, ..Default::default() }, "version 0, not 1"),
        (rpc::GetSchemaRequest { subpackage_name: "other".to_owned(), ..Default::default() }, "no package other"),
    ] {
        let status = plugin.client.get_schema(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(expected), "{status:?}");
    }
}

#[tokio::test]
async fn check_config_echoes_its_inputs() {
    let mut plugin = Plugin::start().await;
    let news = json!({
        "version": "7.48.0",
        "pluginDownloadURL": "https://example.com",
        "region": "eu-west-1",
        "secretKey": values::secret("dummy-secret-key"),
        "accessKey": "AKIDEXAMPLE",
        "endpoints": "[{\"ecr\":\"http://127.0.0.1:1\"}]",
        "notOurs": {"deep": [1.5, null, true]},
    });
    let response = plugin.check_config(news.clone()).await.unwrap();
    assert_eq!(values::json(response.inputs.unwrap()), news);
    assert_eq!(response.failures, []);
}

#[tokio::test]
async fn check_config_names_everything_that_is_wrong() {
    let mut plugin = Plugin::start().await;
    let news = json!({
        "region": ["eu-west-1"],
        "insecure": "perhaps",
        "maxRetries": 2.5,
        "endpoints": [{"ecr": [7.5]}],
        "assumeRoles": "[{\"duration\": []}]",
    });
    let response = plugin.check_config(news).await.unwrap();
    let failures: HashMap<_, _> = response.failures.into_iter().map(|f| (f.property, f.reason)).collect();
    let expected = [
        ("region", "must be a string, but is a list"),
        ("insecure", "must be a boolean, or JSON text of one, but is other text"),
        ("maxRetries", "must be a whole number, but is a number"),
        ("endpoints[0].ecr", "must be a string, but is a list"),
        ("assumeRoles[0].duration", "must be a string, but is a list"),
    ];
    assert_eq!(failures, expected.map(|(property, reason)| (property.to_owned(), reason.to_owned())).into());
}

#[tokio::test]
async fn check_config_finds_contradictions() {
    let mut plugin = Plugin::start().await;
    for (news, property) in [
        (json!({"accessKey": "AKIDEXAMPLE"}), "secretKey"),
        (json!({"secretKey": "dummy-secret-key"}), "accessKey"),
        (json!({"token": "dummy-token"}), "token"),
        (json!({"endpoints": [{"ecr": "localhost:4566"}]}), "endpoints[0].ecr"),
    ] {
        let response = plugin.check_config(news).await.unwrap();
        let failed: Vec<_> = response.failures.iter().map(|failure| failure.property.as_str()).collect();
        assert_eq!(failed, [property]);
    }
}

#[tokio::test]
async fn check_config_takes_values_that_are_not_known_yet() {
    let mut plugin = Plugin::start().await;
    let unknown = UNKNOWN;
    let news = json!({"region": unknown, "insecure": unknown, "endpoints": [{"ecr": unknown}], "profile": null});
    let response = plugin.check_config(news.clone()).await.unwrap();
    assert_eq!(values::json(response.inputs.unwrap()), news);
    assert_eq!(response.failures, []);
}

#[tokio::test]
async fn diff_config_never_replaces() {
    let mut plugin = Plugin::start().await;
    let olds = || Some(properties(json!({"region": "eu-west-1", "profile": "one", "version": "7.48.0"})));
    let news = || Some(properties(json!({"region": "eu-west-2", "maxRetries": 3, "version": "7.48.0"})));
    let some = rpc::diff_response::DiffChanges::DiffSome;
    let none = rpc::diff_response::DiffChanges::DiffNone;
    for (request, changes, diffs) in [
        (
            rpc::DiffRequest { olds: olds(), news: news(), ..Default::default() },
            some,
            &["maxRetries", "profile", "region"][..],
        ),
        (rpc::DiffRequest { old_inputs: olds(), news: olds(), ..Default::default() }, none, &[]),
        (rpc::DiffRequest::default(), none, &[]),
    ] {
        let response = plugin.client.diff_config(request).await.unwrap().into_inner();
        assert_eq!(response.changes(), changes);
        assert_eq!(response.diffs, diffs);
        assert_eq!(response.replaces, [""; 0]);
    }
}

#[tokio::test]
async fn configure_reads_args_and_the_older_variables() {
    let ecr = Ecr::start().await.unwrap();
    let endpoints = json!([{"ecr": ecr.url()}]).to_string();
    let args = |region: &str| {
        Some(properties(json!({
            "region": region,
            "accessKey": values::secret("AKIDARGS"),
            "secretKey": values::secret("secret-of-AKIDARGS"),
            "endpoints": values::secret(endpoints.clone()),
        })))
    };
    let variables = || {
        [
            ("region", "eu-north-1"),
            ("accessKey", "AKIDVARIABLES"),
            ("secretKey", "secret-of-AKIDVARIABLES"),
            ("endpoints", &endpoints),
        ]
        .map(|(key, value)| (format!("aws:config:{key}"), value.to_owned()))
        .into()
    };
    for (request, region, access_key) in [
        (rpc::ConfigureRequest { args: args("eu-west-3"), ..Default::default() }, "eu-west-3", "AKIDARGS"),
        (rpc::ConfigureRequest { variables: variables(), ..Default::default() }, "eu-north-1", "AKIDVARIABLES"),
        (
            rpc::ConfigureRequest { args: args("eu-west-2"), variables: variables(), ..Default::default() },
            "eu-west-2",
            "AKIDARGS",
        ),
    ] {
        let mut plugin = Plugin::start().await;
        let response = plugin.client.configure(request).await.unwrap().into_inner();
        let expected = rpc::ConfigureResponse {
            accept_secrets: true,
            supports_preview: true,
            accept_resources: true,
            accept_outputs: false,
        };
        assert_eq!(response, expected);
        plugin.get_credentials("123456789012").await.unwrap();
        let request = ecr.requests().pop().unwrap();
        assert_eq!((request.region.as_str(), request.access_key.as_str()), (region, access_key));
        assert!(request.is_signed_with(&format!("secret-of-{access_key}")));
    }
}

#[tokio::test]
async fn configure_reads_secrets_inside_json_text() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::start().await;
    let mut configuration = ecr_configuration(&ecr);
    configuration["endpoints"] = json!([{"ecr": values::secret(ecr.url())}]).to_string().into();
    plugin.configure(configuration).await.unwrap();
    plugin.get_credentials("123456789012").await.unwrap();
}

#[tokio::test]
async fn a_configuration_that_is_not_valid_is_not_taken() {
    let mut plugin = Plugin::start().await;
    let status = plugin.configure(json!({"accessKey": "AKIDEXAMPLE", "insecure": []})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("aws:insecure must be a boolean, but is a list"), "{status:?}");
    let status = plugin.get_credentials("123456789012").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);

    // Nor does the one before stay in force.
    let ecr = Ecr::start().await.unwrap();
    plugin.configure(ecr_configuration(&ecr)).await.unwrap();
    plugin.configure(json!({"insecure": []})).await.unwrap_err();
    let status = plugin.get_credentials("123456789012").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn an_unknown_function_is_not_found() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let status = plugin.invoke("aws:index/getRegion:getRegion", json!({})).await.map(drop).unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    for part in ["aws:index/getRegion:getRegion", GET_CREDENTIALS, VERSION, "official aws provider"] {
        assert!(status.message().contains(part), "{status:?}");
    }
}

#[tokio::test]
async fn cancel_aborts_what_is_in_flight_and_nothing_else() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::Never);
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let call = plugin.begin(json!({"registryId": "123456789012"}));
    ecr.wait_for_requests(1).await;
    plugin.client.cancel(()).await.unwrap();
    assert_eq!(call.await.unwrap().map(drop).unwrap_err().code(), Code::Cancelled);
    plugin.client.cancel(()).await.unwrap();
    plugin.get_credentials("123456789012").await.unwrap();
}

#[tokio::test]
async fn mappings_are_empty() {
    let mut plugin = Plugin::start().await;
    let mapping = plugin.client.get_mapping(rpc::GetMappingRequest::default()).await.unwrap().into_inner();
    assert_eq!(mapping, rpc::GetMappingResponse::default());
    let mappings = plugin.client.get_mappings(rpc::GetMappingsRequest::default()).await.unwrap().into_inner();
    assert_eq!(mappings, rpc::GetMappingsResponse::default());
}

#[tokio::test]
async fn all_else_is_refused_with_a_way_to_the_official_provider() {
    let plugin = Plugin::start().await;
    let mut client = plugin.client.clone();
    let refused = [
        client.parameterize(rpc::ParameterizeRequest::default()).await.map(drop),
        client.call(rpc::CallRequest::default()).await.map(drop),
        client.construct(rpc::ConstructRequest::default()).await.map(drop),
        client.check(rpc::CheckRequest::default()).await.map(drop),
        client.diff(rpc::DiffRequest::default()).await.map(drop),
        client.create(rpc::CreateRequest::default()).await.map(drop),
        client.read(rpc::ReadRequest::default()).await.map(drop),
        client.list(rpc::ListRequest::default()).await.map(drop),
        client.update(rpc::UpdateRequest::default()).await.map(drop),
        client.delete(rpc::DeleteRequest::default()).await.map(drop),
    ];
    for result in refused {
        let status = result.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
        for part in [GET_CREDENTIALS, "official aws provider", "pluginDownloadURL", "invoke transform"] {
            assert!(status.message().contains(part), "{status:?}");
        }
    }
}

/// The engine's own limit.
#[tokio::test]
async fn messages_may_have_400_mebibytes_and_not_more() {
    const MEBIBYTE: usize = 1024 * 1024;
    let mut plugin = Plugin::start().await;
    let news = |mebibytes: usize| json!({"notOurs": "x".repeat(mebibytes * MEBIBYTE)});
    let inputs = plugin.check_config(news(399)).await.unwrap().inputs.unwrap();
    assert_eq!(values::json(inputs)["notOurs"].as_str().unwrap().len(), 399 * MEBIBYTE);
    let mut client = plugin.client.clone().max_encoding_message_size(500 * MEBIBYTE);
    let request = rpc::CheckRequest { news: Some(properties(news(401))), ..Default::default() };
    assert_eq!(client.check_config(request).await.map(drop).unwrap_err().code(), Code::OutOfRange);
    plugin.client.get_plugin_info(()).await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_none_does_not_end_the_plugin() {
    let mut plugin = Plugin::start().await;
    let channel = tonic::transport::Channel::from_shared(format!("http://127.0.0.1:{}", plugin.port)).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    // A health check's message with a string where Invoke has its arguments: no valid InvokeRequest.
    let request = rpc::LogRequest { message: "\u{ff}".repeat(3), ..Default::default() };
    let path = "/pulumirpc.ResourceProvider/Invoke".parse().unwrap();
    let codec = tonic_prost::ProstCodec::<rpc::LogRequest, rpc::InvokeResponse>::default();
    client.unary(tonic::Request::new(request), path, codec).await.map(drop).unwrap_err();
    plugin.client.get_plugin_info(()).await.unwrap();
}

#[tokio::test]
async fn arguments_nested_too_deep_do_not_end_the_plugin() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let deep = (0..200).fold(json!(null), |value, _| json!([value]));
    plugin.invoke(GET_CREDENTIALS, json!({"registryId": deep})).await.map(drop).unwrap_err();
    plugin.get_credentials("123456789012").await.unwrap();
}

#[tokio::test]
async fn an_rpc_without_a_name_is_answered() {
    let plugin = Plugin::start().await;
    let channel = tonic::transport::Channel::from_shared(format!("http://127.0.0.1:{}", plugin.port)).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let status = client.unary(tonic::Request::new(()), "/".parse().unwrap(), codec).await.unwrap_err();
    assert_ne!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn warnings_and_debug_lines_reach_the_engine() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::start().await;
    let engine = Engine::start().await.unwrap();
    plugin.client.attach(rpc::PluginAttach { address: engine.address() }).await.unwrap();
    let mut configuration = ecr_configuration(&ecr);
    configuration["notOurs"] = Json::Bool(true);
    plugin.configure(configuration).await.unwrap();
    assert_eq!(engine.wait_for_line("aws:notOurs").await, rpc::LogSeverity::Debug);

    let request = rpc::ProviderHandshakeRequest { engine_address: "no such\naddress".to_owned(), ..Default::default() };
    plugin.client.handshake(request).await.unwrap();
    assert_eq!(engine.wait_for_line("the engine's address").await, rpc::LogSeverity::Warning);
}
