//! What passes is waited out, at every service on the way; what does not pass ends; and the user sees it. How long each
//! kind of failure is waited out is tried on a clock of the tests' own, in `src/aws/patience`.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use aws_smithy_types::{DateTime, date_time::Format};
use pulumi_resource_aws::proto::pulumirpc::LogSeverity;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr},
    engine::Engine,
    http::{Reply, Server},
    listener::Vacant,
    plugin::{Plugin, command, ecr_configuration, results},
    within_deadline,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::machine::{Machine, REGISTRY, calls, with};

mod on_the_way;

const THROTTLED: Answer = Answer::Error(400, "ThrottlingException", "Rate exceeded");

#[tokio::test]
async fn what_passes_at_ecr_is_waited_out() {
    let ill = |status, code| Answer::Error(status, code, "whatever the code is");
    let ill = [ill(500, "AccessDeniedException"), ill(503, "ExpiredTokenException"), ill(429, "SignatureDoesNotMatch")];
    let pages = [Answer::Html(429), Answer::Html(408), Answer::Html(503)];
    let mut tasks = JoinSet::new();
    for answer in [THROTTLED, Answer::Reset, Answer::Half].into_iter().chain(pages).chain(ill) {
        tasks.spawn(async move {
            let ecr = Ecr::start().await.unwrap();
            for _ in 0..4 {
                ecr.answer_next(answer.clone());
            }
            Machine::new().keys().configured(calls(&ecr)).await.asked(&ecr).await;
            assert_eq!(ecr.requests().len(), 5, "{answer:?}");
        });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn who_is_not_there_yet_is_waited_for() {
    let vacant = Vacant::take().unwrap();
    let url = format!("http://{}", vacant.address().unwrap());
    let mut running = Machine::new().keys().configured(at(&url)).await;
    let call = running.plugin.begin(json!({"registryId": REGISTRY}));
    running.engine.wait_for_status(|line| line.contains("could not be reached")).await;
    let ecr = Ecr::on(vacant.listen().unwrap()).unwrap();
    call.await.unwrap().expect("a token");
    assert_eq!(ecr.requests().len(), 1);
    running.plugin.get_credentials(REGISTRY).await.unwrap();
}

#[tokio::test]
async fn what_never_is_there_ends_soon() {
    let vacant = Vacant::take().unwrap();
    let nobody = format!("http://{}", vacant.address().unwrap());
    let machine = || Machine::new().keys().var("NO_PROXY", "127.0.0.1,.invalid");
    let container = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://no-such-host.invalid/x");
    let (refused, unknown, container) = tokio::join!(
        machine().error(at(&nobody)),
        machine().error(at("http://no-such-host.invalid")),
        container.error(at(&nobody)),
    );
    let problems = [" could not be reached: ", " names a host that cannot be looked up: "];
    for error in [refused, unknown, container] {
        assert!(problems.iter().any(|text| error.contains(text)) && error.contains(", tried "), "{error}");
        // The one limit that users were promised, by the plugin's own clock.
        let seconds = error.split_once(" times in ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| seconds < 20), "{error}");
    }
}

#[tokio::test]
async fn the_user_sees_a_wait_while_it_lasts() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(THROTTLED);
    let running = Machine::new().keys().configured(calls(&ecr)).await;
    let call = running.plugin.begin(json!({"registryId": REGISTRY}));
    let line = running.engine.wait_for_status(|line| !line.is_empty()).await;
    assert!(line.starts_with("waiting for Amazon ECR in eu-west-1 for "), "{line}");
    assert!(line.contains(" now, at most 10 min: AWS throttled the call, which was tried "), "{line}");
    ecr.answer_always(Answer::Token);
    call.await.unwrap().expect("a token");
    assert_eq!(running.engine.wait_for_status(str::is_empty).await, "");
    assert_eq!(running.engine.status().len(), 2, "one line and its end");
    assert!(running.engine.log().iter().all(|(_, line)| !line.contains("waiting for")), "it is not kept");
    let tried = running.engine.wait_for_line("Amazon ECR in eu-west-1: try 1 failed, and the next is in ").await;
    assert_eq!(tried, LogSeverity::Debug);
}

#[tokio::test]
async fn a_service_that_is_silent_is_shown_too() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::Never);
    let running = Machine::new().keys().configured(calls(&ecr)).await;
    let call = running.plugin.begin(json!({"registryId": REGISTRY}));
    let line = running.engine.wait_for_status(|line| !line.is_empty()).await;
    let rest = line.strip_prefix("waiting for Amazon ECR in eu-west-1 for ").expect("what is waited for");
    assert!(rest.ends_with(" s now, at most 2 min: it has not answered yet"), "{line}");
    ecr.answer_always(Answer::Token);
    call.await.unwrap().expect("a token, of the next try");
    let seconds = |line: &str| line.split_once(" s now")?.0.rsplit(' ').next()?.parse::<u64>().ok();
    let shown = running.engine.status().iter().filter_map(|line| seconds(line)).collect::<Vec<_>>();
    assert!(shown.len() >= 2 && shown.windows(2).all(|pair| pair[0] + 9 <= pair[1]), "{shown:?}");
}

#[tokio::test]
async fn cancel_and_a_signal_end_a_wait() {
    for signal in [None, Some("INT"), Some("TERM")] {
        let ecr = Ecr::start().await.unwrap();
        ecr.answer_always(THROTTLED);
        let mut running = Machine::new().keys().configured(calls(&ecr)).await;
        let call = running.plugin.begin(json!({"registryId": REGISTRY}));
        running.engine.wait_for_status(|line| !line.is_empty()).await;
        match signal {
            Some(signal) => running.plugin.signal(signal).await,
            None => drop(running.plugin.client.cancel(()).await.unwrap()),
        }
        assert_eq!(call.await.unwrap().map(drop).unwrap_err().code(), tonic::Code::Cancelled);
        match signal {
            Some(_) => assert_eq!(running.plugin.wait().await.0, Some(0)),
            None => assert_eq!(running.engine.wait_for_status(str::is_empty).await, ""),
        }
    }
}

#[tokio::test]
async fn the_end_of_the_engine_ends_a_wait() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(THROTTLED);
    let running = Machine::new().keys().configured(calls(&ecr)).await;
    let _call = running.plugin.begin(json!({"registryId": REGISTRY}));
    running.engine.wait_for_status(|line| !line.is_empty()).await;
    drop(running.engine);
    assert_eq!(running.plugin.wait().await.0, Some(0));
}

#[tokio::test]
async fn the_end_of_a_connection_to_the_engine_is_noticed_at_once() {
    // So many take minutes with checks every few seconds, which is longer than this test may.
    const CLOSED: usize = 40;
    let engine = Engine::start().await.unwrap();
    let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = command();
    command.arg(between.local_addr().unwrap().to_string());
    let plugin = Plugin::from_command(command).await;
    let closed = async {
        for _ in 0..CLOSED {
            let (stream, _) = between.accept().await.unwrap();
            close_once_answered(stream, TcpStream::connect(engine.address()).await.unwrap()).await;
        }
    };
    within_deadline("noticing the ends of connections", closed).await;
    drop(between);
    assert_eq!(plugin.wait().await.0, Some(0));
}

/// Passes on what the plugin and the engine say to each other, and closes the connection behind the engine's first answer.
async fn close_once_answered(mut plugin: TcpStream, mut engine: TcpStream) {
    let (mut from_plugin, mut to_plugin) = plugin.split();
    let (mut from_engine, mut to_engine) = engine.split();
    let answered = async {
        loop {
            // A frame of HTTP/2: its length, kind, flags and stream; trailers are headers that end the stream.
            let mut frame = vec![0; 9];
            from_engine.read_exact(&mut frame).await.unwrap();
            let is_end = (frame[3], frame[4] & 1) == (1, 1);
            frame.resize(9 + u32::from_be_bytes([0, frame[0], frame[1], frame[2]]) as usize, 0);
            from_engine.read_exact(&mut frame[9..]).await.unwrap();
            to_plugin.write_all(&frame).await.unwrap();
            if is_end {
                return to_plugin.shutdown().await.unwrap();
            }
        }
    };
    let (asked, ()) = tokio::join!(copy(&mut from_plugin, &mut to_engine), answered);
    asked.expect("the plugin closes the connection, too");
}

#[tokio::test]
async fn a_service_that_asks_for_ever_is_heeded_within_the_patience() {
    for header in [
        ("retry-after", "18446744073709551615"),
        ("x-amz-retry-after", "18446744073709551615"),
        ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        let server = Server::start(move |_| Reply::WithHeader(503, "{}".to_owned(), header)).await.unwrap();
        let mut running = Machine::new().keys().configured(at(&server.url())).await;
        let call = running.plugin.begin(json!({"registryId": REGISTRY}));
        let line = running.engine.wait_for_status(|line| !line.is_empty()).await;
        assert!(line.contains(" now, at most 2 min: "), "{header:?}: {line}");
        running.plugin.client.cancel(()).await.unwrap();
        assert_eq!(call.await.unwrap().map(drop).unwrap_err().code(), tonic::Code::Cancelled);
        assert_eq!(server.asked().len(), 1, "{header:?}");
        running.plugin.client.get_plugin_info(()).await.expect("it is served");
    }
}

#[tokio::test]
async fn what_a_service_asks_for_without_a_meaning_is_not_heeded() {
    for header in [
        ("retry-after", "-1"),
        ("retry-after", "1.5"),
        ("retry-after", ""),
        ("retry-after", "later"),
        ("retry-after", "Mon, 01 Jan 0001 00:00:00 GMT"),
        ("x-amz-retry-after", "-5"),
    ] {
        let server = Server::start(move |_| Reply::WithHeader(503, "{}".to_owned(), header)).await.unwrap();
        let configuration = with(at(&server.url()), json!({"maxRetries": 2}));
        let mut running = Machine::new().keys().configured(configuration).await;
        let error = running.plugin.error().await;
        assert!(error.contains(", tried 2 times"), "{header:?}: {error}");
        running.plugin.client.get_plugin_info(()).await.expect("it is served");
    }
}

#[tokio::test]
async fn a_date_that_the_service_asks_for_is_heeded() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = times.clone();
    let server = Server::start(move |_| {
        seen.lock().unwrap().push(SystemTime::now());
        // Dates have whole seconds.
        let date = DateTime::from(SystemTime::now() + Duration::from_secs(3)).fmt(Format::HttpDate).unwrap();
        Reply::WithHeader(503, "{}".to_owned(), ("retry-after", date.leak()))
    });
    let server = server.await.unwrap();
    Machine::new().keys().error(with(at(&server.url()), json!({"maxRetries": 2}))).await;
    let [first, second] = times.lock().unwrap()[..] else { panic!("not two tries") };
    assert!(second.duration_since(first).unwrap() >= Duration::from_secs(2));
}

#[tokio::test]
async fn the_retries_of_the_sdks_of_2026_change_nothing() {
    for value in ["true", "false"] {
        let ecr = Ecr::start().await.unwrap();
        (0..4).for_each(|_| ecr.answer_next(Answer::Html(503)));
        let machine = || Machine::new().keys().var("AWS_NEW_RETRIES_2026", value);
        machine().configured(calls(&ecr)).await.asked(&ecr).await;
        assert_eq!(ecr.requests().len(), 5, "{value}");
        ecr.answer_always(THROTTLED);
        let error = machine().error(with(calls(&ecr), json!({"maxRetries": 2, "retryMode": "adaptive"}))).await;
        assert!(error.contains("which was tried 2 times"), "{error}");
        assert_eq!(ecr.requests().len(), 7, "{value}");
    }
}

#[tokio::test]
async fn three_hundred_plugins_at_once_all_get_their_token() {
    const PLUGINS: usize = 300;
    open_as_many_files_as_may_be();
    let ecr = Ecr::start().await.unwrap();
    let mut plugins = JoinSet::new();
    for _ in 0..PLUGINS {
        let configuration = ecr_configuration(&ecr);
        plugins.spawn(async move {
            let mut plugin = Plugin::start().await;
            plugin.configure(configuration).await.expect("a good configuration");
            plugin
        });
    }
    let plugins = plugins.join_all().await;
    ecr.answer_always(THROTTLED);
    let calls = plugins.iter().map(|plugin| plugin.begin(json!({"registryId": REGISTRY}))).collect::<Vec<_>>();
    ecr.wait_for_requests(PLUGINS).await;
    ecr.set_allowance(100.0, 50.0);
    ecr.answer_always(Answer::Token);
    let mut tokens = HashSet::new();
    for call in calls {
        let results = results(call.await.unwrap().expect("a token"));
        tokens.insert(results["password"].to_string());
    }
    assert_eq!(tokens.len(), PLUGINS, "each has one of its own");
}

/// Many systems let a process open 1,024 files unless it asks for more; a plugin costs the test four.
fn open_as_many_files_as_may_be() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the hard limit");
}

#[tokio::test]
async fn many_registries_of_one_program_are_asked_for_at_the_rate_that_aws_takes() {
    let by_default = throttled_of_200(Machine::new(), json!({}));
    let adaptive = throttled_of_200(Machine::new().var("AWS_RETRY_MODE", "adaptive"), json!({}));
    let (by_default, adaptive) = tokio::join!(by_default, adaptive);
    assert!((1..100).contains(&by_default) && (1..100).contains(&adaptive), "{by_default}, {adaptive}");
}

#[tokio::test]
async fn standard_retries_leave_each_call_to_itself() {
    let configured = throttled_of_200(Machine::new(), json!({"retryMode": "standard"}));
    let from_environment = throttled_of_200(Machine::new().var("AWS_RETRY_MODE", "standard"), json!({}));
    let (configured, from_environment) = tokio::join!(configured, from_environment);
    assert!(configured > 100 && from_environment > 100, "{configured}, {from_environment}");
}

/// How many calls are throttled until 200 registries have their token.
async fn throttled_of_200(machine: Machine, settings: Json) -> usize {
    const REGISTRIES: usize = 200;
    let ecr = Ecr::start().await.unwrap();
    ecr.set_allowance(20.0, 20.0);
    let running = machine.keys().configured(with(calls(&ecr), settings)).await;
    let asked = (0..REGISTRIES).map(|number| running.plugin.begin(json!({"registryId": format!("{number:012}")})));
    for call in asked.collect::<Vec<_>>() {
        call.await.unwrap().expect("a token");
    }
    ecr.requests().len() - REGISTRIES
}

/// A configuration that calls this URL.
fn at(url: &str) -> Json {
    json!({"region": "eu-west-1", "endpoints": [{"ecr": url}]})
}
