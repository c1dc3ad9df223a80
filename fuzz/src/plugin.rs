//! The plugin inside this process.

use std::{
    collections::BTreeMap,
    env, fs, panic,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use prost_types::{ListValue, Struct, Value, value::Kind};
use pulumi_resource_aws::{
    cache::Folder,
    functions::EcrProvider,
    packages,
    plugin::{Engine, Schema, SecretResults, Service, log},
    proto::pulumirpc::{self as rpc, resource_provider_server::ResourceProvider},
};
use serde_json::{Value as Json, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};
use tonic::{Request, Status};

use crate::answers::Answers;

/// What no text may tell.
const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYSECRETKEY";

/// The most that a text may hold, in bytes: gRPC carries it in a header.
const MAX_TEXT: usize = 16 << 10;

/// Whether anything panicked, in whatever thread: what catches it hides it from the caller.
static PANICKED: AtomicBool = AtomicBool::new(false);

const SESSION: &str = "arn:aws:iam::111122223333:user/joe";

/// The plugin as a service without a port, in a home folder of its own, and what stands for AWS.
pub struct Plugin {
    home: TempDir,
    runtime: Runtime,
    answers: Answers,
    service: Service<EcrProvider>,
    sharing: Service<EcrProvider>,
}

impl Plugin {
    /// Starts it. One at a time: the environment names its home.
    ///
    /// # Panics
    ///
    /// Where it cannot start.
    pub fn start() -> Self {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICKED.store(true, Ordering::Relaxed);
            before(panic);
        }));
        let home = tempfile::tempdir().expect("a home folder");
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answers = runtime.block_on(Answers::start()).expect("a port");
        set_environment(home.path(), &answers);
        write_profiles(home.path());
        // The engine's lines are sent by a task of their own.
        let entered = runtime.enter();
        let service = |folder| {
            let schema = Schema::of(&packages::AWS).expect("the schema");
            let engine = Engine::new(log::install(0));
            Service::new(EcrProvider::new(&packages::AWS, folder), schema, engine, SecretResults::Never)
        };
        let (service, sharing) = (service(None), service(Folder::from_env()));
        drop(entered);
        Self { home, runtime, answers, service, sharing }
    }

    /// A file below the home folder.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.home.path().join(file)
    }

    /// Writes a file below the home folder.
    pub(crate) fn write(&self, file: &str, content: &[u8]) {
        write(&self.path(file), content);
    }

    /// What AWS answers from now on; see [`Answers::set`].
    pub(crate) fn answer(&self, input: &[u8]) {
        self.answers.set(input);
    }

    /// AWS answers with tokens from now on.
    pub(crate) fn answer_well(&self) {
        self.answers.clear();
    }

    /// CheckConfig, and then Configure, which agree.
    pub(crate) fn check_and_configure(&self, configuration: Struct) {
        let news = Some(configuration.clone());
        let checked = self.service.check_config(Request::new(rpc::CheckRequest { news, ..Default::default() }));
        let checked = self.runtime.block_on(checked).expect("an answer").into_inner();
        checked.failures.iter().for_each(|failure| check_text(&format!("{}: {}", failure.property, failure.reason)));
        let args = Some(configuration);
        let configured = self.service.configure(Request::new(rpc::ConfigureRequest { args, ..Default::default() }));
        let configured = self.runtime.block_on(configured);
        configured.as_ref().err().map(Status::message).into_iter().for_each(check_text);
        assert_eq!(configured.is_ok(), checked.failures.is_empty(), "{:?}", checked.failures);
        check_panics();
    }

    /// Configures the plugin with keys, endpoints that are [`Self::answer`] and `more`, and calls a function: whether it
    /// has a result.
    pub(crate) fn invoke(&self, token: &str, arguments: Json, more: Json) -> bool {
        self.invoke_of(&self.service, token, arguments, more)
    }

    /// The same with a folder of shared tokens: [`Self::path`] of `tokens`.
    pub(crate) fn invoke_sharing(&self, token: &str, arguments: Json, more: Json) -> bool {
        self.invoke_of(&self.sharing, token, arguments, more)
    }

    fn invoke_of(&self, service: &Service<EcrProvider>, token: &str, arguments: Json, more: Json) -> bool {
        let url = self.answers.url();
        let endpoints = ["ecr", "ecrpublic", "sts", "sso", "ssooidc"].map(|service| (service, url.as_str()));
        let mut configuration = json!({
            "region": "us-east-1",
            // Whatever passes is not waited for.
            "maxRetries": 1,
            "endpoints": [BTreeMap::from(endpoints)],
            "ec2MetadataServiceEndpoint": url,
        });
        merge(&mut configuration, more);
        let args = Some(fields(configuration));
        let request = rpc::ConfigureRequest { args, ..Default::default() };
        let call = rpc::InvokeRequest { tok: token.to_owned(), args: Some(fields(arguments)) };
        let result = self.runtime.block_on(async {
            service.configure(Request::new(request)).await?;
            service.invoke(Request::new(call)).await
        });
        check_panics();
        match result {
            Ok(result) => result.into_inner().failures.is_empty(),
            Err(status) => {
                check_text(status.message());
                false
            }
        }
    }
}

/// The keys of a configuration that has some.
pub(crate) fn keys() -> Json {
    json!({"accessKey": "AKIAEXAMPLE", "secretKey": SECRET})
}

/// Adds the keys of an object to those of another one.
pub(crate) fn merge(to: &mut Json, more: Json) {
    if let (Json::Object(to), Json::Object(more)) = (to, more) {
        to.extend(more);
    }
}

/// A text for people: of a bounded length, without what a terminal obeys, and without any part of a secret.
fn check_text(text: &str) {
    assert!(text.len() < MAX_TEXT, "{} bytes", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let has_part = |part: &[u8]| text.contains(&*String::from_utf8_lossy(part));
    assert!(!SECRET.as_bytes().windows(16).any(has_part), "{text}");
}

fn check_panics() {
    assert!(!PANICKED.load(Ordering::Relaxed), "something panicked, and was caught");
}

fn set_environment(home: &Path, answers: &Answers) {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        env::remove_var(name);
    }
    env::set_var("HOME", home);
    env::set_var("PULUMI_AWS_ECR_CACHE_DIR", home.join("tokens"));
    env::set_var("AWS_CONTAINER_CREDENTIALS_FULL_URI", answers.url());
}

/// A profile for each source of credentials that needs one.
fn write_profiles(home: &Path) {
    let command = format!("cat '{}'", home.join("process").display());
    let role = "role_arn = arn:aws:iam::111122223333:role/r";
    let of_sso = |name: &str| {
        format!(
            "[profile {name}]\nsso_session = {name}\nsso_account_id = 111122223333\nsso_role_name = r\n\
             [sso-session {name}]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n"
        )
    };
    let profiles = format!(
        "[profile process]\ncredential_process = {command}\n[profile login]\nlogin_session = {SESSION}\n\
         [profile instance]\n{role}\ncredential_source = Ec2InstanceMetadata\n{}{}",
        of_sso("signed-in"),
        of_sso("over")
    );
    write(&home.join(".aws/config"), profiles.as_bytes());
}

/// Where the AWS CLI keeps the token of an `sso-session`, below the home folder.
pub(crate) fn file_of_sso(session: &str) -> String {
    format!(".aws/sso/cache/{}.json", hex(&Sha1::digest(session)))
}

/// Where the AWS CLI keeps what `aws login` got, below the home folder.
pub(crate) fn file_of_login() -> String {
    format!(".aws/login/cache/{}.json", hex(&Sha256::digest(SESSION)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(path: &Path, content: &[u8]) {
    path.parent().map(fs::create_dir_all).transpose().expect("a folder");
    fs::write(path, content).expect("a file");
}

fn fields(json: Json) -> Struct {
    match value(json).kind {
        Some(Kind::StructValue(fields)) => fields,
        _ => Struct::default(),
    }
}

/// JSON as values of the protocol.
pub(crate) fn value(json: Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(bool) => Kind::BoolValue(bool),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(value).collect() }),
        Json::Object(fields) => {
            Kind::StructValue(Struct { fields: fields.into_iter().map(|(key, field)| (key, value(field))).collect() })
        }
    };
    Value { kind: Some(kind) }
}
