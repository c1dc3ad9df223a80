//! Messages as they arrive. Each has room for an ordinary one, takes more as bytes come, not as they are announced, and has
//! to keep up a pace.

use std::{
    convert::Infallible,
    fmt::Display,
    future::{pending, poll_fn},
    hint::black_box,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use http_body::{Body, Frame};
use prost::bytes::Bytes;
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use tonic::Status;

use super::decoded_size;

/// The engine's own limit for a message (`rpcutil.GrpcChannelOptions` of pulumi/pulumi).
pub(super) const MAX_MESSAGE_BYTES: usize = 400 * 1024 * 1024;

/// Up to here a message is an ordinary one: each call has room for it, so that it waits for none.
const ORDINARY_BYTES: usize = 16 * 1024;

/// What the large messages of one connection have among them. One that finds no room there has to be the only one such
/// of all connections: of two that each had a part of the same room, none could end.
const LARGE_BYTES: usize = 1024 * 1024;

/// Large messages of one connection that wait for room. What they sent already is not read.
const WAITING: usize = 16;

/// How long they wait. Who has stopped has left its room by then.
const TURN: Duration = Duration::from_secs(120);

/// How long a message may take to arrive, and how many bytes of it buy a second more. None is ever further ahead than that.
const PATIENCE: Duration = Duration::from_secs(60);
const PACE: u32 = 1024 * 1024;

/// The bytes in front of a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// What a large message needs at most once it is there, in its own size: it is decoded, copied, and encoded in an answer,
/// whose buffer may be twice as long.
const COPIES: usize = 4;

/// A part of what is limited, given back when it is dropped.
pub(super) type Permit = OwnedSemaphorePermit;

/// The room for the large messages of one connection.
#[derive(Debug)]
pub(super) struct Room {
    bytes: Arc<Semaphore>,
    waiting: Semaphore,
    alone: Arc<Semaphore>,
}

impl Room {
    /// Room for a connection; `alone` has one permit, for all of them.
    pub(super) fn new(alone: Arc<Semaphore>) -> Self {
        Self { bytes: Arc::new(Semaphore::new(LARGE_BYTES)), waiting: Semaphore::new(WAITING), alone }
    }

    /// Reads the one message of a request, with what it holds if it is a large one.
    pub(super) async fn read<B>(&self, mut body: B) -> Result<(Message, Option<Share>), Status>
    where
        B: Body<Data = Bytes, Error: Display> + Unpin,
    {
        let mut message = Arriving::new(self);
        while let Some(data) = message.next(&mut body).await? {
            message.take(&data).await?;
        }
        message.end()
    }

    /// Room for a message of so many bytes beyond what it has.
    async fn more(&self, has: usize, bytes: usize) -> Result<Share, AcquireError> {
        let of_connection = async {
            match u32::try_from(bytes - has) {
                Ok(more) if bytes <= LARGE_BYTES => self.bytes.clone().acquire_many_owned(more).await,
                _ => pending().await,
            }
        };
        tokio::select! {
            biased;
            bytes = of_connection => bytes.map(Share::Bytes),
            alone = self.alone.clone().acquire_owned() => alone.map(|turn| Share::Alone { _turn: turn }),
        }
    }
}

/// What a large message holds: bytes of its connection, or all that one may have.
#[derive(Debug)]
pub(super) enum Share {
    Bytes(Permit),
    Alone { _turn: Permit },
}

/// A message that is read.
struct Arriving<'a> {
    room: &'a Room,
    share: Option<Share>,
    bytes: Vec<u8>,
    /// When it is given up.
    due: Instant,
}

impl<'a> Arriving<'a> {
    fn new(room: &'a Room) -> Self {
        Self { room, share: None, bytes: Vec::new(), due: Instant::now() + PATIENCE }
    }

    /// The next bytes, if they come in time.
    async fn next<B>(&self, body: &mut B) -> Result<Option<Bytes>, Status>
    where
        B: Body<Data = Bytes, Error: Display> + Unpin,
    {
        timeout_at(self.due, next(body)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn take(&mut self, data: &[u8]) -> Result<(), Status> {
        self.grow(self.bytes.len() + data.len()).await?;
        self.bytes.extend_from_slice(data);
        let earned = Duration::from_secs(data.len() as u64) / PACE;
        self.due = (self.due + earned).min(Instant::now() + PATIENCE);
        match announced(&self.bytes) {
            Some(length) if length > MAX_MESSAGE_BYTES => {
                let text = format!("a message has {length} bytes; {MAX_MESSAGE_BYTES} are the most");
                Err(Status::out_of_range(text))
            }
            Some(length) if self.bytes.len() > PREFIX + length => Err(Status::internal("a request has one message")),
            _ => Ok(()),
        }
    }

    /// Makes room for so many bytes, and for twice of what there was if that many come: it is seldom moved then.
    async fn grow(&mut self, bytes: usize) -> Result<(), Status> {
        if bytes <= self.bytes.capacity() {
            return Ok(());
        }
        let is_large = bytes > PREFIX + ORDINARY_BYTES;
        let come = announced(&self.bytes).map_or(bytes, |length| PREFIX + length);
        let most = if is_large { come } else { come.min(PREFIX + ORDINARY_BYTES) };
        let room = (2 * self.bytes.capacity()).min(most).max(bytes);
        if is_large {
            self.share(room).await?;
        }
        self.bytes.try_reserve_exact(room - self.bytes.len()).map_err(|_| no_memory(room))
    }

    /// Takes a share that has room for so many bytes.
    async fn share(&mut self, bytes: usize) -> Result<(), Status> {
        let has = match &self.share {
            None => 0,
            Some(Share::Bytes(has)) => has.num_permits(),
            Some(Share::Alone { .. }) => return Ok(()),
        };
        let mut more = pin!(self.room.more(has, bytes));
        let more = match more.as_mut().now_or_never() {
            Some(more) => more,
            None => {
                let _waiting = self.room.waiting.try_acquire().map_err(|_| full())?;
                let since = Instant::now();
                let more = timeout(TURN, more).await.map_err(|_| full())?;
                // It was not its sender that took this time.
                self.due += since.elapsed();
                more
            }
        };
        match (more.map_err(closed)?, &mut self.share) {
            (Share::Bytes(more), Some(Share::Bytes(has))) => has.merge(more),
            (more, share) => *share = Some(more),
        }
        Ok(())
    }

    fn end(self) -> Result<(Message, Option<Share>), Status> {
        if self.share.is_some() {
            decoded_size::check(self.bytes.get(PREFIX..).unwrap_or_default())?;
            if !can_be_had(self.bytes.len().saturating_mul(COPIES)) {
                return Err(no_memory(self.bytes.len()));
            }
        }
        Ok((Message((!self.bytes.is_empty()).then(|| self.bytes.into())), self.share))
    }
}

async fn next<B>(body: &mut B) -> Result<Option<Bytes>, Status>
where
    B: Body<Data = Bytes, Error: Display> + Unpin,
{
    let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await.transpose();
    let frame = frame.map_err(|error| Status::cancelled(format!("the request broke off: {error}")))?;
    // What is no data are trailers, which mean nothing here.
    Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

/// The length that the prefix of a message tells, once it is there.
fn announced(message: &[u8]) -> Option<usize> {
    let length = message.get(1..PREFIX)?;
    Some(length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

/// Whether there is memory of this size. There is no way to ask but to try.
fn can_be_had(bytes: usize) -> bool {
    let mut room = Vec::<u8>::new();
    let had = room.try_reserve_exact(bytes).is_ok();
    // Nobody uses it, so it would not be asked for.
    black_box(&mut room);
    had
}

fn no_memory(bytes: usize) -> Status {
    Status::resource_exhausted(format!(
        "there is no memory for a message of {bytes} bytes. Raise the limit of memory (ulimit -v) of the user or container"
    ))
}

fn full() -> Status {
    Status::resource_exhausted(
        "this plugin holds other large messages, and more wait; call again when they are answered",
    )
}

fn late() -> Status {
    let seconds = PATIENCE.as_secs();
    Status::deadline_exceeded(format!("a message did not arrive in {seconds} seconds and one for each MiB of it"))
}

pub(super) fn closed(error: AcquireError) -> Status {
    Status::unavailable(error.to_string())
}

/// The body of a request that arrived: a message with its prefix, if there is one.
pub(super) struct Message(Option<Bytes>);

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|message| Ok(Frame::data(message))))
    }
}

#[cfg(test)]
mod tests {
    use std::iter::{once, repeat_n};

    use futures_util::{StreamExt, future::join_all, stream};
    use http_body_util::StreamBody;
    use tokio::time::sleep;
    use tonic::Code;

    use super::*;

    const MIB: usize = 1 << 20;

    /// Rooms of connections.
    fn rooms<const N: usize>() -> [Room; N] {
        let alone = Arc::new(Semaphore::new(1));
        std::array::from_fn(|_| Room::new(alone.clone()))
    }

    fn is_free(room: &Room) -> bool {
        let free = [&room.bytes, &room.alone, &room.waiting].map(Semaphore::available_permits);
        free == [LARGE_BYTES, 1, WAITING]
    }

    /// So many pieces of a message, one after each `interval`; the rest of it never comes.
    fn body(
        length: usize,
        pieces: usize,
        bytes: usize,
        interval: Duration,
    ) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let prefix = [&[0][..], &u32::try_from(length).unwrap().to_be_bytes()].concat();
        let rest = usize::from(length != pieces * bytes);
        let pieces = once(prefix.into()).chain(repeat_n(Bytes::from(vec![0xff; bytes]), pieces));
        let pieces = stream::iter(pieces).then(move |piece| async move {
            sleep(interval).await;
            Ok(Frame::data(piece))
        });
        let rest = stream::pending().take(rest);
        StreamBody::new(Box::pin(pieces.chain(rest)))
    }

    async fn read(room: &Room, body: impl Body<Data = Bytes, Error = Infallible> + Unpin) -> Result<(), Code> {
        room.read(body).await.map(drop).map_err(|status| status.code())
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_message_may_take_longer_while_it_comes() {
        let [room] = rooms();
        let seconds = 90;
        assert_eq!(read(&room, body(seconds * MIB, seconds, MIB, Duration::from_secs(1))).await, Ok(()));
        assert!(is_free(&room));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_keep_up_the_pace_is_refused() {
        let [room] = rooms();
        let begun = Instant::now();
        for pieces in [0, 10, 1_000_000] {
            let slow = body(MAX_MESSAGE_BYTES, pieces, 1, Duration::from_millis(1));
            assert_eq!(read(&room, slow).await, Err(Code::DeadlineExceeded), "{pieces}");
        }
        assert!(begun.elapsed() < Duration::from_secs(181));
        assert!(is_free(&room));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_large_message_takes_its_turn_when_one_stops() {
        let [one, other] = rooms();
        let stops = body(100 * MIB, 90, MIB, Duration::from_millis(1));
        let comes = body(3 * MIB, 3, MIB, Duration::from_millis(2));
        let results = tokio::join!(read(&one, stops), read(&other, comes));
        assert_eq!(results, (Err(Code::DeadlineExceeded), Ok(())));
        assert!(is_free(&one) && is_free(&other));
    }

    #[tokio::test(start_paused = true)]
    async fn large_messages_that_come_at_once_all_end() {
        let rooms = rooms::<2>();
        for bytes in [100_000, 1_000_000, 5_000_000] {
            let messages = (0..16).map(|n| {
                let body = body(bytes, bytes / 50_000, 50_000, Duration::from_millis(1));
                read(&rooms[n % 2], body)
            });
            let results = join_all(messages).await;
            assert!(results.iter().all(Result::is_ok), "{bytes}: {results:?}");
        }
        assert!(rooms.iter().all(is_free));
    }

    #[tokio::test]
    async fn a_length_alone_takes_nothing() {
        let [room] = rooms();
        let mut reading = pin!(room.read(body(MAX_MESSAGE_BYTES, 0, 0, Duration::ZERO)));
        assert!(reading.as_mut().now_or_never().is_none());
        assert!(is_free(&room));
    }

    #[tokio::test]
    async fn a_message_of_another_length_than_it_says_is_refused() {
        let [room] = rooms();
        for (length, code) in [(MAX_MESSAGE_BYTES + 1, Code::OutOfRange), (10, Code::Internal)] {
            assert_eq!(read(&room, body(length, 3, 30_000, Duration::ZERO)).await, Err(code), "{length}");
        }
        assert!(is_free(&room));
    }
}
