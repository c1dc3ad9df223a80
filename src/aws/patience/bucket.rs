use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use super::Kind;

/// What another try costs, as in the official SDKs.
const COST: u32 = 5;
/// What it costs if the last one ended without an answer.
const COST_OF_SILENCE: u32 = 10;
/// What a call gives back that was tried once.
const REWARD: u32 = 1;

/// The bucket that limits further tries over all calls to a service, if the user wants one.
#[derive(Debug)]
pub(super) struct Bucket {
    capacity: u32,
    left: AtomicU32,
}

impl Bucket {
    pub(super) fn new(capacity: u32) -> Arc<Self> {
        Arc::new(Self { capacity, left: AtomicU32::new(capacity) })
    }

    /// Takes what another try costs out; `None`: there is not enough in it.
    pub(super) fn take(&self, kind: Kind) -> Option<u32> {
        let cost = if kind == Kind::Network { COST_OF_SILENCE } else { COST };
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost));
        taken.ok().map(|_| cost)
    }

    /// Puts back what the last try of a call cost that had a result; `None`: it was the first one.
    pub(super) fn put_back(&self, cost: Option<u32>) {
        let more = |left: u32| Some(left.saturating_add(cost.unwrap_or(REWARD)).min(self.capacity));
        // The closure never refuses.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_that_had_a_result_are_paid_back() {
        let bucket = Bucket::new(20);
        assert_eq!(bucket.take(Kind::Network), Some(10));
        assert_eq!(bucket.take(Kind::Fault), Some(5));
        assert_eq!(bucket.take(Kind::Throttled), Some(5));
        assert_eq!(bucket.take(Kind::Fault), None);
        for cost in [None, None, None, None, Some(5)] {
            bucket.put_back(cost);
        }
        assert_eq!(bucket.take(Kind::Fault), Some(5));
        assert_eq!(bucket.take(Kind::Fault), None, "4 are left");
        (0..99).for_each(|_| bucket.put_back(Some(5)));
        assert_eq!(bucket.left.load(Ordering::Relaxed), 20, "it is full");
    }
}
