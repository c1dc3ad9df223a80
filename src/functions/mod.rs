//! The functions that this plugin serves: the table of tokens, then one file a function.
//!
//! To add one: describe it in `schema.json`, copy the nearest file, add its row to [`FUNCTIONS`].

mod authorization;
mod get_credentials;
mod registry_id;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use serde::de::DeserializeOwned;

use crate::{
    aws::{Client, Configuration, Invalid, Namespace},
    cache::{Folder, Memory},
    plugin::{Failure, InvokeError, Json, Package, Provider, Results},
};

/// A function of the schema.
#[derive(Debug)]
pub struct Function {
    /// Its token in `schema.json`, for example `aws:ecr/getCredentials:getCredentials`.
    pub token: &'static str,
    call: for<'a> fn(&'a Configured, Json) -> Call<'a>,
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<Results, InvokeError>> + Send + 'a>>;

/// Every function, as the schema lists them.
pub const FUNCTIONS: &[Function] = &[get_credentials::FUNCTION];

/// The functions, as the provider configuration says.
#[derive(Debug)]
pub struct EcrProvider {
    package: &'static Package,
    shared_tokens: Option<Folder>,
    configured: RwLock<Option<Configured>>,
}

/// What the functions work with from one Configure to the next. Clones share one state.
#[derive(Debug, Clone)]
struct Configured {
    /// What stands in front of the configuration's keys.
    namespace: Namespace,
    client: Arc<Client>,
    memory: Memory<Results>,
    shared_tokens: Option<Folder>,
}

impl EcrProvider {
    /// The functions of a package. `shared_tokens` is where processes share tokens.
    pub fn new(package: &'static Package, shared_tokens: Option<Folder>) -> Self {
        Self { package, shared_tokens, configured: RwLock::default() }
    }

    const fn namespace(&self) -> Namespace {
        Namespace(self.package.name)
    }

    fn parse(&self, configuration: Json) -> Result<Configuration, Vec<Failure>> {
        let configuration = Configuration::from_json(self.namespace(), configuration);
        configuration.map_err(|invalid| invalid.into_iter().map(Failure::from).collect())
    }
}

impl Provider for EcrProvider {
    fn check(&self, configuration: Json) -> Result<(), Vec<Failure>> {
        self.parse(configuration).map(drop)
    }

    fn configure(&self, configuration: Json) -> Result<(), Vec<Failure>> {
        let client = Arc::new(Client::new(self.parse(configuration)?));
        let (namespace, shared_tokens) = (self.namespace(), self.shared_tokens.clone());
        let configured = Configured { namespace, client, memory: Memory::default(), shared_tokens };
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = Some(configured);
        Ok(())
    }

    async fn invoke(&self, token: &str, arguments: Json) -> Result<Results, InvokeError> {
        let function = FUNCTIONS.iter().find(|function| (self.package.token)(function.token) == token);
        let function = function.ok_or_else(|| InvokeError::Failed(format!("{token} is not served")))?;
        let configured = self.configured.read().unwrap_or_else(PoisonError::into_inner).clone();
        let configured = configured.ok_or_else(|| InvokeError::Failed("the provider is not configured".to_owned()))?;
        (function.call)(&configured, arguments).await
    }
}

impl From<Invalid> for Failure {
    fn from(Invalid { key, reason }: Invalid) -> Self {
        Self::new(key, reason)
    }
}

/// Calls `function` with its arguments as a type. The schema was checked before, so an argument that does not fit means
/// that the type and the schema disagree.
async fn typed<A, F>(arguments: Json, function: impl FnOnce(A) -> F) -> Result<Results, InvokeError>
where
    A: DeserializeOwned,
    F: Future<Output = Result<Results, InvokeError>>,
{
    let arguments = serde_json::from_value(arguments.into());
    let internal = |error| InvokeError::Failed(format!("the schema and the code disagree: {error}"));
    function(arguments.map_err(internal)?).await
}
