//! A panic in a call ends that call alone.

use std::sync::atomic::{AtomicBool, Ordering};

use pulumi_resource_aws::{
    packages,
    plugin::{Engine, Failure, InvokeError, Json, Provider, Results, Schema, SecretResults, Service, log},
    proto::pulumirpc::{ConfigureRequest, InvokeRequest, resource_provider_server::ResourceProvider},
};
use serde_json::json;
use support::{plugin::GET_CREDENTIALS, values::properties};
use tonic::{Code, Request};

/// A provider that panics in its first call.
struct Panics(AtomicBool);

impl Provider for Panics {
    type Configuration = ();

    fn check(&self, _: Json) -> Result<(), Vec<Failure>> {
        Ok(())
    }

    fn configure(&self, (): ()) {}

    async fn invoke(&self, _: &str, _: Json) -> Result<Results, InvokeError> {
        assert!(!self.0.swap(false, Ordering::Relaxed), "dummy-secret of a server");
        Ok(Results::new([("key", &"value".to_owned())]))
    }
}

#[tokio::test]
async fn a_panic_ends_the_call_that_it_is_in_and_no_other() {
    let schema = Schema::of(&packages::AWS).unwrap();
    let provider = Panics(AtomicBool::new(true));
    let service = Service::new(provider, schema, Engine::new(log::install(0)), SecretResults::Never);
    service.configure(Request::new(ConfigureRequest::default())).await.unwrap();
    let arguments = properties(json!({"registryId": "123456789012"}));
    let call = || {
        service.invoke(Request::new(InvokeRequest { tok: GET_CREDENTIALS.to_owned(), args: Some(arguments.clone()) }))
    };
    let status = call().await.map(drop).unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(
        status.message(),
        "aws:ecr/getCredentials:getCredentials ended by an error of this plugin's own; the log says where. Please report it. Other calls go on"
    );
    call().await.expect("the next call is served");
}
