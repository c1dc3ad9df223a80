use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::{FutureExt, Shared, WeakShared};

use super::Window;

/// The number of answers that are remembered. One takes less than 10 kB, and few programs know more registries.
const CAPACITY: usize = 256;

/// The answers that this process got, by what was asked, each while its window is open. Clones share one state.
pub struct Memory<K, T, E> {
    entries: Arc<Mutex<Entries<K, T, E>>>,
}

type Entries<K, T, E> = HashMap<K, Entry<T, E>>;

enum Entry<T, E> {
    /// A call in flight. It belongs to those who wait for it: when the last of them is gone, so is the call.
    Called(WeakShared<Call<T, E>>),
    Got(T, Window),
}

type Call<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

enum Found<T, E> {
    Answer(T),
    Call(Shared<Call<T, E>>),
}

impl<T: Clone, E: Clone> Entry<T, E> {
    /// What the entry is good for; `None`: the answer may not be served again, or nobody waits for the call.
    fn find(&self) -> Option<Found<T, E>> {
        match self {
            Self::Called(call) => call.upgrade().map(Found::Call),
            Self::Got(answer, window) => window.is_open().then(|| Found::Answer(answer.clone())),
        }
    }
}

impl<K, T, E> Clone for Memory<K, T, E> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone() }
    }
}

impl<K, T, E> Default for Memory<K, T, E> {
    fn default() -> Self {
        Self { entries: Arc::default() }
    }
}

impl<K, T, E> Memory<K, T, E>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// The answer for `key`: one that was got before and may be served again, or that of an equal call in flight, or
    /// else that of `call`, with the window in which it may be served again, if it may. Whoever does not wait any longer
    /// leaves the call to the others.
    ///
    /// # Errors
    ///
    /// What the call returns, to all who wait for it. It is not remembered.
    pub async fn get<F>(&self, key: K, call: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<(T, Option<Window>), E>> + Send + 'static,
    {
        match self.find_or_start(key, call) {
            Found::Answer(answer) => Ok(answer),
            Found::Call(call) => call.await,
        }
    }

    fn find_or_start<F>(&self, key: K, call: impl FnOnce() -> F) -> Found<T, E>
    where
        F: Future<Output = Result<(T, Option<Window>), E>> + Send + 'static,
    {
        let mut entries = self.lock();
        if let Some(found) = entries.get(&key).and_then(Entry::find) {
            return found;
        }
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.find().is_some());
        }
        let call = self.clone().remembering(key.clone(), call()).boxed().shared();
        entries.extend(call.downgrade().map(|call| (key, Entry::Called(call))));
        Found::Call(call)
    }

    /// Makes `call` and puts its answer, if it may be served again, in the place of the call.
    async fn remembering(self, key: K, call: impl Future<Output = Result<(T, Option<Window>), E>>) -> Result<T, E> {
        let result = call.await;
        let mut entries = self.lock();
        match &result {
            Ok((answer, Some(window))) => {
                entries.insert(key, Entry::Got(answer.clone(), *window));
                forget_excess(&mut entries);
            }
            _ => drop(entries.remove(&key)),
        }
        result.map(|(answer, _)| answer)
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, T, E>> {
        // A panic while the lock was held cannot leave an entry half-written.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the answer that closes first, if there is one too many. Calls in flight stay, however many the engine makes.
fn forget_excess<K: Clone + Eq + Hash, T, E>(entries: &mut Entries<K, T, E>) {
    let got = entries.iter().filter_map(|(key, entry)| match entry {
        Entry::Called(_) => None,
        Entry::Got(_, window) => Some((window.closes(), key)),
    });
    if got.clone().count() > CAPACITY
        && let Some((_, first_to_close)) = got.min_by_key(|(closes, _)| *closes)
    {
        let first_to_close = first_to_close.clone();
        entries.remove(&first_to_close);
    }
}

/// Without answers: they hold tokens.
impl<K, T, E> fmt::Debug for Memory<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        time::{Duration, SystemTime},
    };

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    fn answer() -> Result<((), Option<Window>), ()> {
        Ok(((), Window::new(SystemTime::now(), Duration::from_secs(12 * 60 * 60))))
    }

    #[tokio::test]
    async fn the_number_of_answers_is_bounded() {
        let memory = Memory::default();
        for number in 0..3 * CAPACITY {
            memory.get(number, || ready(answer())).await.unwrap();
            assert!(memory.lock().len() <= CAPACITY);
        }
        let last = memory.get(3 * CAPACITY - 1, || async { panic!("remembered") }).await;
        assert!(last.is_ok());
        memory.get(0, || ready(answer())).await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_without_a_window_is_not_remembered() {
        let memory = Memory::<_, _, ()>::default();
        for number in 0..3 {
            assert_eq!(memory.get("key", || ready(Ok((number, None)))).await, Ok(number));
        }
        assert_eq!(memory.lock().len(), 0);
    }

    #[tokio::test]
    async fn answers_that_arrive_all_at_once_are_bounded_as_well() {
        let memory = Memory::default();
        let call = |number| {
            memory.get(number, || async {
                yield_now().await;
                answer()
            })
        };
        join_all((0..3 * CAPACITY).map(call)).await;
        assert_eq!(memory.lock().len(), CAPACITY);
    }

    #[tokio::test]
    async fn calls_that_nobody_waits_for_leave_nothing_behind() {
        let memory = Memory::<_, (), ()>::default();
        for number in 0..3 * CAPACITY {
            drop(memory.find_or_start(number, pending));
            assert!(memory.lock().len() <= CAPACITY);
        }
    }

    #[tokio::test]
    async fn a_failure_leaves_nothing_behind() {
        let memory = Memory::<_, (), _>::default();
        let failed = memory.get(0, || ready(Err("no token"))).await;
        assert_eq!(failed, Err("no token"));
        assert!(memory.lock().is_empty());
    }
}
