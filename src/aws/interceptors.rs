//! What is added to each call.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef, InterceptorContext},
        },
        retries::classifiers::{ClassifyRetry, RetryAction},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

/// Counts how often a call is tried. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Tries(Arc<AtomicU32>);

impl Tries {
    /// The tries so far.
    pub(super) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for Tries {
    fn name(&self) -> &'static str {
        "Tries"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Adds the user's products to the `User-Agent` header.
#[derive(Debug, Clone)]
pub(super) struct UserAgents(pub(super) Vec<String>);

impl Intercept for UserAgents {
    fn name(&self) -> &'static str {
        "UserAgents"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let sdk = headers.get("user-agent").unwrap_or_default().to_owned();
        headers.try_insert("user-agent", format!("{sdk} {}", self.0.join(" ")))?;
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

/// Has calls tried again whose answer is HTTP status 429, which the SDK does only if it knows the error's code.
#[derive(Debug)]
pub(super) struct TooManyRequests;

impl ClassifyRetry for TooManyRequests {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|response| response.status().as_u16()) {
            Some(429) => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "TooManyRequests"
    }
}
