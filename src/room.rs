//! Memory that all calls share for what is long: answers, lists made of several, files, outputs of commands.

use std::{cell::RefCell, io};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{Semaphore, SemaphorePermit},
};

/// What is no longer than this needs no room while it is read, in bytes.
pub(crate) const ORDINARY: usize = 32 * 1024;

/// What there is, in bytes. Where it is taken, one at a time goes on without, so that none waits for ever.
#[derive(Debug)]
struct Pool {
    bytes: Semaphore,
    without: Semaphore,
}

impl Pool {
    const fn new(mib: usize) -> Self {
        Self { bytes: Semaphore::const_new(mib << 20), without: Semaphore::const_new(1) }
    }
}

/// For what is given back when it is understood. Nobody who holds some waits for another's.
static READ: Pool = Pool::new(4);

/// For the pages of lists, which wait for the next one and for somebody to take them: those of sixty thousand images.
static OF_LISTS: Pool = Pool::new(8);

tokio::task_local! {
    /// What is given back when the answer to the call is taken.
    static OF_CALL: RefCell<Room>;
}

/// What something long takes of the room, given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Room {
    is_of_list: bool,
    taken: Option<SemaphorePermit<'static>>,
    without: Option<SemaphorePermit<'static>>,
}

impl Room {
    /// Room for a page of a list.
    pub(crate) fn of_list() -> Self {
        Self { is_of_list: true, ..Self::default() }
    }

    /// Takes so many bytes more, or the turn of the one that needs none.
    pub(crate) async fn take(&mut self, length: usize) {
        let call_goes_without = || OF_CALL.try_with(|room| room.borrow().without.is_some()).unwrap_or_default();
        if self.without.is_some() || self.is_of_list && call_goes_without() {
            return;
        }
        let pool = if self.is_of_list { &OF_LISTS } else { &READ };
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            taken = pool.bytes.acquire_many(length) => add(&mut self.taken, taken.ok()),
            turn = pool.without.acquire() => self.without = turn.ok(),
        }
    }

    /// Keeps so many bytes of what a page of a list took until the answer to the call is taken.
    pub(crate) fn keep(mut self, length: usize) {
        let _no_call = OF_CALL.try_with(|room| {
            let mut room = room.borrow_mut();
            let kept = self.taken.as_mut().and_then(|taken| taken.split(length.min(taken.num_permits())));
            add(&mut room.taken, kept);
            room.without = room.without.take().or(self.without.take());
        });
    }

    /// Reads to the end, but no more than `most` bytes and one.
    ///
    /// # Errors
    ///
    /// Those of the reader; what was read until then is in `into`.
    pub(crate) async fn read(
        &mut self,
        reader: impl AsyncRead + Unpin,
        most: usize,
        into: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut reader = reader.take(most as u64 + 1);
        while (&mut reader).take(ORDINARY as u64).read_to_end(into).await? == ORDINARY {
            self.take(ORDINARY).await;
        }
        Ok(())
    }
}

fn add(taken: &mut Option<SemaphorePermit<'static>>, more: Option<SemaphorePermit<'static>>) {
    match (taken, more) {
        (Some(taken), Some(more)) => taken.merge(more),
        (taken, more) => *taken = taken.take().or(more),
    }
}

/// What comes of a call, and what it [keeps](Room::keep).
pub(crate) async fn of_call<T>(call: impl Future<Output = T>) -> (T, Room) {
    OF_CALL
        .scope(RefCell::default(), async {
            let result = call.await;
            (result, OF_CALL.with(RefCell::take))
        })
        .await
}
