//! A budget of memory for what is long: answers, lists made of several, files, outputs of commands.

use std::{cell::RefCell, io, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{Semaphore, SemaphorePermit},
};

/// What is no longer than this is read without a reservation, in bytes.
pub(crate) const ORDINARY: usize = 32 * 1024;

/// What all reservations of a kind share. When none is left, one of them at a time overdraws it, so that no two wait for ever for
/// what the other has.
#[derive(Debug)]
struct Budget {
    bytes: Semaphore,
    overdraft: Semaphore,
}

impl Budget {
    const fn new(mib: usize) -> Self {
        Self { bytes: Semaphore::const_new(mib << 20), overdraft: Semaphore::const_new(1) }
    }
}

/// For what is over once it is understood.
static TRANSIENT: Budget = Budget::new(4);

/// For first pages, most of which are the last ones, too. They wait for a turn and for somebody to take them.
static PAGES: Budget = Budget::new(4);

/// For lists of several pages, which wait for the next one and for somebody to take them: those of sixty thousand images.
static LISTS: Budget = Budget::new(8);

/// Lists of several pages that are read at the same time: if all were, each would have a part of the budget, and none what it
/// needs.
static TURNS: Semaphore = Semaphore::const_new(6);

/// A part of a budget, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: &'static Budget,
    used: usize,
    granted: Option<SemaphorePermit<'static>>,
    overdraft: Option<SemaphorePermit<'static>>,
    turn: Option<SemaphorePermit<'static>>,
}

impl Reservation {
    /// Nothing yet, for what is over once it is understood.
    pub(crate) fn transient() -> Self {
        Self { budget: &TRANSIENT, used: 0, granted: None, overdraft: None, turn: None }
    }

    /// Nothing yet, for the first page of a list.
    pub(crate) fn of_page() -> Self {
        Self { budget: &PAGES, ..Self::transient() }
    }

    /// Nothing yet, for a list that has more pages, when it is its turn.
    pub(crate) async fn of_list() -> Self {
        Self { budget: &LISTS, turn: TURNS.acquire().await.ok(), ..Self::transient() }
    }

    /// Waits until this has so many bytes, or overdraws the budget.
    pub(crate) async fn reserve(&mut self, bytes: usize) {
        let missing = bytes.saturating_sub(self.granted.as_ref().map_or(0, SemaphorePermit::num_permits));
        if missing == 0 || self.overdraft.is_some() {
            return;
        }
        // More than there is can only be had by overdrawing.
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            more = self.budget.bytes.acquire_many(missing) => match (&mut self.granted, more.ok()) {
                (Some(granted), Some(more)) => granted.merge(more),
                (granted, more) => *granted = granted.take().or(more),
            },
            overdraft = self.budget.overdraft.acquire() => self.overdraft = overdraft.ok(),
        }
    }

    /// Uses so many bytes more, and reserves those of them that are not.
    pub(crate) async fn take(&mut self, bytes: usize) {
        self.used += bytes;
        self.reserve(self.used).await;
    }

    /// Says how many bytes are used, if fewer than before.
    pub(crate) fn rewind(&mut self, used: usize) {
        self.used = used;
    }

    /// Ends the turn, and gives back what is beyond so many bytes.
    pub(crate) fn end(&mut self, bytes: usize) {
        self.turn = None;
        if let Some(granted) = &mut self.granted {
            drop(granted.split(granted.num_permits().saturating_sub(bytes)));
        }
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

/// Reservations of what a call returns, shared with whoever else has it.
pub(crate) type Kept = Vec<Arc<Reservation>>;

tokio::task_local! {
    static KEPT: RefCell<Kept>;
}

/// What comes of a call, and what it [keeps](keep).
pub(crate) async fn keeping<T>(call: impl Future<Output = T>) -> (T, Kept) {
    KEPT.scope(RefCell::default(), async {
        let result = call.await;
        (result, KEPT.with(RefCell::take))
    })
    .await
}

/// Keeps a reservation as long as what the call returns that is [keeping] some.
pub(crate) fn keep(reservation: Arc<Reservation>) {
    let _not_within_one = KEPT.try_with(|kept| kept.borrow_mut().push(reservation));
}
