//! Who is at the other end of a connection from this machine: the user whose socket it is.
//!
//! Linux only. The kernel is asked by its socket diagnosis, at the same cost however many sockets there are, and where
//! that is not to be had, by the tables in `/proc/net`.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::OwnedFd,
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect,
        netlink::{SOCK_DIAG, SocketAddrNetlink},
        recv, send, socket_with,
    },
    process::geteuid,
};

use super::connections::Verdict;

/// What users are shown as who are not known in this process's user namespace.
const OVERFLOW_USER: u32 = 65_534;

const ROOT: u32 = 0;

/// Tells who connects. The question to the kernel is kept open: a process at its limit of files could not ask anew.
#[derive(Debug)]
pub(super) struct Peers {
    diagnosis: Option<OwnedFd>,
    user: u32,
    /// Whether other users can look like this process's own.
    is_ambiguous: bool,
}

/// The owner of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    User(u32),
    /// A socket that is closed has none; the kernel shows root in its place.
    Nobody,
}

impl Peers {
    pub(super) fn new() -> Self {
        let user = geteuid().as_raw();
        Self { diagnosis: diagnosis().ok(), user, is_ambiguous: user == OVERFLOW_USER && !knows_all_users() }
    }

    /// Who owns the end `peer` of the connection that is at `own` here.
    pub(super) fn look_up(&self, peer: SocketAddrV4, own: SocketAddrV4) -> Verdict {
        let by_diagnosis = self.diagnosis.as_ref().and_then(|socket| ask(socket, peer, own).ok());
        match by_diagnosis.or_else(|| read_tables(peer, own)) {
            None => Verdict::Unknown,
            Some(Owner::Nobody) => Verdict::Gone,
            Some(Owner::User(ROOT)) => Verdict::Own,
            Some(Owner::User(user)) if user != self.user => Verdict::Other { user, own: self.user },
            Some(Owner::User(_)) if self.is_ambiguous => Verdict::Unknown,
            Some(Owner::User(_)) => Verdict::Own,
        }
    }
}

/// Whether this process's user namespace has all the users of the machine, as the first one has.
fn knows_all_users() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// `ESTABLISHED`, for the kernel.
const ESTABLISHED: u8 = 1;

/// A socket for questions about sockets (sock_diag(7)).
fn diagnosis() -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
    connect(&socket, &SocketAddrNetlink::new(0, 0))?;
    Ok(socket)
}

/// Asks for the socket at `peer` whose other end is at `own`. The kernel answers before it returns from `send`.
fn ask(socket: &OwnedFd, peer: SocketAddrV4, own: SocketAddrV4) -> rustix::io::Result<Owner> {
    const ANSWER: usize = 88;
    send(socket, &question(peer, own), SendFlags::DONTWAIT)?;
    let mut answer = [0; 256];
    let (length, _) = recv(socket, &mut answer[..], RecvFlags::DONTWAIT)?;
    // An absent socket and an absent module of the kernel are the same error.
    if length < ANSWER || answer[4..6] != SOCK_DIAG_BY_FAMILY.to_ne_bytes() || answer[20..24] != ports(peer, own) {
        return Err(Errno::NOENT);
    }
    let word = |at: usize| u32::from_ne_bytes([answer[at], answer[at + 1], answer[at + 2], answer[at + 3]]);
    Ok(owner(answer[17], word(80), word(84).into()))
}

const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// `struct nlmsghdr` and `struct inet_diag_req_v2` of the kernel, for one TCP socket.
fn question(peer: SocketAddrV4, own: SocketAddrV4) -> [u8; 72] {
    const REQUEST: u16 = 1;
    const INET: u8 = 2;
    const TCP: u8 = 6;
    let mut question = [0; 72];
    question[..4].copy_from_slice(&72_u32.to_ne_bytes());
    question[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    question[6..8].copy_from_slice(&REQUEST.to_ne_bytes());
    question[16..18].copy_from_slice(&[INET, TCP]);
    question[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
    question[24..28].copy_from_slice(&ports(peer, own));
    question[28..32].copy_from_slice(&peer.ip().octets());
    question[44..48].copy_from_slice(&own.ip().octets());
    // No cookie: any socket at these addresses.
    question[64..72].fill(0xff);
    question
}

fn ports(peer: SocketAddrV4, own: SocketAddrV4) -> [u8; 4] {
    let ([a, b], [c, d]) = (peer.port().to_be_bytes(), own.port().to_be_bytes());
    [a, b, c, d]
}

const fn owner(state: u8, user: u32, inode: u64) -> Owner {
    if state == ESTABLISHED && inode != 0 { Owner::User(user) } else { Owner::Nobody }
}

/// Looks for the socket in the kernel's tables. `None`: there are none to be read.
fn read_tables(peer: SocketAddrV4, own: SocketAddrV4) -> Option<Owner> {
    // A program may use an IPv6 socket for an IPv4 address, which is then written as one of IPv6.
    let ipv4 = |address: SocketAddrV4| format!("{}:{:04X}", hex(*address.ip()), address.port());
    let ipv6 =
        |address: SocketAddrV4| format!("{:016X}{:08X}{}", 0, u32::from_ne_bytes([0, 0, 0xff, 0xff]), ipv4(address));
    let of_ipv4 = File::open("/proc/net/tcp").ok()?;
    let found = find(of_ipv4, &ipv4(peer), &ipv4(own));
    let found = found.or_else(|| find(File::open("/proc/net/tcp6").ok()?, &ipv6(peer), &ipv6(own)));
    Some(found.unwrap_or(Owner::Nobody))
}

fn hex(ip: Ipv4Addr) -> String {
    format!("{:08X}", u32::from_ne_bytes(ip.octets()))
}

fn find(table: File, peer: &str, own: &str) -> Option<Owner> {
    BufReader::new(table).lines().map_while(Result::ok).find_map(|line| {
        // sl, local_address, rem_address, st, queues, timer, retransmissions, uid, timeout, inode
        let fields: Vec<_> = line.split_ascii_whitespace().take(10).collect();
        match fields[..] {
            [_, local, remote, state, _, _, _, user, _, inode] if local == peer && remote == own => {
                Some(owner(u8::from_str_radix(state, 16).ok()?, user.parse().ok()?, inode.parse().ok()?))
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream};

    use super::*;

    fn v4(address: SocketAddr) -> SocketAddrV4 {
        match address {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(address) => panic!("{address}"),
        }
    }

    /// Both ways to know who is at the other end of a connection that `connect` makes.
    fn owners(connect: impl FnOnce(u16) -> Option<TcpStream>) -> [Option<Owner>; 2] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = connect(listener.local_addr().unwrap().port());
        let (stream, peer) = listener.accept().unwrap();
        let (peer, own) = (v4(peer), v4(stream.local_addr().unwrap()));
        let asked = ask(&diagnosis().unwrap(), peer, own);
        [asked.ok(), read_tables(peer, own)]
    }

    #[test]
    fn both_ways_tell_the_owner_of_either_kind_of_socket() {
        let own = Some(Owner::User(geteuid().as_raw()));
        assert_eq!(owners(|port| TcpStream::connect(("127.0.0.1", port)).ok()), [own, own]);
        let mapped = |port| SocketAddrV6::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped(), port, 0, 0);
        assert_eq!(owners(|port| TcpStream::connect(mapped(port)).ok()), [own, own]);
        assert_ne!(Ipv6Addr::LOCALHOST, *mapped(0).ip());
    }

    #[test]
    fn a_closed_socket_has_no_owner_although_the_kernel_shows_root() {
        let closed = |port| {
            drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
            None
        };
        assert_eq!(owners(closed), [Some(Owner::Nobody); 2]);
    }
}
