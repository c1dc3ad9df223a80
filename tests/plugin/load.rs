//! More than the plugin takes on at once: it costs a bounded amount of memory, and others are served meanwhile.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http_body_util::BodyExt;
use hyper::{
    Request, Response,
    body::{Body, Bytes, Frame, Incoming},
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use pulumi_resource_aws::proto::pulumirpc::{InvokeRequest, resource_provider_client::ResourceProviderClient};
use serde_json::json;
use support::{
    ecr::{Answer, Ecr},
    http::{Asked, Reply, Server},
    plugin::{GET_CREDENTIALS, Plugin},
    values::{properties, secret},
    within_deadline,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tonic::transport::Channel;

use crate::{credentials::until, machine::Machine};

const MIB: usize = 1 << 20;

/// How much of a large message is sent, in MiB.
const SENT: usize = 40;

/// The longest message.
const LONGEST: usize = 400 * MIB;

/// A message that arrives, or the beginning of one whose rest never does.
pub(crate) struct Message {
    pieces: std::vec::IntoIter<Bytes>,
    ends: bool,
    taken: Arc<AtomicUsize>,
}

impl Message {
    pub(crate) fn whole(message: Vec<u8>) -> Self {
        Self { ends: true, ..Self::begun(message.len(), vec![message.into()], &Arc::default()) }
    }

    /// A message of so many bytes, which are a field that no method knows.
    pub(crate) fn unknown(length: usize) -> Self {
        let mut head = vec![15 << 3 | 2];
        let content = length - head.len() - prost::encoding::encoded_len_varint(length as u64);
        prost::encoding::encode_varint(content as u64, &mut head);
        // What begins thus is no field, so there are none in it to be counted.
        let piece = Bytes::from(vec![0xff; MIB]);
        let pieces = [head.into(), piece.slice(..content % MIB)].into_iter().chain(vec![piece; content / MIB]);
        Self { ends: true, ..Self::begun(length, pieces.collect(), &Arc::default()) }
    }

    /// A message of which nothing but its length comes.
    pub(crate) fn announced(length: usize) -> Self {
        Self::begun(length, Vec::new(), &Arc::default())
    }

    /// The first [`SENT`] MiB of a message of 380.
    fn unfinished(taken: &Arc<AtomicUsize>) -> Self {
        Self::begun(380 * MIB, vec![vec![0; MIB].into(); SENT], taken)
    }

    fn begun(length: usize, pieces: Vec<Bytes>, taken: &Arc<AtomicUsize>) -> Self {
        let length = u32::try_from(length).expect("a length");
        let prefix = [&[0][..], &length.to_be_bytes()].concat();
        // Pieces without a byte are no way to speak HTTP/2.
        let pieces: Vec<_> = [prefix.into()].into_iter().chain(pieces).filter(|piece| !piece.is_empty()).collect();
        Self { pieces: pieces.into_iter(), ends: false, taken: taken.clone() }
    }
}

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.pieces.next() {
            Some(piece) => {
                self.taken.fetch_add(1, Ordering::Relaxed);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A connection to the plugin that lets each answer have `window` bytes.
pub(crate) async fn connect(plugin: &Plugin, window: u32) -> SendRequest<Message> {
    let stream = TcpStream::connect(("127.0.0.1", plugin.port)).await.expect("it listens");
    // As every client of gRPC.
    stream.set_nodelay(true).expect("it is open");
    let mut http = Builder::new(TokioExecutor::new());
    let handshake = http.initial_stream_window_size(window).handshake(TokioIo::new(stream)).await;
    let (requests, connection) = handshake.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    requests
}

pub(crate) fn request(method: &str, message: Message) -> Request<Message> {
    let request = Request::post(format!("http://127.0.0.1/pulumirpc.ResourceProvider/{method}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    request.body(message).expect("a request")
}

/// The status and message with which a call failed. Of one that did not, both are empty.
pub(crate) async fn failure(response: Response<Incoming>) -> (String, String) {
    let header = |name| response.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
    let (status, message) = (header("grpc-status"), header("grpc-message"));
    let _ended = response.into_body().collect().await;
    (status.unwrap_or_default(), message.unwrap_or_default().replace("%20", " "))
}

/// The memory of the plugin that is resident, or was at most, in MiB.
fn memory(plugin: &Plugin, which: &str) -> u64 {
    plugin.status(which) / 1024
}

#[tokio::test]
async fn answers_that_nobody_takes_cost_little() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    for window in [0, 1] {
        let mut calls = JoinSet::new();
        for _ in 0..2 {
            let mut requests = connect(&plugin, window).await;
            for _ in 0..10_000 {
                calls.spawn(requests.send_request(request("GetSchema", Message::whole(Vec::new()))));
            }
            requests.ready().await.unwrap();
        }
        // Those that have room are worked on.
        for _ in 0..256 {
            within_deadline("the head of an answer", calls.join_next()).await.unwrap().unwrap().unwrap();
        }
        plugin.get_credentials("123456789012").await.expect("others are served");
        let most = memory(&plugin, "VmHWM:");
        assert!(most < 120, "{most} MiB");
    }
}

/// While a list waits for its next page, and while nobody takes what came of it.
#[tokio::test]
async fn lists_share_what_room_there_is() {
    const LISTS: usize = 24;
    let tag = "a".repeat(2 * MIB);
    let page = move |more| format!("{{{more}\"imageIds\":[{{\"imageTag\":\"{tag}\"}}]}}");
    let is_second = |asked: &Asked| asked.body.contains("nextToken");
    for ends in [false, true] {
        let page = page.clone();
        let server = Server::start(move |asked| match is_second(asked) {
            false => Reply::Body(200, page("\"nextToken\":\"x\",")),
            true if ends => Reply::Body(200, page("")),
            true => Reply::Never,
        });
        let server = server.await.unwrap();
        let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": server.url()}]});
        let mut running = Machine::new().keys().configured(configuration).await;
        // Which lets no answer have a byte.
        let (mut requests, mut calls) = (connect(&running.plugin, 0).await, JoinSet::new());
        for number in 0..LISTS {
            let args = Some(properties(json!({"repositoryName": format!("app{number}")})));
            let invoke = InvokeRequest { tok: "aws:ecr/getImages:getImages".to_owned(), args }.encode_to_vec();
            calls.spawn(requests.send_request(request("Invoke", Message::whole(invoke))));
        }
        let all_began = || {
            let seconds = server.asked().iter().filter(|asked| is_second(asked)).count();
            seconds > 0 && server.asked().len() - seconds >= LISTS
        };
        until("all lists began, and one goes on", all_began).await;
        if ends {
            within_deadline("the head of an answer", calls.join_next()).await.unwrap().unwrap().unwrap();
        }
        // They have as long as this takes to go on beyond what they may.
        for _ in 0..500 {
            running.plugin.client.get_plugin_info(()).await.expect("others are served");
        }
        let most = memory(&running.plugin, "VmHWM:");
        assert!(most < 80, "{most} MiB, {ends}");
    }
}

/// Of pages that are no longer than others, and of entries that take more memory than they have letters.
#[tokio::test]
async fn lists_of_many_pages_share_what_room_there_is() {
    let images = json!({"nextToken": "x", "imageIds": [{"imageTag": "a".repeat(31 * 1024)}]}).to_string();
    let repositories = format!("{{\"nextToken\":\"x\",\"repositories\":[{}]}}", vec!["{}"; 10_000].join(","));
    for (function, page) in [("getImages", images), ("getRepositories", repositories)] {
        let server = Server::start(move |_| Reply::Body(200, page.clone())).await.unwrap();
        let configuration =
            json!({"region": "eu-west-1", "skipRegionValidation": true, "endpoints": [{"ecr": server.url()}]});
        let running = Machine::new().keys().configured(configuration).await;
        let calls = (0..32).map(|number| {
            let arguments = match function {
                "getImages" => json!({"repositoryName": format!("app{number}")}),
                _ => json!({"region": format!("eu-test-{number}")}),
            };
            running.plugin.begin_call(&format!("aws:ecr/{function}:{function}"), arguments)
        });
        for call in calls.collect::<Vec<_>>() {
            let error = within_deadline("its end", call).await.unwrap().map(drop).unwrap_err();
            assert!(error.message().contains("AWS's list goes on after"), "{error:?}");
        }
        let most = memory(&running.plugin, "VmHWM:");
        assert!(most < 80, "{function}: {most} MiB");
    }
}

/// Of which all come to their end without a try that ran out of time, since none waits within one.
#[tokio::test]
async fn many_honest_lists_are_read_in_turns() {
    const PAGES: usize = 6;
    let ids: Vec<_> = (0..1000).map(|number| json!({"imageDigest": format!("sha256:{number:064}")})).collect();
    let server = Server::start(move |asked| {
        let page: usize = asked.body.split('"').find_map(|part| part.parse().ok()).unwrap_or_default();
        let next = (page + 1 < PAGES).then(|| (page + 1).to_string());
        Reply::Body(200, json!({"nextToken": next, "imageIds": ids}).to_string())
    });
    let server = server.await.unwrap();
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": server.url()}]});
    let running = Machine::new().keys().configured(configuration).await;
    let list = |number| {
        running.plugin.begin_call("aws:ecr/getImages:getImages", json!({"repositoryName": format!("app{number}")}))
    };
    for call in (0..64).map(list).collect::<Vec<_>>() {
        within_deadline("a list", call).await.unwrap().expect("all images");
    }
    assert_eq!(server.asked().len(), 64 * PAGES);
    let most = memory(&running.plugin, "VmHWM:");
    assert!(most < 80, "{most} MiB");
}

#[tokio::test]
async fn large_messages_share_what_one_may_have() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let taken = Arc::default();
    let mut calls = JoinSet::new();
    let mut connections = Vec::new();
    for _ in 0..2 {
        let mut requests = connect(&plugin, 65_535).await;
        for _ in 0..20 {
            calls.spawn(requests.send_request(request("CheckConfig", Message::unfinished(&taken))));
        }
        connections.push(requests);
    }
    // One is read, 16 of each connection wait, the others are refused.
    for _ in 0..7 {
        let response = within_deadline("a refusal", calls.join_next()).await.unwrap().unwrap().unwrap();
        let (status, message) = failure(response).await;
        assert_eq!(status, "8", "{message}");
        assert!(message.contains("holds other large messages"), "{message}");
    }
    let all_of_one = async {
        while taken.load(Ordering::Relaxed) < SENT {
            tokio::task::yield_now().await;
        }
    };
    within_deadline("a message but its end", all_of_one).await;
    plugin.get_credentials("123456789012").await.expect("others are served");
    drop((connections, calls));
    // It has room only if the others gave theirs back, as soon as the plugin notices that they are gone.
    let large = json!({"notOurs": "0".repeat(24 * MIB)});
    let served = async {
        while let Err(status) = plugin.check_config(large.clone()).await {
            assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status:?}");
        }
    };
    within_deadline("room", served).await;
    let (most, now) = (memory(&plugin, "VmHWM:"), memory(&plugin, "VmRSS:"));
    assert!(most < 200 && now < 150, "{most} MiB became {now} MiB");
}

/// Waits until the plugin has taken what it takes for now.
async fn settle(plugin: &mut Plugin, taken: &AtomicUsize) {
    let (mut before, mut calls) = (0, 0);
    while calls < 20 {
        plugin.client.get_plugin_info(()).await.expect("others are served");
        let now = taken.load(Ordering::Relaxed);
        calls = if now == before { calls + 1 } else { 0 };
        before = now;
    }
}

#[tokio::test]
async fn messages_that_are_never_finished_cost_little() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let half = Bytes::from(vec![0; 8000]);
    for _ in 0..2 {
        let (taken, mut calls, mut connections) = (Arc::default(), JoinSet::new(), Vec::new());
        for _ in 0..16 {
            let mut requests = connect(&plugin, 65_535).await;
            for _ in 0..1000 {
                let message = Message::begun(16 * 1024, vec![half.clone(); 2], &taken);
                let mut request = request("Invoke", message);
                request.headers_mut().insert("long", "v".repeat(7000).parse().unwrap());
                calls.spawn(requests.send_request(request));
            }
            connections.push(requests);
        }
        settle(&mut plugin, &taken).await;
        plugin.get_credentials("123456789012").await.expect("others are served");
        let most = memory(&plugin, "VmHWM:");
        assert!(most < 160, "{most} MiB");
    }
}

/// A connection to the plugin, and how many calls it may have at once.
async fn calls_at_once(plugin: &Plugin) -> (TcpStream, u32) {
    let mut stream = TcpStream::connect(("127.0.0.1", plugin.port)).await.expect("it listens");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("it reads");
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.expect("it greets");
    let mut settings = vec![0; usize::from(head[2])];
    stream.read_exact(&mut settings).await.expect("its settings");
    let most = settings.chunks_exact(6).find(|setting| setting[..2] == [0, 3]).expect("a limit of streams");
    (stream, u32::from_be_bytes(most[2..].try_into().expect("four bytes")))
}

#[tokio::test]
async fn connections_that_come_while_many_are_open_have_fewer_calls() {
    let plugin = Plugin::start().await;
    let mut open = Vec::new();
    // The test has a connection already.
    for most in [1000, 1000, 1000, 100, 100] {
        let (connection, calls) = within_deadline("its greeting", calls_at_once(&plugin)).await;
        assert_eq!(calls, most);
        open.push(connection);
    }
}

#[tokio::test]
async fn lengths_that_are_announced_hold_up_no_message() {
    let mut plugin = Plugin::start().await;
    let mut requests = connect(&plugin, 65_535).await;
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        calls.spawn(requests.send_request(request("CheckConfig", Message::announced(LONGEST))));
    }
    settle(&mut plugin, &AtomicUsize::default()).await;
    for bytes in [17_000, 500_000, 2 * MIB] {
        plugin.check_config(json!({"notOurs": "0".repeat(bytes)})).await.expect("others are served");
    }
    let call = requests.send_request(request("GetPluginInfo", Message::unknown(5 * MIB)));
    let (status, message) = failure(within_deadline("an answer", call).await.unwrap()).await;
    assert_eq!((status.as_str(), message.as_str()), ("", ""), "those of the same connection, too");
    assert!(calls.try_join_next().is_none());
}

#[tokio::test]
async fn a_thousand_messages_that_come_at_once_are_all_answered() {
    let plugin = Plugin::start().await;
    let mut requests = connect(&plugin, 65_535).await;
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        calls.spawn(requests.send_request(request("GetPluginInfo", Message::unknown(12_000))));
    }
    while let Some(response) = within_deadline("an answer", calls.join_next()).await {
        let (status, message) = failure(response.unwrap().unwrap()).await;
        assert_eq!((status.as_str(), message.as_str()), ("", ""));
    }
}

/// No line of the log may show the arguments of any of them.
#[tokio::test]
async fn a_thousand_calls_with_secrets_that_wait_hold_up_no_other() {
    const GET_IMAGE: &str = "aws:ecr/getImage:getImage";
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::Error(400, "ThrottlingException", "a".repeat(500).leak()));
    let mut plugin = Plugin::for_ecr(&ecr).await;
    for connection in 0..4 {
        for number in 0..250 {
            let tag = secret(format!("{}{connection}-{number}", "a".repeat(400)));
            plugin.begin_call(GET_IMAGE, json!({"repositoryName": format!("a{number}"), "imageTag": tag}));
        }
        let channel = Channel::from_shared(format!("http://127.0.0.1:{}", plugin.port)).unwrap();
        plugin.client = ResourceProviderClient::new(channel.connect().await.unwrap());
    }
    let mut longest = Duration::ZERO;
    while ecr.requests().len() < 4 || plugin.processor_time() < Duration::from_secs(1) {
        let began = Instant::now();
        within_deadline("others", plugin.client.get_plugin_info(())).await.expect("others are served");
        longest = longest.max(began.elapsed());
    }
    assert!(longest < Duration::from_secs(3), "{longest:?}");
    plugin.end_by("TERM").await;
}

#[tokio::test]
async fn large_messages_that_come_at_once_are_all_answered() {
    let plugin = Plugin::start().await;
    let mut calls = JoinSet::new();
    for _ in 0..2 {
        let mut requests = connect(&plugin, 65_535).await;
        for _ in 0..8 {
            calls.spawn(requests.send_request(request("GetPluginInfo", Message::unknown(3 * MIB))));
        }
    }
    while let Some(response) = within_deadline("an answer", calls.join_next()).await {
        let (status, message) = failure(response.unwrap().unwrap()).await;
        assert_eq!((status.as_str(), message.as_str()), ("", ""));
    }
}

#[tokio::test]
async fn the_longest_message_is_taken_and_others_are_served_meanwhile() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let mut requests = connect(&plugin, 65_535).await;
    let call = tokio::spawn(requests.send_request(request("GetPluginInfo", Message::unknown(LONGEST))));
    for _ in 0..10 {
        plugin.get_credentials("123456789012").await.expect("others are served");
    }
    assert!(!call.is_finished(), "they were served meanwhile");
    let answer = within_deadline("an answer", call).await.unwrap().unwrap();
    assert_eq!(failure(answer).await.0, "");
    let call = requests.send_request(request("GetPluginInfo", Message::announced(LONGEST + 1)));
    let (status, message) = failure(within_deadline("a refusal", call).await.unwrap()).await;
    assert!(status == "11" && message.contains("are the most"), "{status}: {message}");
}

/// A field of protobuf that holds others.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut field);
    [field, content.to_vec()].concat()
}

#[tokio::test]
async fn values_are_counted_before_they_are_made() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let values = [0x0a, 0].repeat(20_000_000);
    let list = field(6, &values);
    let entry = [field(1, b"registryId"), field(2, &list)].concat();
    let invoke = [field(1, GET_CREDENTIALS.as_bytes()), field(2, &field(1, &entry))].concat();
    let mut requests = connect(&plugin, 65_535).await;
    let call = tokio::spawn(requests.send_request(request("Invoke", Message::whole(invoke))));
    plugin.get_credentials("123456789012").await.expect("others are served");
    let (status, message) = failure(within_deadline("a refusal", call).await.unwrap().unwrap()).await;
    assert_eq!((status.as_str(), message.as_str()), ("3", "a message has more than 200000 fields"));
    // The same as JSON text, which has a place in configurations.
    let text = format!("[{}[]]", "[],".repeat(1_000_000));
    let failures = plugin.check_config(json!({"endpoints": text})).await.unwrap().failures;
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(
        (failure.property.as_str(), failure.reason.as_str()),
        ("endpoints", "has more values than any configuration")
    );
    let most = memory(&plugin, "VmHWM:");
    assert!(most < 120, "{most} MiB");
}

#[tokio::test]
async fn more_values_than_usual_are_served_beside_others() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let mut other = plugin.client.clone();
    let many = plugin.check_config(json!({"notOurs": vec!["value"; 90_000]}));
    let (many, info) = tokio::join!(many, other.get_plugin_info(()));
    assert!(many.unwrap().failures.is_empty());
    info.unwrap();
    let wrong = json!({"endpoints": vec![7; 90_000]});
    let failures = plugin.check_config(wrong).await.unwrap().failures;
    assert_eq!(failures.len(), 100, "nobody reads more at once");
}

#[tokio::test]
async fn cancel_ends_calls_that_wait_for_room() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::Never);
    let mut plugin = Plugin::for_ecr(&ecr).await;
    let calls: Vec<_> = (0..600).map(|n| plugin.begin(json!({"registryId": format!("{n:012}")}))).collect();
    let all_ended = async {
        while !calls.iter().all(tokio::task::JoinHandle::is_finished) {
            plugin.client.cancel(()).await.expect("it never waits");
        }
    };
    within_deadline("the end of all calls", all_ended).await;
    for call in calls {
        let status = within_deadline("the end of a call", call).await.unwrap().map(drop).unwrap_err();
        assert_eq!(status.code(), tonic::Code::Cancelled);
    }
}
