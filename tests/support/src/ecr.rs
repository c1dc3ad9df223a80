//! A stand-in for Amazon ECR and ECR Public that hands out tokens, also in the ways that a well-behaved emulator cannot,
//! and looks up what it was given to hold.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::{Value as Json, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    ecr_holdings::{self, Holdings},
    listener::Listener,
    signature::{Authorization, Signature},
};

/// The services by the beginning of their targets, in front of an operation's name.
const SERVICES: [(&str, &str); 2] =
    [("AmazonEC2ContainerRegistry_V20150921.", "ecr"), ("SpencerFrontendService.", "ecr-public")];

/// The id of the registry of whoever asks.
pub const OWN_REGISTRY: &str = "444455556666";

/// How long the tokens last, as ECR's do.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What a request is answered with.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A token for the registry that was asked for, or what is held.
    Token,
    /// The same, with the field replaced; `null` removes it.
    TokenWith(&'static str, Json),
    /// This body with status 200.
    Body(&'static str),
    /// ECR's JSON error of this status and code.
    Error(u16, &'static str, &'static str),
    /// A body that is none of ECR's, with this status.
    Html(u16),
    /// Half of an answer; then the connection ends.
    Half,
    /// The connection ends without an answer.
    Reset,
    /// Never.
    Never,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `ecr` or `ecr-public`.
    pub service: &'static str,
    /// The operation, for example `DescribeImages`.
    pub operation: String,
    /// The body.
    pub body: Json,
    /// The registry ids in the body.
    pub registry_ids: Vec<String>,
    /// The Region in the signature's credential scope.
    pub region: String,
    /// The access key id in the signature's credential scope.
    pub access_key: String,
    /// The session token of temporary credentials; empty without one.
    pub session_token: String,
    /// The `User-Agent` header.
    pub user_agent: String,
    signature: Option<Signature>,
}

impl Recorded {
    /// Whether it is signed with this secret access key.
    pub fn is_signed_with(&self, secret_key: &str) -> bool {
        self.signature.as_ref().is_some_and(|signature| signature.is_of(secret_key))
    }
}

#[derive(Default)]
struct State {
    next: VecDeque<Answer>,
    always: Option<Answer>,
    allowance: Option<Allowance>,
    latency: Duration,
    requests: watch::Sender<Vec<Recorded>>,
    connections: usize,
    /// The calls in flight, now and at most.
    in_flight: [usize; 2],
    open_connections: watch::Sender<usize>,
    /// Counted into the tokens, so that each is another one.
    tokens: usize,
    holdings: Holdings,
    other: Option<Other>,
}

/// What another implementation answers, if it has the operation.
type Other = Arc<dyn Fn(&Recorded) -> Option<Json> + Send + Sync>;

/// How many requests are taken.
struct Allowance {
    rate: f64,
    burst: f64,
    left: f64,
    since: Instant,
}

impl Allowance {
    /// Takes a request; the answer if there is no allowance for it.
    fn take(&mut self) -> Option<Answer> {
        self.left = (self.left + self.since.elapsed().as_secs_f64() * self.rate).min(self.burst);
        self.since = Instant::now();
        if self.left < 1.0 {
            return Some(Answer::Error(400, "ThrottlingException", "Rate exceeded"));
        }
        self.left -= 1.0;
        None
    }
}

/// A stand-in for ECR on a port of 127.0.0.1, until it is dropped.
pub struct Ecr {
    listener: Listener,
    state: Arc<Mutex<State>>,
}

impl Ecr {
    /// Starts to listen on a free port.
    pub async fn start() -> io::Result<Self> {
        Self::on(TcpListener::bind("127.0.0.1:0").await?)
    }

    /// Starts to answer who connects there.
    pub fn on(listener: TcpListener) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let listener = Listener::on(listener, move |stream| serve(stream, shared.clone()))?;
        Ok(Self { listener, state })
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The URL to call.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Answers the next request so, and those after it as before. Several calls queue.
    pub fn answer_next(&self, answer: Answer) {
        self.state().next.push_back(answer);
    }

    /// Answers every request so, other than those of [`Self::answer_next`].
    pub fn answer_always(&self, answer: Answer) {
        self.state().always = Some(answer);
    }

    /// Throttles as AWS does: takes `burst` requests at once, and `rate` a second.
    pub fn set_allowance(&self, rate: f64, burst: f64) {
        self.state().allowance = Some(Allowance { rate, burst, left: burst, since: Instant::now() });
    }

    /// Has the registries hold something of a kind: `repositories`, `images`, `tags`, `rules`, `templates`,
    /// `publicRepositories`, `publicImages`. It is an object as AWS's API has it, and it is in the registry of whoever
    /// asks unless it says otherwise; an image has its `repositoryName`, tags their `resourceArn`.
    pub fn hold(&self, kind: &'static str, mut thing: Json) {
        if thing["registryId"].is_null() {
            thing["registryId"] = OWN_REGISTRY.into();
        }
        self.state().holdings.entry(kind).or_default().push(thing);
    }

    /// Asks another implementation first: its answer counts, if it has one.
    pub fn ask_first(&self, other: impl Fn(&Recorded) -> Option<Json> + Send + Sync + 'static) {
        self.state().other = Some(Arc::new(other));
    }

    /// Waits so long before each answer.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// The requests that arrived.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().requests.borrow().clone()
    }

    /// The number of connections that were made.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// The calls that were in flight at the same time, at most.
    pub fn most_in_flight(&self) -> usize {
        self.state().in_flight[1]
    }

    /// Waits until every connection is closed.
    pub async fn wait_for_closed_connections(&self) {
        let mut open = self.state().open_connections.subscribe();
        let closed = open.wait_for(|open| *open == 0);
        crate::within_deadline("waiting for ECR's clients to close", closed).await.expect("the stand-in is there");
    }

    /// Waits until `count` requests have arrived.
    pub async fn wait_for_requests(&self, count: usize) {
        let mut requests = self.state().requests.subscribe();
        let arrived = requests.wait_for(|requests| requests.len() >= count);
        crate::within_deadline("waiting for requests at ECR", arrived).await.expect("the stand-in is there");
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while locked")
    }
}

/// The token that the stand-in gives out as the `number`th, counted from 1, for a registry.
pub fn token(registry_id: &str, number: usize) -> String {
    BASE64_STANDARD.encode(format!("AWS:{}", password(registry_id, number)))
}

/// The password inside [`token`].
pub fn password(registry_id: &str, number: usize) -> String {
    format!("stand-in-password-{registry_id}-{number}")
}

/// A connection counts from when it is taken on, not from when its task runs.
fn serve(stream: TcpStream, state: Arc<Mutex<State>>) -> impl Future<Output = ()> + Send + 'static {
    let open_connections = {
        let mut state = state.lock().expect("no panic while locked");
        state.connections += 1;
        state.open_connections.clone()
    };
    open_connections.send_modify(|open| *open += 1);
    async move {
        let service = service_fn(move |request| handle(request, state.clone()));
        // An error is a reset: asked for, or the client's.
        let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        open_connections.send_modify(|open| *open -= 1);
    }
}

async fn handle(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Result<Response<Full<Bytes>>, Reset> {
    let recorded = match read(request).await {
        Ok(request) => request,
        Err(problem) => return Ok(respond(400, json!({"__type": "StandInException", "message": problem}).to_string())),
    };
    let other = state.lock().expect("no panic while locked").other.clone();
    let elsewhere = other.and_then(|other| other(&recorded));
    let (answer, latency, held) = {
        let mut state = state.lock().expect("no panic while locked");
        state.tokens += usize::from(recorded.operation == GET_TOKEN);
        state.in_flight[0] += 1;
        state.in_flight[1] = state.in_flight[1].max(state.in_flight[0]);
        let throttled = state.allowance.as_mut().and_then(Allowance::take);
        let always = state.always.clone();
        let answer = state.next.pop_front().or(throttled).or(always).unwrap_or(Answer::Token);
        state.requests.send_modify(|requests| requests.push(recorded.clone()));
        let held = match (elsewhere, recorded.operation.as_str()) {
            (Some(answer), _) => Held::Thing(Some(Ok(answer))),
            (None, GET_TOKEN) => Held::Token(state.tokens),
            (None, operation) => {
                Held::Thing(ecr_holdings::answer(&state.holdings, recorded.service, operation, &recorded.body))
            }
        };
        (answer, state.latency, held)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    state.lock().expect("no panic while locked").in_flight[0] -= 1;
    match (answer, held) {
        (Answer::Token, Held::Token(number)) => Ok(respond(200, authorization_data(&recorded, number, None))),
        (Answer::TokenWith(field, value), Held::Token(number)) => {
            Ok(respond(200, authorization_data(&recorded, number, Some((field, value)))))
        }
        (Answer::Token | Answer::TokenWith(..), Held::Thing(thing)) => Ok(match thing {
            Some(Ok(answer)) => respond(200, answer.to_string()),
            Some(Err((code, message))) => respond(400, json!({"__type": code, "message": message}).to_string()),
            None => respond(400, json!({"__type": "UnknownOperationException"}).to_string()),
        }),
        (answer, _) => respond_as_told(answer).await,
    }
}

/// The operation that hands out tokens.
const GET_TOKEN: &str = "GetAuthorizationToken";

/// What an operation gives by itself.
enum Held {
    /// The number of the token.
    Token(usize),
    Thing(Option<Result<Json, ecr_holdings::Refusal>>),
}

async fn respond_as_told(answer: Answer) -> Result<Response<Full<Bytes>>, Reset> {
    match answer {
        Answer::Token | Answer::TokenWith(..) => unreachable!("answered from what is held"),
        Answer::Body(body) => Ok(respond(200, body.to_owned())),
        Answer::Error(status, code, message) => {
            Ok(respond(status, json!({"__type": code, "message": message}).to_string()))
        }
        Answer::Html(status) => Ok(respond(status, "<html><body>gateway</body></html>".to_owned())),
        Answer::Half => {
            let mut response = respond(200, r#"{"authorizationData": ["#.to_owned());
            response.headers_mut().insert("content-length", 1000.into());
            Ok(response)
        }
        Answer::Reset => Err(Reset),
        Answer::Never => std::future::pending().await,
    }
}

/// Checks what AWS would: method, target, signature, body.
async fn read(request: Request<Incoming>) -> Result<Recorded, String> {
    let (head, body) = request.into_parts();
    let given = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let header = |name: &str| given(name).ok_or_else(|| format!("no {name} header"));
    let target = header("x-amz-target")?;
    let mut services = SERVICES.iter().filter_map(|(start, service)| Some((target.strip_prefix(start)?, *service)));
    let (operation, service) = services.next().filter(|_| head.method == "POST").ok_or("no target of ours")?;
    let authorization = Authorization::read(header("authorization")?).filter(|signed| signed.service == service);
    let authorization = authorization.ok_or("no AWS signature, version 4, for the service")?;
    let (access_key, region) = (authorization.access_key.to_owned(), authorization.region.to_owned());
    let user_agent = header("user-agent")?.to_owned();
    let session_token = given("x-amz-security-token").unwrap_or_default().to_owned();
    header("x-amz-date")?;
    let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let signature = Signature::read(head.method.as_str(), head.uri.path(), given, &bytes);
    let body: Json = serde_json::from_slice(&bytes).map_err(|error| format!("the body is no JSON: {error}"))?;
    let registry_ids = body["registryIds"].as_array().into_iter().flatten();
    let registry_ids = registry_ids.filter_map(|id| id.as_str().map(str::to_owned)).collect();
    let operation = operation.to_owned();
    Ok(Recorded { service, operation, body, registry_ids, region, access_key, session_token, user_agent, signature })
}

fn authorization_data(request: &Recorded, number: usize, change: Option<(&str, Json)>) -> String {
    let expires_at = std::time::SystemTime::now() + TOKEN_LIFETIME;
    let expires_at = expires_at.duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs_f64();
    let entry = |id: &str| {
        let mut entry = json!({"authorizationToken": token(id, number), "expiresAt": expires_at});
        if request.service == "ecr" {
            entry["proxyEndpoint"] = format!("https://{id}.dkr.ecr.{}.amazonaws.com", request.region).into();
        }
        match &change {
            Some((field, Json::Null)) => drop(entry.as_object_mut().expect("an object").remove(*field)),
            Some((field, value)) => entry[*field] = value.clone(),
            None => {}
        }
        entry
    };
    let data = match (request.service, &request.registry_ids[..]) {
        ("ecr", []) => json!([entry(OWN_REGISTRY)]),
        ("ecr", ids) => ids.iter().map(|id| entry(id)).collect(),
        _ => entry("public"),
    };
    json!({"authorizationData": data}).to_string()
}

fn respond(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", "application/x-amz-json-1.1".parse().expect("a header"));
    response
}

/// Ends the connection.
#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reset on request")
    }
}

impl std::error::Error for Reset {}

impl From<Infallible> for Reset {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/ecr/aws4_request, Signature=0";

    async fn status(target: &str, authorization: &str, body: &str) -> String {
        let ecr = Ecr::start().await.unwrap();
        let mut connection = TcpStream::connect(ecr.address()).await.unwrap();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: ecr\r\nconnection: close\r\nuser-agent: test\r\nx-amz-date: 20260101T000000Z\r\n\
             x-amz-target: {target}\r\nauthorization: {authorization}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).await.unwrap();
        response.split(' ').nth(1).unwrap().to_owned()
    }

    #[tokio::test]
    async fn it_takes_what_ecr_takes_and_nothing_else() {
        let body = r#"{"registryIds": ["123456789012"]}"#;
        let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
        assert_eq!(status(target, SIGNED, body).await, "200");
        assert_eq!(status("AmazonEC2ContainerRegistry_V20150921.CreateRepository", SIGNED, body).await, "400");
        assert_eq!(status("SpencerFrontendService.GetAuthorizationToken", SIGNED, "{}").await, "400");
        assert_eq!(status(target, "Basic QVdTOng=", body).await, "400");
        assert_eq!(status(target, &SIGNED.replace("/ecr/", "/sts/"), body).await, "400");
        assert_eq!(status(target, SIGNED, "{").await, "400");
    }
}
