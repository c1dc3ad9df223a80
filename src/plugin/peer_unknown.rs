//! Who is at the other end of a connection from this machine. Only Linux tells.

use std::net::SocketAddrV4;

use super::connections::Verdict;

/// Tells who connects.
#[derive(Debug)]
pub(super) struct Peers;

impl Peers {
    pub(super) const fn new() -> Self {
        Self
    }

    pub(super) const fn look_up(&self, _peer: SocketAddrV4, _own: SocketAddrV4) -> Verdict {
        Verdict::Unknown
    }
}
