//! Programs that call plugins for long, well and badly, while much goes wrong. Every answer is looked at: whether it is the
//! right one for its caller, or a failure of the kind that is played.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use prost_types::Struct;
use pulumi_resource_aws::proto::pulumirpc::{
    InvokeRequest, InvokeResponse, PluginAttach, resource_provider_client::ResourceProviderClient,
};
use serde_json::{Value as Json, json};
use tokio::{
    process::Command,
    task::JoinSet,
    time::{sleep, timeout},
};
use tonic::{Code, Status, transport::Channel};

use crate::{
    ecr::{self, Ecr},
    engine::Engine,
    faults::{self, Fault},
    gate::Gate,
    plugin::{GET_CREDENTIALS, Plugin, results},
    values::properties,
    within_deadline,
};

/// What is done, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Soak {
    /// Starts a plugin that waits for engines to attach.
    pub command: fn() -> Command,
    /// The number of invokes after which it is over ...
    pub invokes: usize,
    /// ... if not so much time is over before.
    pub time: Duration,
}

/// What became of the invokes.
#[derive(Debug, Default)]
pub struct Ends {
    /// They got the token that they asked for.
    pub tokens: AtomicUsize,
    /// They failed as the fault that was played.
    pub faults: AtomicUsize,
    /// Nobody waited for them any longer, or they were cancelled.
    pub cancelled: AtomicUsize,
    /// They were wrong, and were told so.
    pub refused: AtomicUsize,
}

impl Ends {
    fn count(number: &AtomicUsize) {
        number.fetch_add(1, Ordering::Relaxed);
    }

    /// All of them.
    pub fn all(&self) -> usize {
        let numbers = [&self.tokens, &self.faults, &self.cancelled, &self.refused];
        numbers.iter().map(|number| number.load(Ordering::Relaxed)).sum()
    }
}

/// What a plugin takes of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The invokes of all programs so far.
    pub invokes: usize,
    /// Its own memory, resident, in kB.
    pub memory: u64,
    /// Its open files.
    pub descriptors: usize,
    /// Those of them that are connections or ports.
    pub connections: usize,
    /// Its threads.
    pub threads: u64,
}

impl Sample {
    fn of(plugin: &Plugin, invokes: usize) -> Self {
        Self {
            invokes,
            memory: plugin.status("RssAnon:"),
            descriptors: plugin.open_files().len(),
            connections: plugin.sockets(),
            threads: plugin.status("Threads:"),
        }
    }
}

/// What a soak found, when nothing was wrong.
#[derive(Debug)]
pub struct Report {
    /// What became of the invokes.
    pub ends: Arc<Ends>,
    /// What each plugin took in the course of it.
    pub samples: Vec<Vec<Sample>>,
}

/// The Regions of each program's configurations: one has its plugin configured anew again and again.
const REGIONS: [&[&str]; 4] =
    [&["eu-west-1"], &["us-east-1"], &["ap-south-1"], &["eu-north-1", "ca-central-1", "sa-east-1"]];
/// Which of them share their tokens in a folder.
const SHARING: [bool; 4] = [false, true, true, false];

/// The calls of a program in flight, and those of each between two looks at its plugin.
const LANES: usize = 16;
const CALLS: usize = 50;

/// Registries that are asked for again and again.
const KNOWN: u64 = 50;

/// Runs it. Panics at the first answer that is not right.
pub async fn run(soak: Soak, folder: &Path) -> Report {
    let ends = Arc::<Ends>::default();
    let ecr = Ecr::start().await.expect("a port");
    let began = Instant::now();
    let mut programs = JoinSet::new();
    for (number, shares) in SHARING.into_iter().enumerate() {
        let mut command = (soak.command)();
        if shares {
            command.env("PULUMI_AWS_ECR_CACHE_DIR", folder);
        }
        let gate = Gate::start(ecr.address()).await.expect("a port");
        let plugin = Plugin::from_command(command).await;
        let program = Program { number, plugin, gate: Arc::new(gate), ends: ends.clone() };
        programs.spawn(program.run(move |invokes| invokes < soak.invokes && began.elapsed() < soak.time));
    }
    let mut samples = programs.join_all().await;
    samples.sort_by_key(|(number, _)| *number);
    Report { ends, samples: samples.into_iter().map(|(_, samples)| samples).collect() }
}

struct Program {
    number: usize,
    plugin: Plugin,
    gate: Arc<Gate>,
    ends: Arc<Ends>,
}

impl Program {
    async fn run(mut self, goes_on: impl Fn(usize) -> bool) -> (usize, Vec<Sample>) {
        let faults: Arc<[Fault]> =
            [faults::connections(), faults::answers(), faults::refusals(), faults::tokens()].concat().into();
        let regions = REGIONS[self.number];
        let (mut samples, mut round, mut engines) = (Vec::new(), 0, Vec::new());
        while goes_on(self.ends.all()) {
            let region = regions[round % regions.len()];
            if round == 0 || regions.len() > 1 {
                self.configure(region).await;
            }
            // The engine before goes when there is another one, or before that.
            let engine = Engine::start().await.expect("a port");
            self.plugin.client.attach(PluginAttach { address: engine.address() }).await.expect("it is served");
            engines.push(engine);
            if round % 2 == 0 {
                engines.clear();
            }
            self.calls(region, &faults).await;
            self.gate.play(None);
            samples.push(Sample::of(&self.plugin, self.ends.all()));
            round += 1;
        }
        self.end(samples, regions[(round.max(1) - 1) % regions.len()]).await
    }

    async fn configure(&mut self, region: &str) {
        // One of them tries twice.
        let tries = if self.number == 0 { 2 } else { 1 };
        let configuration = json!({"region": region, "accessKey": "AKIDEXAMPLE", "secretKey": "dummy-secret-key",
            "maxRetries": tries, "retryMode": "standard", "endpoints": [{"ecr": self.gate.url()}]});
        self.plugin.configure(configuration).await.expect("a good configuration");
    }

    /// Calls in lanes, by a connection of their own.
    async fn calls(&mut self, region: &'static str, faults: &Arc<[Fault]>) {
        let channel = Channel::from_shared(format!("http://127.0.0.1:{}", self.plugin.port)).expect("a URL");
        let channel = channel.connect().await.expect("it listens");
        let mut lanes = JoinSet::new();
        for _ in 0..LANES {
            let lane = Lane {
                client: ResourceProviderClient::new(channel.clone()),
                region,
                gate: self.gate.clone(),
                faults: faults.clone(),
                ends: self.ends.clone(),
            };
            lanes.spawn(lane.run());
        }
        if fastrand::u8(..) < 64 {
            self.plugin.client.cancel(()).await.expect("it is served");
        }
        within_deadline("a round of calls", lanes.join_all()).await;
    }

    /// After all of it, the plugin serves, holds nothing open and ends when it is told.
    async fn end(mut self, samples: Vec<Sample>, region: &str) -> (usize, Vec<Sample>) {
        for registry in 0..KNOWN {
            let registry = format!("{registry:012}");
            let results = self.plugin.get_credentials(&registry).await.expect("nothing is wrong any more");
            check(&results, &registry, region);
        }
        let closed = async {
            // The port, the test's connection, and what signals and the runtime need.
            while self.plugin.sockets() > 12 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        within_deadline("connections to be closed", closed).await;
        self.plugin.signal("TERM").await;
        let number = self.number;
        let (code, stdout, stderr) = self.plugin.wait().await;
        assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
        assert!(!stderr.contains("plugin's own"), "{stderr}");
        (number, samples)
    }
}

/// Calls one behind the other.
struct Lane {
    client: ResourceProviderClient<Channel>,
    region: &'static str,
    gate: Arc<Gate>,
    faults: Arc<[Fault]>,
    ends: Arc<Ends>,
}

/// How long a program waits at most, since some faults last for 20 seconds.
const LONG: Duration = Duration::from_secs(3);

impl Lane {
    async fn run(mut self) {
        for _ in 0..CALLS {
            match fastrand::u8(0..100) {
                0..4 => self.gate.play(fastrand::choice(&*self.faults).map(|fault| fault.wire.clone())),
                4..12 => self.gate.play(None),
                _ => {}
            }
            match fastrand::u8(0..100) {
                0..63 => self.ask(fastrand::u64(0..KNOWN), LONG).await,
                63..78 => self.ask(fastrand::u64(KNOWN..1_000_000_000_000), LONG).await,
                78..88 => {
                    self.ask(fastrand::u64(..1_000_000_000_000), Duration::from_micros(fastrand::u64(..5000))).await
                }
                88..94 => self.ask_wrongly().await,
                _ => self.ask_for_what_is_not_served().await,
            }
        }
    }

    /// Asks for a token, and gives up after `patience`.
    async fn ask(&mut self, registry: u64, patience: Duration) {
        let registry = format!("{registry:012}");
        let call = self.invoke(GET_CREDENTIALS, json!({"registryId": registry}));
        match timeout(patience, call).await {
            Err(_) => Ends::count(&self.ends.cancelled),
            Ok(Err(status)) if status.code() == Code::Cancelled => Ends::count(&self.ends.cancelled),
            Ok(Err(status)) => self.failed(&status, &registry),
            Ok(Ok(response)) => {
                assert!(response.failures.is_empty(), "{:?}", response.failures);
                check(&results(response), &registry, self.region);
                Ends::count(&self.ends.tokens);
            }
        }
    }

    fn failed(&self, status: &Status, registry: &str) {
        let call = format!("getCredentials for registry {registry} in {}: ", self.region);
        let what = status.message().strip_prefix(&call);
        let what = what.unwrap_or_else(|| panic!("another call than {call:?}: {status:?}"));
        assert!(self.faults.iter().any(|fault| fault.is_seen(what)), "nothing that is played: {what}");
        Ends::count(&self.ends.faults);
    }

    async fn ask_wrongly(&mut self) {
        let wrong =
            [json!({}), json!({"registryId": "my-app"}), json!({"registryId": [1]}), json!({"registryId": null})];
        let arguments = fastrand::choice(wrong).expect("one of them");
        match self.invoke(GET_CREDENTIALS, arguments).await {
            Ok(response) => assert_eq!(response.failures.first().map(|failure| &*failure.property), Some("registryId")),
            Err(status) => assert_eq!(status.code(), Code::Cancelled, "{status:?}"),
        }
        Ends::count(&self.ends.refused);
    }

    async fn ask_for_what_is_not_served(&mut self) {
        let status =
            self.invoke("aws:s3/getBucket:getBucket", json!({})).await.map(drop).expect_err("it is not served");
        assert!(
            [Code::InvalidArgument, Code::NotFound, Code::Unimplemented, Code::Cancelled, Code::Unknown]
                .contains(&status.code())
        );
        Ends::count(&self.ends.refused);
    }

    async fn invoke(&mut self, token: &str, arguments: Json) -> Result<InvokeResponse, Status> {
        let args: Option<Struct> = Some(properties(arguments));
        self.client.invoke(InvokeRequest { tok: token.to_owned(), args }).await.map(tonic::Response::into_inner)
    }
}

/// Whether this is the token for a registry in a Region.
fn check(results: &Json, registry: &str, region: &str) {
    assert_eq!(results["registryId"], registry);
    assert_eq!(results["proxyEndpoint"], format!("https://{registry}.dkr.ecr.{region}.amazonaws.com"));
    let (password, start) = (results["password"].as_str().expect("a password"), ecr::password(registry, 0));
    assert!(password.starts_with(start.trim_end_matches('0')), "the password of another registry than {registry}");
}
