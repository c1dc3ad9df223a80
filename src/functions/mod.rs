//! The functions that this plugin serves: the table of tokens, then one file a function.
//!
//! To add one: describe it in `schema.json`, copy the nearest file, add its row to [`FUNCTIONS`].

mod authorization;
mod ecr_get_authorization_token;
mod ecr_get_credentials;
mod ecr_get_image;
mod ecr_get_images;
mod ecr_get_lifecycle_policy_document;
mod ecr_get_pull_through_cache_rule;
mod ecr_get_repositories;
mod ecr_get_repository;
mod ecr_get_repository_creation_template;
mod ecrpublic_get_authorization_token;
mod ecrpublic_get_images;
mod lifecycle_policy;
mod names;
mod policy;
mod registry_id;
mod values;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use serde::de::DeserializeOwned;

use crate::{
    aws::{Client, Configuration, Error, Invalid, Namespace, Registry, tell_region},
    cache::{Folder, Memory, Token, Window},
    memory,
    plugin::{Failure, InvokeError, Json, Package, Provider, Results},
};

/// A function of the schema.
#[derive(Debug)]
pub struct Function {
    /// Its token in `schema.json`, for example `aws:ecr/getCredentials:getCredentials`.
    pub token: &'static str,
    call: fn(&'static str, Configured, Json) -> Call,
}

type Call = Pin<Box<dyn Future<Output = Result<Answer, InvokeError>> + Send>>;

/// Every function, as the schema lists them.
pub const FUNCTIONS: &[Function] = &[
    ecr_get_authorization_token::FUNCTION,
    ecr_get_credentials::FUNCTION,
    ecr_get_image::FUNCTION,
    ecr_get_images::FUNCTION,
    ecr_get_lifecycle_policy_document::FUNCTION,
    ecr_get_pull_through_cache_rule::FUNCTION,
    ecr_get_repositories::FUNCTION,
    ecr_get_repository::FUNCTION,
    ecr_get_repository_creation_template::FUNCTION,
    ecrpublic_get_authorization_token::FUNCTION,
    ecrpublic_get_images::FUNCTION,
];

impl Function {
    /// The function whose arguments are `A`.
    const fn new<A: Arguments>(token: &'static str) -> Self {
        Self { token, call: |token, provider, arguments| Box::pin(call::<A>(token, provider, arguments)) }
    }
}

/// The arguments of a function as a type. All functions that call AWS have the argument `region` besides.
trait Arguments: DeserializeOwned + Send + 'static {
    /// Says what is wrong, beyond what the schema tells.
    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// What is asked for, for people: `registry 123456789012`.
    fn subject(&self) -> String;

    /// The results.
    fn answer(self, place: Place) -> impl Future<Output = Result<Answer, Error>> + Send;
}

/// Where a function is called.
#[derive(Debug, Clone)]
struct Place {
    provider: Configured,
    region: String,
}

/// What a function returns, and when equal calls may be given the same; without a window they never are, but share
/// their call while it is in flight.
struct Answer {
    results: Results,
    window: Option<Window>,
}

impl From<Results> for Answer {
    fn from(results: Results) -> Self {
        Self { results, window: None }
    }
}

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
    package: &'static Package,
    client: Arc<Client>,
    /// By the function's token and the arguments, JSON.
    answers: Memory<(&'static str, String), Results, InvokeError>,
    tokens: Memory<Registry, Token, Error>,
    shared_tokens: Option<Folder>,
}

impl EcrProvider {
    /// The functions of a package. `shared_tokens` is where processes share tokens.
    pub fn new(package: &'static Package, shared_tokens: Option<Folder>) -> Self {
        Self { package, shared_tokens, configured: RwLock::default() }
    }

    /// What calls AWS as the present configuration says.
    pub fn client(&self) -> Option<Arc<Client>> {
        let configured = self.configured.read().unwrap_or_else(PoisonError::into_inner);
        configured.as_ref().map(|configured| configured.client.clone())
    }
}

impl Provider for EcrProvider {
    type Configuration = Configuration;

    fn check(&self, configuration: Json) -> Result<Configuration, Vec<Failure>> {
        let configuration = Configuration::from_json(namespace(self.package), configuration);
        configuration.map_err(|invalid| invalid.into_iter().map(Failure::from).collect())
    }

    fn configure(&self, configuration: Configuration) {
        let client = Arc::new(Client::new(configuration));
        let (answers, tokens) = (Memory::default(), Memory::default());
        let (package, shared_tokens) = (self.package, self.shared_tokens.clone());
        let configured = Configured { package, client, answers, tokens, shared_tokens };
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = Some(configured);
    }

    async fn invoke(&self, token: &str, arguments: Json) -> Result<Results, InvokeError> {
        let function = FUNCTIONS.iter().find(|function| (self.package.token)(function.token) == token);
        let function = function.ok_or_else(|| InvokeError::Failed(format!("{token} is not served")))?;
        let configured = self.configured.read().unwrap_or_else(PoisonError::into_inner).clone();
        let configured = configured.ok_or_else(|| InvokeError::Failed("the provider is not configured".to_owned()))?;
        let key = (function.token, serde_json::to_string(&arguments).map_err(|error| disagreement(&error))?);
        let provider = configured.clone();
        let call = || async move {
            // Within the call, which whoever waits for it may go on with.
            let (answer, kept) = memory::keeping((function.call)(function.token, provider, arguments)).await;
            answer.map(|answer| (answer.results.with(kept), answer.window))
        };
        configured.answers.get(key, call).await
    }
}

impl From<Invalid> for Failure {
    fn from(Invalid { key, reason }: Invalid) -> Self {
        Self::new(key, reason)
    }
}

/// What names a Region that is given to a function.
pub(crate) const BY_ARGUMENT: &str = "the argument region";

/// What stands in front of the configuration's keys.
const fn namespace(package: &Package) -> Namespace {
    Namespace { name: package.name, version: package.version }
}

/// What a function says that fails: `FUNCTION for SUBJECT in REGION: WHAT HAPPENED. WHAT TO DO.`
pub(crate) fn sentence(package: &Package, token: &str, subject: &str, error: &Error) -> String {
    let token = (package.token)(token);
    let function = token.rsplit(':').next().unwrap_or_default();
    format!("{function} for {subject}: {error}. {}.", error.advice(namespace(package)))
}

/// Calls the function with this token.
async fn call<A: Arguments>(token: &str, provider: Configured, arguments: Json) -> Result<Answer, InvokeError> {
    let region = arguments.get("region").and_then(|region| region.as_str()).filter(|region| !region.is_empty());
    let region = region.map(str::to_owned);
    let arguments: A = typed(arguments)?;
    arguments.check()?;
    let (subject, package) = (arguments.subject(), provider.package);
    let failed = |subject: &str, error: &Error| InvokeError::Failed(sentence(package, token, subject, error));
    let region = match region {
        Some(region) => {
            tell_region(&region, BY_ARGUMENT);
            region
        }
        None => provider.client.region().await.map_err(|error| failed(&subject, &error))?,
    };
    let located = format!("{subject} in {}", crate::redaction::Typed(&region));
    arguments.answer(Place { provider, region }).await.map_err(|error| match error {
        // The error says what may be shown of it.
        Error::InvalidRegion(_) => failed(&subject, &error),
        _ => failed(&located, &error),
    })
}

/// The arguments as a type.
fn typed<A: DeserializeOwned>(arguments: Json) -> Result<A, InvokeError> {
    serde_json::from_value(arguments.into()).map_err(|error| disagreement(&error))
}

/// The schema was checked before, so an argument that does not fit means that the type and the schema disagree.
fn disagreement(error: &serde_json::Error) -> InvokeError {
    InvokeError::Failed(format!("the schema and the code disagree: {error}"))
}
