//! Connections to the plugin. The port has no authentication, and Configure can run commands: on Linux only the
//! plugin's own user and root are served. Others are refused before a byte of theirs is read.

use std::{
    collections::BTreeSet,
    fmt, io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
    time::sleep,
};

use super::{limits::CONNECTIONS, peer::Peers};
use crate::system;

/// How long to wait until there may be room for another connection again.
const PAUSE: Duration = Duration::from_millis(250);

/// When it is said again that something is lacking: connections that come and go meanwhile are one trouble.
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// Strangers who are remembered, so that each is warned of once.
const MAX_STRANGERS: usize = 64;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux tells them apart"))]
pub(super) enum Verdict {
    /// The user of this process, or root.
    Own,
    /// Another user than that of this process.
    Other { user: u32, own: u32 },
    /// Nobody any more: the other end is closed.
    Gone,
    /// The system does not tell.
    Unknown,
}

/// The connections that are served.
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    peers: Peers,
    strangers: BTreeSet<u32>,
    said_unknown: bool,
    said_full: Option<Instant>,
    said_untold: Option<Instant>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, peers: Peers) -> Self {
        let (places, strangers) = (Arc::new(Semaphore::new(CONNECTIONS)), BTreeSet::new());
        Self { listener, places, peers, strangers, said_unknown: false, said_full: None, said_untold: None }
    }

    /// The next connection of someone who is served, and its place among those that are open. Dropped before it is ready, it
    /// may take a connection along.
    pub(super) async fn next(&mut self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            let place = self.place().await;
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if self.lets_in(&stream).await {
                        // Answers are small: none waits for the next one.
                        let _not_necessary = stream.set_nodelay(true);
                        return (stream, place);
                    }
                }
                Err(error) if system::is_lack(&error) => {
                    self.wait_for_room(format_args!("{error}; {}", system::limit_of_files())).await;
                }
                // The peer has gone already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => self.wait_for_room(error).await,
            }
            // Those who are served have their turns, however many are refused.
            yield_now().await;
        }
    }

    /// A place for one more connection.
    async fn place(&mut self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = self.places.clone().try_acquire_owned() {
                return place;
            }
            self.wait_for_room(format_args!("{CONNECTIONS} are open")).await;
        }
    }

    async fn lets_in(&mut self, stream: &TcpStream) -> bool {
        match self.peers.who_connected(stream).await {
            Ok(Verdict::Own) => true,
            Ok(Verdict::Gone) => false,
            Ok(Verdict::Other { user, own }) => {
                self.warn_of_stranger(user, own);
                false
            }
            Ok(Verdict::Unknown) => {
                self.warn_of_everybody();
                true
            }
            Err(error) => {
                self.warn_of_failure(&error);
                false
            }
        }
    }

    fn warn_of_stranger(&mut self, user: u32, own: u32) {
        if self.strangers.len() < MAX_STRANGERS && self.strangers.insert(user) {
            log::warn!(
                "another user of this machine (id {user}) connected to this plugin and was refused: only the user who \
                 runs it (id {own}) and root are served"
            );
        }
    }

    fn warn_of_everybody(&mut self) {
        if !std::mem::replace(&mut self.said_unknown, true) {
            log::warn!(
                "this system does not tell which user connects to this plugin, so every user of this machine can call it"
            );
        }
    }

    fn warn_of_failure(&mut self, error: &io::Error) {
        if is_due(&mut self.said_untold) {
            let limit = system::reached_limit(error).map(|limit| format!("; {limit}")).unwrap_or_default();
            log::warn!(
                "this plugin refused a connection, since the system cannot tell for now which user made it: {error}{limit}"
            );
        }
    }

    async fn wait_for_room(&mut self, problem: impl fmt::Display) {
        if is_due(&mut self.said_full) {
            log::warn!("this plugin can take no more connections for now: {problem}");
        }
        sleep(PAUSE).await;
    }
}

/// Whether something is to be said that was said at `said`, which it is then.
fn is_due(said: &mut Option<Instant>) -> bool {
    let is_due = said.is_none_or(|said| said.elapsed() > SAID_AGAIN);
    if is_due {
        *said = Some(Instant::now());
    }
    is_due
}
