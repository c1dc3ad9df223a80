//! All services in one: a port of 127.0.0.1 that answers as it is told.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use support::listener::Listener;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What stands between the answers of an input.
const BETWEEN: &str = "\n====\n";

/// How long a token lasts, in seconds.
const LIFE: u64 = 12 * 60 * 60;

/// Longer requests are none of the plugin's.
const MAX_REQUEST: usize = 1 << 16;

/// It answers each request of a connection of its own with the next of these, and then with a token of Amazon ECR.
pub(crate) struct Answers {
    listener: Listener,
    next: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Answers {
    pub(crate) async fn start() -> io::Result<Self> {
        let next = Arc::<Mutex<VecDeque<Vec<u8>>>>::default();
        let answers = next.clone();
        let listener = Listener::start(move |stream| {
            let answers = answers.clone();
            async move {
                // The plugin may go at any time.
                let _ = answer(stream, &answers).await;
            }
        });
        Ok(Self { listener: listener.await?, next })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// The answers from now on: status lines, headers and bodies as they are, a line of `====` between two.
    pub(crate) fn set(&self, input: &[u8]) {
        let mut rest = input;
        let mut answers = VecDeque::new();
        while let Some(end) = rest.windows(BETWEEN.len()).position(|bytes| bytes == BETWEEN.as_bytes()) {
            answers.push_back(rest[..end].to_vec());
            rest = &rest[end + BETWEEN.len()..];
        }
        answers.push_back(rest.to_vec());
        *lock(&self.next) = answers;
    }

    /// None but tokens from now on.
    pub(crate) fn clear(&self) {
        lock(&self.next).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(mut stream: TcpStream, answers: &Mutex<VecDeque<Vec<u8>>>) -> io::Result<()> {
    read_request(&mut stream).await?;
    let answer = lock(answers).pop_front().unwrap_or_else(token);
    stream.write_all(&answer).await?;
    stream.shutdown().await
}

/// Takes a request with its body: a connection that is closed before is reset, and its answer lost.
async fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    while request.len() < MAX_REQUEST && !is_whole(&request) {
        if stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    Ok(())
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn token() -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let body = json!({"authorizationData": [{
        "authorizationToken": "QVdTOnBhc3N3b3Jk",
        "expiresAt": now + LIFE,
        "proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    }]});
    let body = body.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
