//! Connections to the plugin. The port has no authentication, and Configure can run commands: on Linux only the
//! plugin's own user and root are served. Others are refused before a byte of theirs is read.

use std::{
    collections::BTreeSet,
    fmt,
    net::{SocketAddr, SocketAddrV4},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::{limits::CONNECTIONS, peer::Peers};
use crate::system;

/// How long to wait until there may be room for another connection again.
const PAUSE: Duration = Duration::from_millis(250);

/// When it is said again that there is no room: connections that come and go at the limit are one trouble.
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// Strangers who are remembered, so that each is warned of once.
const MAX_STRANGERS: usize = 64;

/// Whether someone may be served.
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
}

impl Door {
    pub(super) fn new(listener: TcpListener) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        Self { listener, places, peers: Peers::new(), strangers: BTreeSet::new(), said_unknown: false, said_full: None }
    }

    /// The next connection of someone who is served, and its place among those that are open.
    pub(super) async fn next(&mut self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            let place = self.place().await;
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if self.lets_in(&stream, peer) {
                        // Answers are small: none waits for the next one.
                        let _not_necessary = stream.set_nodelay(true);
                        return (stream, place);
                    }
                }
                Err(error) if system::is_lack(&error) => {
                    self.wait_for_room(format_args!("{error}; {}", system::limit_of_files())).await;
                }
                // The peer has gone already.
                Err(_) => {}
            }
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

    fn lets_in(&mut self, stream: &TcpStream, peer: SocketAddr) -> bool {
        match (peer, stream.local_addr()) {
            (SocketAddr::V4(peer), Ok(SocketAddr::V4(own))) => self.knows(stream, peer, own),
            _ => false,
        }
    }

    fn knows(&mut self, stream: &TcpStream, peer: SocketAddrV4, own: SocketAddrV4) -> bool {
        match self.peers.look_up(peer, own) {
            // While this end is connected, nobody else's socket can have been the other one.
            Verdict::Own => stream.peer_addr().is_ok(),
            Verdict::Gone => false,
            Verdict::Other { user, own } => {
                if self.strangers.len() < MAX_STRANGERS && self.strangers.insert(user) {
                    log::warn!(
                        "another user of this machine (id {user}) connected to this plugin and was refused: only the \
                         user who runs it (id {own}) and root are served"
                    );
                }
                false
            }
            Verdict::Unknown => {
                if !std::mem::replace(&mut self.said_unknown, true) {
                    log::warn!(
                        "this system does not tell which user connects to this plugin, so every user of this machine \
                         can call it"
                    );
                }
                true
            }
        }
    }

    async fn wait_for_room(&mut self, problem: impl fmt::Display) {
        if self.said_full.is_none_or(|said| said.elapsed() > SAID_AGAIN) {
            self.said_full = Some(Instant::now());
            log::warn!("this plugin can take no more connections for now: {problem}");
        }
        sleep(PAUSE).await;
    }
}
