//! Who is at the other end of a connection from this machine: the user whose socket it is.
//!
//! Linux only. The kernel is asked by its socket diagnosis, at the same cost however many sockets there are, and where
//! that is not to be had, by the tables in `/proc/net`. Which of them tells is decided once, by a socket of this process's
//! own: what fails later is no reason to serve everybody.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
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
use tokio::{net::TcpStream, task::spawn_blocking};

use super::{connections::Verdict, threads};
use crate::system;

/// What users are shown as who are not known in this process's user namespace.
const OVERFLOW_USER: u32 = 65_534;

const ROOT: u32 = 0;

/// Tells who is at the other end. Clones share one state. What is asked is kept open: a process at its limit of files
/// could not ask anew.
#[derive(Debug, Clone)]
pub(super) struct Peers {
    source: Arc<OnceLock<Source>>,
    user: u32,
    /// Whether other users can look like this process's own.
    is_ambiguous: bool,
}

/// What tells the owner of a socket.
#[derive(Debug)]
enum Source {
    Diagnosis(Mutex<Diagnosis>),
    /// They take long where there are many sockets.
    Tables(Arc<Mutex<Tables>>),
    Nothing,
}

/// A TCP socket: where it is, and where its other end is. One that listens has none.
#[derive(Debug, Clone, Copy)]
struct Socket {
    at: SocketAddr,
    peer: Option<SocketAddr>,
}

/// The owner of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    User(u32),
    /// Whoever accepts it will be.
    Pending,
    /// A socket that is closed has none; the kernel may show root in its place.
    Nobody,
    /// The system does not tell.
    Untold,
}

impl Peers {
    pub(super) fn new() -> Self {
        let user = geteuid().as_raw();
        let is_ambiguous = user == OVERFLOW_USER && !knows_all_users();
        let peers = Self { source: Arc::default(), user, is_ambiguous };
        // If this cannot be told now, the first connection asks again.
        let _decided = peers.source();
        peers
    }

    /// Who made a connection that was accepted here.
    ///
    /// # Errors
    ///
    /// When that cannot be told for now.
    pub(super) async fn who_connected(&self, stream: &TcpStream) -> io::Result<Verdict> {
        let Some(end) = other_end(stream) else { return Ok(Verdict::Gone) };
        let owner = self.owner(end).await?;
        Ok(self.verdict(stream, owner))
    }

    /// Who has, or will have, the other end of a connection that was made here.
    ///
    /// # Errors
    ///
    /// When that cannot be told for now.
    pub(super) async fn who_answers(&self, stream: &TcpStream) -> io::Result<Verdict> {
        let Some(end) = other_end(stream) else { return Ok(Verdict::Gone) };
        if !end.is_of_this_machine() {
            return Ok(Verdict::Unknown);
        }
        // In this order: what nobody has accepted even then was all the time of who listened.
        let listener = self.owner(Socket { peer: None, ..end }).await?;
        let owner = match self.owner(end).await? {
            Owner::Pending => listener,
            owner => owner,
        };
        Ok(self.verdict(stream, owner))
    }

    async fn owner(&self, socket: Socket) -> io::Result<Owner> {
        match self.source()? {
            Source::Diagnosis(diagnosis) => lock(diagnosis).ask(socket),
            Source::Tables(tables) => {
                let tables = tables.clone();
                threads::ready()?;
                spawn_blocking(move || lock(&tables).find(socket)).await?
            }
            Source::Nothing => Ok(Owner::Untold),
        }
    }

    fn source(&self) -> io::Result<&Source> {
        if let Some(source) = self.source.get() {
            return Ok(source);
        }
        let found = find_source()?;
        Ok(self.source.get_or_init(|| found))
    }

    fn verdict(&self, stream: &TcpStream, owner: Owner) -> Verdict {
        // While this end is connected, nobody else's socket can have been the other one.
        if stream.peer_addr().is_err() {
            return Verdict::Gone;
        }
        match owner {
            Owner::Untold => Verdict::Unknown,
            Owner::Nobody | Owner::Pending => Verdict::Gone,
            Owner::User(ROOT) => Verdict::Own,
            Owner::User(user) if user != self.user => Verdict::Other { user, own: self.user },
            Owner::User(_) if self.is_ambiguous => Verdict::Unknown,
            Owner::User(_) => Verdict::Own,
        }
    }
}

/// A panic while the lock was held cannot leave these values half-written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process's user namespace has all the users of the machine, as the first one has.
fn knows_all_users() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The other end of a connection; none of one that is over.
fn other_end(stream: &TcpStream) -> Option<Socket> {
    let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let (at, peer) = (stream.peer_addr().ok()?, stream.local_addr().ok()?);
    Some(Socket { at: canonical(at), peer: Some(canonical(peer)) })
}

impl Socket {
    /// Whether it is of this machine. What connects to itself has one address for both ends.
    fn is_of_this_machine(&self) -> bool {
        self.at.ip().is_loopback() || self.peer.is_some_and(|peer| peer.ip() == self.at.ip())
    }

    /// Its ports as the kernel has them.
    fn ports(&self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.at.port().to_be_bytes(), self.peer.map_or(0, |peer| peer.port()).to_be_bytes());
        [a, b, c, d]
    }
}

/// What tells whose a socket is that is there.
///
/// # Errors
///
/// When that cannot be told for now.
fn find_source() -> io::Result<Source> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = Socket { at: listener.local_addr()?, peer: None };
    if let Some(mut diagnosis) = if_there(Diagnosis::open())?
        && let Some(Owner::User(_)) = if_there(diagnosis.ask(own))?
    {
        return Ok(Source::Diagnosis(Mutex::new(diagnosis)));
    }
    if let Some(mut tables) = if_there(Tables::open())?
        && let Some(Owner::User(_)) = if_there(tables.find(own))?
    {
        return Ok(Source::Tables(Arc::new(Mutex::new(tables))));
    }
    Ok(Source::Nothing)
}

/// Nothing where the system has no such thing, or does not let it be used.
///
/// # Errors
///
/// What the system lacks only for now, which says nothing of later.
fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if system::is_lack(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

// States of sockets, for the kernel.
const ESTABLISHED: u8 = 1;
const SYN_RECEIVED: u8 = 3;
const LISTEN: u8 = 10;

const fn owner(state: u8, user: u32, inode: u64) -> Owner {
    match (state, inode) {
        (SYN_RECEIVED, _) | (ESTABLISHED, 0) => Owner::Pending,
        (ESTABLISHED | LISTEN, _) => Owner::User(user),
        _ => Owner::Nobody,
    }
}

/// A socket for questions about sockets (sock_diag(7)).
#[derive(Debug)]
struct Diagnosis {
    socket: OwnedFd,
    questions: u32,
}

const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// The kind of an answer that is an error.
const ERROR: u16 = 2;

/// More than the kernel answers.
type Answer = [u8; 256];

impl Diagnosis {
    fn open() -> io::Result<Self> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
        connect(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self { socket, questions: 0 })
    }

    /// Asks for a socket. The kernel answers before it returns from `send`.
    fn ask(&mut self, socket: Socket) -> io::Result<Owner> {
        self.questions = self.questions.wrapping_add(1);
        send(&self.socket, &question(socket, self.questions), SendFlags::DONTWAIT)?;
        loop {
            let mut answer: Answer = [0; _];
            recv(&self.socket, &mut answer[..], RecvFlags::DONTWAIT)?;
            // An answer that nobody took is to another question.
            if word(&answer, 8) == self.questions {
                return read(&answer, socket);
            }
        }
    }
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2` of the kernel, for one TCP socket.
fn question(socket: Socket, number: u32) -> [u8; 72] {
    const REQUEST: u16 = 1;
    const INET: u8 = 2;
    const INET6: u8 = 10;
    const TCP: u8 = 6;
    let mut question = [0; 72];
    question[..4].copy_from_slice(&72_u32.to_ne_bytes());
    question[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    question[6..8].copy_from_slice(&REQUEST.to_ne_bytes());
    question[8..12].copy_from_slice(&number.to_ne_bytes());
    question[16..18].copy_from_slice(&[if socket.at.is_ipv4() { INET } else { INET6 }, TCP]);
    question[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
    question[24..28].copy_from_slice(&socket.ports());
    for (from, address) in [(28, Some(socket.at)), (44, socket.peer)] {
        let octets = address.map_or_else(Vec::new, |address| octets(address.ip()));
        question[from..from + octets.len()].copy_from_slice(&octets);
    }
    // No cookie: any socket at these addresses.
    question[64..72].fill(0xff);
    question
}

/// `struct nlmsghdr` with `struct inet_diag_msg` or `struct nlmsgerr` of the kernel.
fn read(answer: &Answer, socket: Socket) -> io::Result<Owner> {
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    match kind {
        // Where there is no such socket, it may tell of the one that listens there.
        SOCK_DIAG_BY_FAMILY if answer[20..24] != socket.ports() => Ok(Owner::Nobody),
        SOCK_DIAG_BY_FAMILY => Ok(owner(answer[17], word(answer, 80), word(answer, 84).into())),
        ERROR => match io::Error::from_raw_os_error(word(answer, 16).cast_signed().wrapping_neg()) {
            error if Errno::from_io_error(&error) == Some(Errno::NOENT) => Ok(Owner::Nobody),
            error => Err(error),
        },
        _ => Err(Errno::BADMSG.into()),
    }
}

fn word(answer: &Answer, at: usize) -> u32 {
    u32::from_ne_bytes([answer[at], answer[at + 1], answer[at + 2], answer[at + 3]])
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().into(),
        IpAddr::V6(ip) => ip.octets().into(),
    }
}

/// The kernel's tables of TCP sockets.
#[derive(Debug)]
struct Tables(Vec<File>);

impl Tables {
    fn open() -> io::Result<Self> {
        let ipv4 = File::open("/proc/net/tcp")?;
        let ipv6 = if_there(File::open("/proc/net/tcp6"))?;
        Ok(Self([ipv4].into_iter().chain(ipv6).collect()))
    }

    /// Reads all of them for the socket.
    fn find(&mut self, socket: Socket) -> io::Result<Owner> {
        let names = names(socket);
        let mut best = (names.len(), Owner::Nobody);
        for table in &mut self.0 {
            table.rewind()?;
            for line in BufReader::new(table).lines() {
                let found =
                    entry(&line?).and_then(|(name, owner)| Some((names.iter().position(|own| *own == name)?, owner)));
                best = found.filter(|(position, _)| *position < best.0).unwrap_or(best);
            }
        }
        Ok(best.1)
    }
}

/// The socket's addresses as the tables may have them, the best first: a program may use an IPv6 socket for an IPv4
/// address, which is then written as one of IPv6, and may listen at all addresses.
fn names(socket: Socket) -> Vec<[String; 2]> {
    let at = |ip: &String| format!("{ip}:{:04X}", socket.at.port());
    let own = spellings(socket.at.ip());
    match socket.peer {
        Some(peer) => {
            let peers = spellings(peer.ip()).into_iter().map(|ip| format!("{ip}:{:04X}", peer.port()));
            own.iter().zip(peers).map(|(ip, peer)| [at(ip), peer]).collect()
        }
        None => {
            let any: Vec<_> = own.iter().map(|ip| "0".repeat(ip.len())).collect();
            own.iter().chain(&any).map(|ip| [at(ip), format!("{}:0000", "0".repeat(ip.len()))]).collect()
        }
    }
}

fn spellings(ip: IpAddr) -> Vec<String> {
    let hex =
        |octets: &[u8]| octets.as_chunks().0.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect();
    match ip {
        IpAddr::V4(ip) => vec![hex(&ip.octets()), hex(&ip.to_ipv6_mapped().octets())],
        IpAddr::V6(ip) => vec![hex(&ip.octets())],
    }
}

/// The addresses and the owner in a line of a table; none in its head.
fn entry(line: &str) -> Option<([&str; 2], Owner)> {
    // sl, local_address, rem_address, st, queues, timer, retransmissions, uid, timeout, inode
    let fields: Vec<_> = line.split_ascii_whitespace().take(10).collect();
    let [_, local, remote, state, _, _, _, user, _, inode] = fields[..] else { return None };
    let owner = owner(u8::from_str_radix(state, 16).ok()?, user.parse().ok()?, inode.parse().ok()?);
    Some(([local, remote], owner))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddrV6};

    use futures_util::FutureExt;
    use tokio::net::TcpListener;

    use super::*;

    /// Peers by each of the ways to know them.
    fn both_ways() -> [Peers; 2] {
        [by(Source::Diagnosis(Mutex::new(Diagnosis::open().unwrap()))), by_tables(Tables::open().unwrap())]
    }

    fn by_tables(tables: Tables) -> Peers {
        by(Source::Tables(Arc::new(Mutex::new(tables))))
    }

    fn by(source: Source) -> Peers {
        let user = geteuid().as_raw();
        Peers { source: Arc::new(OnceLock::from(source)), user, is_ambiguous: false }
    }

    /// The owner of the other end, by each way.
    async fn owners(stream: &TcpStream) -> Vec<Owner> {
        let mut owners = Vec::new();
        for peers in both_ways() {
            owners.push(peers.owner(other_end(stream).unwrap()).await.unwrap());
        }
        owners
    }

    const LOCALHOSTS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

    #[tokio::test]
    async fn both_ways_tell_the_owner_of_either_kind_of_socket() {
        let own = [Owner::User(geteuid().as_raw()); 2];
        for (at, to) in [
            (LOCALHOSTS[0], LOCALHOSTS[0]),
            (LOCALHOSTS[0], Ipv4Addr::LOCALHOST.to_ipv6_mapped().into()),
            (LOCALHOSTS[1], LOCALHOSTS[1]),
        ] {
            let listener = TcpListener::bind((at, 0)).await.unwrap();
            let client = TcpStream::connect((to, listener.local_addr().unwrap().port())).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            assert_eq!(owners(&stream).await, own, "{to}");
            assert_eq!(owners(&client).await, own, "{to}");
            for peers in both_ways() {
                assert_eq!(peers.who_connected(&stream).await.unwrap(), Verdict::Own, "{to}");
                assert_eq!(peers.who_answers(&client).await.unwrap(), Verdict::Own, "{to}");
            }
        }
    }

    #[tokio::test]
    async fn what_nobody_accepted_is_of_who_listens() {
        let any = SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0));
        for (at, to) in [
            ((LOCALHOSTS[0], 0).into(), LOCALHOSTS[0]),
            ((LOCALHOSTS[1], 0).into(), LOCALHOSTS[1]),
            ((Ipv4Addr::UNSPECIFIED, 0).into(), LOCALHOSTS[0]),
            (any, LOCALHOSTS[0]),
            (any, LOCALHOSTS[1]),
        ] {
            let listener = TcpListener::bind(at).await.unwrap();
            let client = TcpStream::connect((to, listener.local_addr().unwrap().port())).await.unwrap();
            assert_eq!(owners(&client).await, [Owner::Pending; 2], "{at} {to}");
            for peers in both_ways() {
                assert_eq!(peers.who_answers(&client).await.unwrap(), Verdict::Own, "{at} {to}");
            }
            drop(listener);
            for peers in both_ways() {
                assert_eq!(peers.who_answers(&client).await.unwrap(), Verdict::Gone, "{at} {to}");
            }
        }
    }

    #[tokio::test]
    async fn a_closed_socket_has_no_owner_although_the_kernel_may_show_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        drop(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let (stream, _) = listener.accept().await.unwrap();
        assert_eq!(owners(&stream).await, [Owner::Nobody; 2]);
    }

    #[tokio::test]
    async fn a_connection_that_was_reset_is_gone_without_a_question() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        client.set_zero_linger().unwrap();
        drop(client);
        assert_eq!(unreadable().who_connected(&stream).await.unwrap(), Verdict::Gone);
    }

    /// What cannot be read although it could be opened.
    fn unreadable() -> Peers {
        by_tables(Tables(vec![File::open("/").unwrap()]))
    }

    #[tokio::test]
    async fn a_question_that_fails_is_no_reason_to_serve() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        unreadable().who_connected(&stream).await.unwrap_err();
        unreadable().who_answers(&client).await.unwrap_err();
    }

    #[tokio::test]
    async fn other_calls_do_not_wait_for_the_tables() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let tables = Arc::new(Mutex::new(Tables::open().unwrap()));
        let peers = by(Source::Tables(tables.clone()));
        let mut look_up = Box::pin(peers.who_connected(&stream));
        let slow = lock(&tables);
        assert!(look_up.as_mut().now_or_never().is_none());
        drop(slow);
        assert_eq!(look_up.await.unwrap(), Verdict::Own);
    }

    #[test]
    fn what_is_lacking_for_now_decides_nothing() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS] {
            if_there::<()>(Err(errno.into())).unwrap_err();
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::PERM, Errno::PROTONOSUPPORT, Errno::AFNOSUPPORT] {
            assert_eq!(if_there::<()>(Err(errno.into())).unwrap(), None, "{errno}");
        }
    }
}
