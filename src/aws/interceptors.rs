//! What is added to each call.

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef},
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, retry::RetryConfig};

/// Adds the user's products to the `User-Agent` header, and keeps the SDK from retries and from a rate limiter of its own:
/// [`super::patience`] has both. The mode that the user set is reported to AWS before.
#[derive(Debug)]
pub(super) struct EachCall {
    pub(super) user_agents: Vec<String>,
}

impl Intercept for EachCall {
    fn name(&self) -> &'static str {
        "EachCall"
    }

    fn read_after_serialization(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(RetryConfig::disabled());
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if !self.user_agents.is_empty() {
            let headers = context.request_mut().headers_mut();
            let sdk = headers.get("user-agent").unwrap_or_default().to_owned();
            headers.try_insert("user-agent", format!("{sdk} {}", self.user_agents.join(" ")))?;
        }
        Ok(())
    }
}

/// Has an endpoint's URL called as it is written: the SDK adds a slash to a path.
#[derive(Debug, Clone)]
pub(super) struct AsWritten {
    path: String,
}

impl AsWritten {
    /// Calls of `url`.
    pub(super) fn new(url: &str) -> Self {
        let path = url.parse::<http::Uri>().map(|url| url.path().to_owned()).unwrap_or_default();
        Self { path }
    }
}

impl Intercept for AsWritten {
    fn name(&self) -> &'static str {
        "AsWritten"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let uri: http::Uri = request.uri().parse()?;
        if self.path != "/" && uri.path().strip_suffix('/') == Some(&self.path) {
            let shorter = request.uri().replacen(uri.path(), &self.path, 1);
            request.set_uri(shorter)?;
        }
        Ok(())
    }
}

/// Ends a request before it is sent, and keeps its URL.
#[derive(Debug, Clone, Default)]
pub(super) struct Rehearsal(pub(super) Arc<OnceLock<String>>);

impl Intercept for Rehearsal {
    fn name(&self) -> &'static str {
        "Rehearsal"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _set_once = self.0.set(context.request().uri().to_owned());
        Err("it was not to be sent".into())
    }
}
