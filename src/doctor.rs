//! `doctor`: goes through what an Invoke does and tells each step in words. It is the Invoke itself, with whatever the code
//! says of its decisions (`steps`) shown to the user.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
    time::Duration,
};

use prost::Message as _;
use prost_types::{Struct, Value, value::Kind};
use serde_json::{Value as Json, json};
use tokio::{sync::mpsc, time::timeout};
use tonic::Request;

use crate::{
    aws::{Error, tell_region},
    cache::Folder,
    functions::{self, EcrProvider},
    plugin::{
        Engine, Package, Schema, SecretResults, Service,
        log::{Line, Receiver},
        shown_key, threads,
    },
    proto::pulumirpc::{self as rpc, resource_provider_server::ResourceProvider},
    redaction::Typed,
    steps::step,
    system::Signals,
};

/// The function that is examined.
const FUNCTION: &str = "aws:ecr/getCredentials:getCredentials";

/// How long AWS STS may take to say whose credentials these are, which no Invoke needs to know.
const IDENTITY: Duration = Duration::from_secs(20);

/// What is to be examined.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// The registry for which to get credentials; none: AWS is not called.
    pub registry: Option<String>,
    /// The argument `region`.
    pub region: Option<String>,
    /// The provider configuration: keys with or without the namespace in front, and their values as text.
    pub configuration: Vec<(String, String)>,
    /// Whether the report is for machines.
    pub json: bool,
}

/// How an examination ends; the number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong up to the first call, or the Invoke got credentials.
    Well = 0,
    /// The plugin could not work or report at all.
    Broken = 1,
    /// An argument is wrong.
    Argument = 2,
    /// The provider configuration contradicts itself.
    Configuration = 3,
    /// There are no Region, settings, files or credentials of use.
    Credentials = 4,
    /// AWS gave no token.
    Token = 5,
}

/// Why there are no credentials for Docker.
struct Ill {
    verdict: Verdict,
    sentence: String,
}

/// What machines are told besides the steps.
struct Findings {
    /// What is no secret of the results.
    token: Result<Json, Ill>,
    identity: Json,
}

impl From<Result<Json, Ill>> for Findings {
    fn from(token: Result<Json, Ill>) -> Self {
        Self { token, identity: Json::Null }
    }
}

/// Examines this machine for a package. `log` is from [`crate::plugin::log::install_with_steps`].
///
/// # Errors
///
/// When the schema is none, no thread can be had, the report cannot be printed, or a signal ends it.
pub async fn run(
    package: &'static Package,
    examination: Examination,
    shared_tokens: Option<Folder>,
    mut log: Receiver,
) -> io::Result<Verdict> {
    threads::ready()?;
    let mut signals = Signals::listen()?;
    let mut report = Report::new(package, &examination);
    let doctor = Doctor::new(package, examination, shared_tokens)?;
    let result = {
        let examined = doctor.examine();
        tokio::pin!(examined);
        loop {
            tokio::select! {
                biased;
                Some(line) = log.recv() => report.line(line)?,
                result = &mut examined => break result,
                () = signals.recv() => return Err(io::Error::other("a signal ended it")),
            }
        }
    };
    while let Ok(line) = log.try_recv() {
        report.line(line)?;
    }
    report.end(result)
}

struct Doctor {
    package: &'static Package,
    service: Service<EcrProvider>,
    examination: Examination,
}

impl Doctor {
    fn new(package: &'static Package, examination: Examination, shared_tokens: Option<Folder>) -> io::Result<Self> {
        // The log is read here, not by an engine.
        let engine = Engine::new(mpsc::channel(1).1);
        let provider = EcrProvider::new(package, shared_tokens);
        let service = Service::new(provider, Schema::of(package)?, engine, SecretResults::Never);
        Ok(Self { package, service, examination })
    }

    /// What the engine does with a provider and an Invoke.
    async fn examine(&self) -> Findings {
        if let Err(sentence) = self.configure().await {
            return Err(Ill { verdict: Verdict::Configuration, sentence }).into();
        }
        match &self.examination.registry {
            None => self.rehearse().await.map(|()| Json::Null).into(),
            Some(registry) => {
                let mut token = self.invoke(registry).await;
                if let Err(ill) = &mut token
                    && ill.verdict == Verdict::Token
                    && self.rehearse().await.is_err()
                {
                    ill.verdict = Verdict::Credentials;
                }
                Findings { token, identity: self.identity().await }
            }
        }
    }

    async fn configure(&self) -> Result<(), String> {
        let namespace = self.package.name;
        let (mut variables, mut given) = (HashMap::new(), Vec::new());
        for (key, value) in &self.examination.configuration {
            let key = key.strip_prefix(namespace).and_then(|key| key.strip_prefix(':')).unwrap_or(key);
            let shown = format!("{namespace}:{}", shown_key(key));
            if variables.insert(format!("{namespace}:config:{key}"), value.clone()).is_some() {
                return Err(format!("{shown} is set twice by --config"));
            }
            given.push(shown);
        }
        let request = rpc::ConfigureRequest { variables, ..Default::default() };
        self.service.configure(Request::new(request)).await.map_err(|status| status.message().to_owned())?;
        match &given[..] {
            [] => step!("configuration", "nothing is set with --config"),
            given => step!("configuration", "{} by --config, without contradictions", given.join(", ")),
        }
        Ok(())
    }

    /// All that comes before the first call of AWS.
    async fn rehearse(&self) -> Result<(), Ill> {
        let Some(client) = self.service.provider().client() else { return Ok(()) };
        let ill = |subject: &str, error: Error| Ill {
            verdict: Verdict::Credentials,
            sentence: functions::sentence(self.package, FUNCTION, subject, &error),
        };
        let region = match &self.examination.region {
            Some(region) => {
                tell_region(region, functions::BY_ARGUMENT);
                region.clone()
            }
            None => client.region().await.map_err(|error| ill("a registry", error))?,
        };
        let subject = format!("a registry in {}", Typed(&region));
        client.rehearse(&region).await.map_err(|error| ill(&subject, error))
    }

    /// The results that are no secrets.
    async fn invoke(&self, registry: &str) -> Result<Json, Ill> {
        let arguments = [("registryId", Some(registry)), ("region", self.examination.region.as_deref())];
        let arguments = arguments.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value?))));
        let args = Some(Struct { fields: arguments.collect() });
        let request = rpc::InvokeRequest { tok: (self.package.token)(FUNCTION).into_owned(), args };
        let response = self.service.invoke(Request::new(request)).await;
        let response =
            response.map_err(|status| Ill { verdict: Verdict::Token, sentence: status.message().to_owned() })?;
        let rpc::InvokeResponse { r#return: results, failures } = response.into_inner();
        if let [failure, ..] = &failures[..] {
            let sentence = format!("{} {}", failure.property, failure.reason);
            return Err(Ill { verdict: Verdict::Argument, sentence });
        }
        let results = results.and_then(|results| Struct::decode(results).ok()).unwrap_or_default();
        let shown = |name: &str| match results.fields.get(name).and_then(|value| value.kind.as_ref()) {
            Some(Kind::StringValue(text)) => Json::from(Typed(text).to_string()),
            _ => Json::Null,
        };
        let results = json!({"proxyEndpoint": shown("proxyEndpoint"), "expiresAt": shown("expiresAt")});
        step!("token", "for {}", shown("proxyEndpoint").as_str().unwrap_or_default());
        Ok(results)
    }

    /// Whose credentials the Invoke used. Not to know it is no illness.
    async fn identity(&self) -> Json {
        let Some(client) = self.service.provider().client() else { return Json::Null };
        let region = self.examination.region.clone().unwrap_or_default();
        match timeout(IDENTITY, client.identity(&region)).await {
            Ok(None) => return Json::Null,
            Ok(Some(Ok(identity))) => {
                step!("identity", "{}, in the account {}", identity.arn, identity.account);
                return json!({"account": identity.account, "arn": identity.arn});
            }
            Ok(Some(Err(error))) => step!("identity", "AWS STS does not say: {error}"),
            Err(_) => step!("identity", "AWS STS does not say in time"),
        }
        Json::Null
    }
}

fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

/// What is printed: a step a line as they come, or all of it as JSON in the end.
struct Report {
    package: &'static Package,
    json: bool,
    is_rehearsal: bool,
    seen: HashSet<(String, String)>,
    steps: Vec<Json>,
}

impl Report {
    fn new(package: &'static Package, examination: &Examination) -> Self {
        let is_rehearsal = examination.registry.is_none();
        Self { package, json: examination.json, is_rehearsal, seen: HashSet::new(), steps: Vec::new() }
    }

    fn line(&mut self, line: Line) -> io::Result<()> {
        let name = match line.step {
            Some(name) => name,
            // It is no part of the report, so it stands beside it.
            None if line.is_status && !line.message.is_empty() => {
                // stderr may be closed.
                let _ = writeln!(io::stderr(), "{}", line.message);
                return Ok(());
            }
            None if line.level == log::Level::Warn => "warning".to_owned(),
            None => return Ok(()),
        };
        // What failed behind its credentials is rehearsed, too.
        let is_known = name == "source" && self.has_credentials();
        if is_known || !self.seen.insert((name.clone(), line.message.clone())) {
            return Ok(());
        }
        if !self.json {
            writeln!(io::stdout(), "{name:>13}: {}", line.message)?;
        }
        self.steps.push(json!({"step": name, "text": line.message}));
        Ok(())
    }

    /// Whether credentials were found, so that what failed came behind them.
    fn has_credentials(&self) -> bool {
        self.seen.iter().any(|(name, _)| name == "credentials")
    }

    fn end(self, Findings { token, identity }: Findings) -> io::Result<Verdict> {
        let (verdict, error, token) = match token {
            Ok(token) => (Verdict::Well, None, token),
            Err(Ill { verdict: Verdict::Token, sentence }) if !self.has_credentials() => {
                (Verdict::Credentials, Some(sentence), Json::Null)
            }
            Err(Ill { verdict, sentence }) => (verdict, Some(sentence), Json::Null),
        };
        if self.json {
            let report = json!({
                "package": self.package.name,
                "version": self.package.version,
                "exitCode": verdict as u8,
                "error": error,
                "steps": self.steps,
                "identity": identity,
                "token": token,
            });
            writeln!(io::stdout(), "{report}")?;
        } else {
            let well = match self.is_rehearsal {
                true => "nothing is wrong up to the first call, which --registry ID makes",
                false => "an Invoke of getCredentials finds what it needs",
            };
            let (title, text) = error.as_deref().map_or(("well", well), |error| ("ill", error));
            writeln!(io::stdout(), "{title:>13}: {text}")?;
        }
        Ok(verdict)
    }
}
