//! The RPCs of the provider protocol.

use std::{
    collections::{BTreeSet, HashMap},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::FutureExt;
use prost::bytes::Bytes;
use prost_types::Struct;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait};

use super::{
    Checked, CheckedConfiguration, Engine, Failure, InvokeError, Json, Provider, Schema,
    log::Hidden,
    peer::Peers,
    property::{self, Accepts, Object, Value},
    schema::top_level,
    threads,
};
use crate::{
    proto::pulumirpc as rpc,
    redaction::{self, Secrets, Typed},
};

/// Set to `true`, the results that the schema calls secret are secret always.
const SECRET_RESULTS: &str = "PULUMI_AWS_ECR_SECRET_RESULTS";

/// Which results are secret although no argument was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretResults {
    /// None, as with the official provider. Go's direct form of an invoke takes no secrets.
    Never,
    /// Those that the schema calls secret.
    AsInSchema,
}

impl SecretResults {
    /// What the environment variable `PULUMI_AWS_ECR_SECRET_RESULTS` says: absent, empty, `false` or `0` is
    /// [`Self::Never`]; anything else is [`Self::AsInSchema`], since whoever sets it wants secrets kept.
    pub fn from_env() -> Self {
        match std::env::var_os(SECRET_RESULTS) {
            None => Self::Never,
            Some(value) if value.is_empty() || value == "false" || value == "0" => Self::Never,
            Some(_) => Self::AsInSchema,
        }
    }
}

/// The provider protocol for a [`Provider`].
#[derive(Debug)]
pub struct Service<P> {
    provider: P,
    schema: Schema,
    engine: Engine,
    secret_results: SecretResults,
    calls: Calls,
    session: Mutex<Session>,
    /// The texts of the present configuration that are secret.
    hidden: Mutex<Arc<Hidden>>,
}

/// What the engine that calls at present said of itself.
#[derive(Debug, Clone, Copy, Default)]
struct Session {
    accepts: Accepts,
    accepts_secrets: bool,
    configured: bool,
}

/// The calls in flight. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    cancellation: Arc<Mutex<CancellationToken>>,
}

impl Calls {
    /// Aborts the calls in flight; later ones are not touched.
    pub fn cancel(&self) {
        std::mem::take(&mut *lock(&self.cancellation)).cancel();
    }

    /// The result of `call`, unless it is cancelled before.
    pub(super) async fn run<T>(&self, call: impl Future<Output = T>) -> Result<T, Status> {
        let cancellation = lock(&self.cancellation).clone();
        let result = cancellation.run_until_cancelled(call).await;
        result.ok_or_else(|| Status::cancelled("the operation was cancelled before the function returned"))
    }
}

/// A panic while the lock was held cannot leave these values half-written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P: Provider> Service<P> {
    /// The protocol for `provider`, whose functions and configuration `schema` describes.
    pub fn new(provider: P, schema: Schema, engine: Engine, secret_results: SecretResults) -> Self {
        let (calls, session, hidden) = (Calls::default(), Mutex::default(), Mutex::default());
        Self { provider, schema, engine, secret_results, calls, session, hidden }
    }

    /// The calls in flight.
    pub fn calls(&self) -> Calls {
        self.calls.clone()
    }

    /// What tells who is at the other end of a connection.
    pub(super) fn peers(&self) -> Peers {
        self.engine.peers()
    }

    /// Whether results are secret although no argument was.
    fn keeps_secrets(&self) -> bool {
        self.schema.package().always_secret || self.secret_results == SecretResults::AsInSchema
    }

    fn session(&self) -> Session {
        *lock(&self.session)
    }

    fn connect(&self, engine_address: &str) {
        if engine_address.is_empty() {
            return;
        }
        if let Err(error) = self.engine.connect(engine_address) {
            let address = Typed(engine_address);
            log::warn!("the engine's address {address} is not host:port, so nothing is logged: {error}");
        }
    }

    /// What is served.
    pub const fn provider(&self) -> &P {
        &self.provider
    }

    /// The configuration of an engine that sends `variables` only: text, by `PACKAGE:config:KEY`. What is secret it does not
    /// say, so the schema does.
    fn variables(&self, variables: HashMap<String, String>) -> Object {
        let prefix = format!("{}:config:", self.schema.package().name);
        let keys = variables.into_iter().filter_map(|(key, text)| {
            let (key, text) = (key.strip_prefix(&prefix)?.to_owned(), Value::String(text));
            let is_secret = self.schema.is_secret_key(&key);
            Some((key, if is_secret { Value::Secret(Box::new(text)) } else { text }))
        });
        keys.collect()
    }

    /// The configuration with the texts in it that must not be shown, if nothing is wrong with any of its values.
    fn check_configuration(&self, configuration: Object) -> Result<(P::Configuration, Vec<String>), Vec<Failure>> {
        let CheckedConfiguration { checked, failures: mut wrong, left_out } =
            self.schema.check_configuration(configuration);
        let Checked { values, secrets } = checked;
        wrong.extend(too_long(&values));
        let hidden = hidden_texts(&values, &secrets);
        // What else is wrong is said at the same time, but nothing of keys whose values are not there to be looked at.
        match self.provider.check(values) {
            Ok(configuration) if wrong.is_empty() => return Ok((configuration, hidden)),
            Ok(_) => {}
            Err(failures) => {
                let seen = failures.into_iter().filter(|failure| !left_out.contains(top_level(&failure.property)));
                wrong.extend(hide(seen.collect(), &secrets, |key| self.schema.configuration_description(key)));
            }
        }
        Err(wrong)
    }

    /// The results of the function `token`, on the wire.
    async fn call(&self, token: &str, arguments: Object, session: Session) -> Result<Bytes, InvokeError> {
        let arguments = self.schema.check_arguments(token, arguments).map_err(InvokeError::Arguments)?;
        let Checked { values, secrets } = arguments;
        // A configuration that came meanwhile does not know what this one has to hide.
        let of_configuration = lock(&self.hidden).clone();
        let of_arguments = (!secrets.is_empty()).then(|| Hidden::new(Secrets::new(texts(&values))));
        let show = |text: &str| {
            let shown = of_configuration.show(text, MAX_MESSAGE);
            of_arguments.iter().fold(shown, |shown, secrets| secrets.show(&shown, MAX_MESSAGE))
        };
        threads::ready().map_err(|error| InvokeError::Failed(format!("{token}: {error}")))?;
        let results = self.provider.invoke(token, values).await.map_err(|error| match error {
            InvokeError::Arguments(failures) => InvokeError::Arguments(hide(failures, &secrets, |argument| {
                self.schema.argument_description(token, argument)
            })),
            InvokeError::Failed(text) => InvokeError::Failed(show(&text)),
        })?;
        let is_secret = |name: &str| {
            session.accepts_secrets
                && (!secrets.is_empty() || self.keeps_secrets() && self.schema.is_secret_result(token, name))
        };
        let results = results.encode(is_secret, session.accepts);
        results.map_err(|error| InvokeError::Failed(format!("{token} returned what cannot be told: {error}")))
    }

    /// Refuses an RPC that only resource providers answer.
    fn refuse<T>(&self, what: &str) -> Result<T, Status> {
        let functions = self.schema.tokens().collect::<Vec<_>>().join(", ");
        let package = self.schema.package();
        Err(Status::unimplemented(format!(
            "{package} does not serve {what}. It serves only: {functions}. {}",
            package.others
        )))
    }
}

/// How much of a message is shown, in characters. gRPC carries it in a header, which has a limit.
const MAX_MESSAGE: usize = 4000;

/// A message that quotes what someone sent, as it may be shown.
fn shown(text: &str) -> String {
    Secrets::default().show(text, MAX_MESSAGE)
}

/// The texts among values.
fn texts(values: &Json) -> Vec<String> {
    values.values().filter_map(|value| value.as_str()).map(str::to_owned).collect()
}

/// The texts inside the values that are secret, and the parts of them by which messages call them. The users and passwords
/// of all URLs are secret.
fn hidden_texts(values: &Json, secrets: &BTreeSet<String>) -> Vec<String> {
    let mut hidden = Vec::new();
    for value in secrets.iter().filter_map(|name| values.get(name)) {
        collect_texts(value, &mut hidden);
    }
    let parts: Vec<_> = hidden.iter().flat_map(|text| parts(text)).map(str::to_owned).collect();
    let mut all = Vec::new();
    values.values().for_each(|value| collect_texts(value, &mut all));
    let users = all.iter().flat_map(|text| redaction::user(text)).map(str::to_owned);
    hidden.into_iter().chain(parts).chain(users).collect()
}

fn collect_texts(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        serde_json::Value::Object(values) => values.values().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}

/// How long a property of the configuration may be, in bytes, written as JSON. Calls that wait keep the configuration that they
/// began with.
const MAX_PROPERTY: usize = 64 * 1024;

fn too_long(values: &Json) -> Vec<Failure> {
    let long = values.iter().filter(|(_, value)| value.to_string().len() > MAX_PROPERTY).map(|(key, _)| key);
    long.map(|key| Failure::new(key.clone(), format!("is longer than {} KiB", MAX_PROPERTY >> 10))).collect()
}

/// Of a URL the host with and without its port, the user and password, and the path; of a path the part that is not
/// the home folder; of an identifier with colons and slashes its long parts.
fn parts(text: &str) -> Vec<&str> {
    if let Some((_, rest)) = text.split_once("://") {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let (user_name, password) = user.split_once(':').unwrap_or((user, ""));
        return vec![authority, host, name, user_name, password, path.trim_end_matches('/')];
    }
    if let Some(path) = text.strip_prefix("~/") {
        return vec![path];
    }
    let is_identifier = text.starts_with("arn:");
    text.split([':', '/']).filter(|part| is_identifier && part.len() > 6 && *part != "assumed-role").collect()
}

/// Takes what is wrong with secret properties out: it may quote any part of the value. The schema's description stands
/// in its place.
fn hide<'a>(
    mut failures: Vec<Failure>,
    secrets: &BTreeSet<String>,
    description: impl Fn(&str) -> &'a str,
) -> Vec<Failure> {
    for Failure { property, reason } in &mut failures {
        let name = top_level(property);
        if secrets.contains(name) {
            *reason = format!("is not valid; it is not shown, since it is secret. {}", description(name));
        }
    }
    failures
}

/// What a panic ends: this call alone.
fn panicked(token: &str) -> InvokeError {
    InvokeError::Failed(format!(
        "{token} ended by an error of this plugin's own; the log says where. Please report it. Other calls go on"
    ))
}

fn failures(failures: Vec<Failure>) -> Vec<rpc::CheckFailure> {
    let failures = failures.into_iter().map(|Failure { property, reason }| rpc::CheckFailure {
        property: Typed(&property).to_string(),
        reason: shown(&reason),
    });
    failures.collect()
}

impl From<property::DecodeError> for Failure {
    fn from(error: property::DecodeError) -> Self {
        Self::new(error.path, format!("is malformed: {}", error.problem))
    }
}

impl From<InvokeError> for Result<rpc::InvokeResponse, Status> {
    fn from(error: InvokeError) -> Self {
        match error {
            InvokeError::Arguments(wrong) => Ok(rpc::InvokeResponse { r#return: None, failures: failures(wrong) }),
            InvokeError::Failed(message) => Err(Status::unknown(message)),
        }
    }
}

/// The names of the properties that differ.
fn changed(olds: &Struct, news: &Struct) -> Vec<String> {
    let mut changed: Vec<_> = news
        .fields
        .iter()
        .filter(|(key, value)| olds.fields.get(*key) != Some(value))
        .chain(olds.fields.iter().filter(|(key, _)| !news.fields.contains_key(*key)))
        .map(|(key, _)| key.clone())
        .collect();
    changed.sort();
    changed
}

type Reply<T> = Result<Response<T>, Status>;

#[async_trait]
impl<P: Provider> rpc::resource_provider_server::ResourceProvider for Service<P> {
    async fn handshake(
        &self,
        request: Request<rpc::ProviderHandshakeRequest>,
    ) -> Reply<rpc::ProviderHandshakeResponse> {
        let request = request.into_inner();
        self.connect(&request.engine_address);
        let accepts = Accepts { byte_strings: request.accepts_byte_string };
        // The configuration stays: engines that attach shake hands for each of their providers, one between another's
        // Configure and Invoke.
        lock(&self.session).accepts = accepts;
        Ok(Response::new(rpc::ProviderHandshakeResponse {
            accept_secrets: true,
            accept_resources: true,
            accept_outputs: false,
            supports_autonaming_configuration: false,
            accepts_byte_string: accepts.byte_strings,
        }))
    }

    async fn get_plugin_info(&self, _: Request<()>) -> Reply<rpc::PluginInfo> {
        Ok(Response::new(rpc::PluginInfo { version: self.schema.package().version.to_owned() }))
    }

    async fn attach(&self, request: Request<rpc::PluginAttach>) -> Reply<()> {
        self.connect(&request.into_inner().address);
        Ok(Response::new(()))
    }

    async fn get_schema(&self, request: Request<rpc::GetSchemaRequest>) -> Reply<rpc::GetSchemaResponse> {
        let request = request.into_inner();
        if request.version != 0 {
            let message = format!("the schema's format has version 0, not {}", request.version);
            return Err(Status::invalid_argument(message));
        }
        if !request.subpackage_name.is_empty() {
            return Err(Status::invalid_argument(format!(
                "this plugin has no package {}: it is not parameterized",
                Typed(&request.subpackage_name)
            )));
        }
        let schema = self.schema.text().map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(rpc::GetSchemaResponse { schema: schema.into_owned() }))
    }

    async fn get_mapping(&self, _: Request<rpc::GetMappingRequest>) -> Reply<rpc::GetMappingResponse> {
        Ok(Response::new(rpc::GetMappingResponse::default()))
    }

    async fn get_mappings(&self, _: Request<rpc::GetMappingsRequest>) -> Reply<rpc::GetMappingsResponse> {
        Ok(Response::new(rpc::GetMappingsResponse::default()))
    }

    async fn check_config(&self, request: Request<rpc::CheckRequest>) -> Reply<rpc::CheckResponse> {
        let inputs = request.into_inner().news.unwrap_or_default();
        let result = property::decode(inputs.clone(), self.session().accepts)
            .map_err(|error| vec![error.into()])
            .and_then(|configuration| self.check_configuration(configuration).map(drop));
        let failures = result.err().map(failures).unwrap_or_default();
        Ok(Response::new(rpc::CheckResponse { inputs: Some(inputs), failures }))
    }

    async fn diff_config(&self, request: Request<rpc::DiffRequest>) -> Reply<rpc::DiffResponse> {
        let request = request.into_inner();
        let olds = request.old_inputs.or(request.olds).unwrap_or_default();
        let diffs = changed(&olds, &request.news.unwrap_or_default());
        let changes = if diffs.is_empty() {
            rpc::diff_response::DiffChanges::DiffNone
        } else {
            rpc::diff_response::DiffChanges::DiffSome
        };
        Ok(Response::new(rpc::DiffResponse { replaces: Vec::new(), changes: changes.into(), diffs }))
    }

    async fn configure(&self, request: Request<rpc::ConfigureRequest>) -> Reply<rpc::ConfigureResponse> {
        let request = request.into_inner();
        let session = self.session();
        let result = match request.args {
            Some(args) => property::decode(args, session.accepts).map_err(|error| vec![error.into()]),
            None => Ok(self.variables(request.variables)),
        };
        lock(&self.session).configured = false;
        let checked = result.and_then(|configuration| self.check_configuration(configuration));
        let (configuration, hidden) = checked.map_err(|wrong| {
            let package = self.schema.package().name;
            let wrong: Vec<_> = wrong.iter().map(|failure| format!("{package}:{failure}")).collect();
            Status::invalid_argument(shown(&format!("the provider configuration is not valid: {}", wrong.join("; "))))
        })?;
        *lock(&self.hidden) = Arc::new(Hidden::new(Secrets::new(&hidden)));
        self.provider.configure(configuration);
        *lock(&self.session) = Session { accepts_secrets: request.accept_secrets, configured: true, ..session };
        Ok(Response::new(rpc::ConfigureResponse {
            accept_secrets: true,
            supports_preview: true,
            accept_resources: true,
            accept_outputs: false,
        }))
    }

    async fn invoke(&self, request: Request<rpc::InvokeRequest>) -> Reply<rpc::InvokeResponse> {
        let rpc::InvokeRequest { tok, args } = request.into_inner();
        if !self.schema.has_function(&tok) {
            let package = self.schema.package();
            let served = self.schema.tokens().collect::<Vec<_>>().join(", ");
            return Err(Status::not_found(format!(
                "{package} has no function {}. It serves only: {served}. {}",
                Typed(&tok),
                package.others
            )));
        }
        let session = self.session();
        if !session.configured {
            return Err(Status::failed_precondition("the plugin was not configured: the engine must call Configure"));
        }
        let arguments = match property::decode(args.unwrap_or_default(), session.accepts) {
            Ok(arguments) => arguments,
            Err(error) => return Result::from(InvokeError::from(Failure::from(error))).map(Response::new),
        };
        let call = AssertUnwindSafe(self.call(&tok, arguments, session)).catch_unwind();
        match self.calls.run(call).await?.unwrap_or_else(|_panic| Err(panicked(&tok))) {
            Ok(results) => Ok(rpc::InvokeResponse { r#return: Some(results), failures: Vec::new() }),
            Err(error) => error.into(),
        }
        .map(Response::new)
    }

    async fn cancel(&self, _: Request<()>) -> Reply<()> {
        self.calls.cancel();
        Ok(Response::new(()))
    }

    type ListStream = tokio_stream::Empty<Result<rpc::ListResponse, Status>>;

    async fn list(&self, _: Request<rpc::ListRequest>) -> Reply<Self::ListStream> {
        self.refuse("lists of resources")
    }

    async fn parameterize(&self, _: Request<rpc::ParameterizeRequest>) -> Reply<rpc::ParameterizeResponse> {
        self.refuse("parameterized packages")
    }

    async fn call(&self, _: Request<rpc::CallRequest>) -> Reply<rpc::CallResponse> {
        self.refuse("methods of resources")
    }

    async fn construct(&self, _: Request<rpc::ConstructRequest>) -> Reply<rpc::ConstructResponse> {
        self.refuse("component resources")
    }

    async fn check(&self, _: Request<rpc::CheckRequest>) -> Reply<rpc::CheckResponse> {
        self.refuse("resources (Check)")
    }

    async fn diff(&self, _: Request<rpc::DiffRequest>) -> Reply<rpc::DiffResponse> {
        self.refuse("resources (Diff)")
    }

    async fn create(&self, _: Request<rpc::CreateRequest>) -> Reply<rpc::CreateResponse> {
        self.refuse("resources (Create)")
    }

    async fn read(&self, _: Request<rpc::ReadRequest>) -> Reply<rpc::ReadResponse> {
        self.refuse("resources (Read)")
    }

    async fn update(&self, _: Request<rpc::UpdateRequest>) -> Reply<rpc::UpdateResponse> {
        self.refuse("resources (Update)")
    }

    async fn delete(&self, _: Request<rpc::DeleteRequest>) -> Reply<()> {
        self.refuse("resources (Delete)")
    }
}
