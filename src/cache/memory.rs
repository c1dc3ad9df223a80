use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::{FutureExt, Shared, WeakShared};

use super::{Key, Token, Window};
use crate::aws::Error;

/// The number of tokens that are remembered. One takes about 3 kB, and few programs know more registries.
const CAPACITY: usize = 256;

/// The tokens that this process got. Clones share one state.
#[derive(Clone, Default)]
pub struct Memory {
    entries: Arc<Mutex<Entries>>,
}

type Entries = HashMap<Key, Entry>;

enum Entry {
    /// A call in flight. It belongs to those who wait for it: when the last of them is gone, so is the call.
    Called(WeakShared<Call>),
    Got(Arc<Token>, Window),
}

type Call = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Answer = Result<Arc<Token>, Error>;

enum Found {
    Token(Arc<Token>),
    Call(Shared<Call>),
}

impl Entry {
    /// What the entry is good for; `None`: the token may not be served again, or nobody waits for the call.
    fn find(&self) -> Option<Found> {
        match self {
            Self::Called(call) => call.upgrade().map(Found::Call),
            Self::Got(token, window) => window.is_open().then(|| Found::Token(token.clone())),
        }
    }
}

impl Memory {
    /// The token for `key`: one that was got before and may be served again, or that of an equal call in flight, or
    /// else that of `call`. Whoever does not wait any longer leaves the call to the others.
    ///
    /// # Errors
    ///
    /// What the call returns, to all who wait for it. It is not remembered.
    pub async fn get<F>(&self, key: Key, call: impl FnOnce(Key) -> F) -> Answer
    where
        F: Future<Output = Result<Token, Error>> + Send + 'static,
    {
        match self.find_or_start(key, call) {
            Found::Token(token) => Ok(token),
            Found::Call(call) => call.await,
        }
    }

    fn find_or_start<F>(&self, key: Key, call: impl FnOnce(Key) -> F) -> Found
    where
        F: Future<Output = Result<Token, Error>> + Send + 'static,
    {
        let mut entries = self.lock();
        if let Some(found) = entries.get(&key).and_then(Entry::find) {
            return found;
        }
        make_room(&mut entries);
        let call = self.clone().remembering(key.clone(), call(key.clone())).boxed().shared();
        entries.extend(call.downgrade().map(|call| (key, Entry::Called(call))));
        Found::Call(call)
    }

    /// Makes `call` and puts its token, if it may be served again, in the place of the call.
    async fn remembering(self, key: Key, call: impl Future<Output = Result<Token, Error>>) -> Answer {
        let answer = call.await.map(Arc::new);
        let got = answer.as_ref().ok().and_then(|token| Some(Entry::Got(token.clone(), token.window()?)));
        let mut entries = self.lock();
        match got {
            Some(got) => drop(entries.insert(key, got)),
            None => drop(entries.remove(&key)),
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic while the lock was held cannot leave an entry half-written.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room for one more entry. Calls in flight stay, however many the engine makes.
fn make_room(entries: &mut Entries) {
    if entries.len() < CAPACITY {
        return;
    }
    entries.retain(|_, entry| entry.find().is_some());
    while entries.len() >= CAPACITY {
        let got = entries.iter().filter_map(|(key, entry)| match entry {
            Entry::Called(_) => None,
            Entry::Got(_, window) => Some((window.closes(), key)),
        });
        let Some(first_to_close) = got.min_by_key(|(closes, _)| *closes).map(|(_, key)| key.clone()) else { return };
        entries.remove(&first_to_close);
    }
}

/// Without tokens.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::aws::{AuthorizationData, Registry};

    fn key(number: usize) -> Key {
        Key { function: "f", registry: Registry { id: number.to_string(), region: "eu-west-1".to_owned() } }
    }

    fn token() -> Result<Token, Error> {
        AuthorizationData::new("QVdTOng=".to_owned(), u32::MAX.into(), "https://registry".to_owned()).map(Token::now)
    }

    #[tokio::test]
    async fn the_number_of_tokens_is_bounded() {
        let memory = Memory::default();
        for number in 0..3 * CAPACITY {
            memory.get(key(number), |_| ready(token())).await.map(drop).unwrap();
            assert!(memory.lock().len() <= CAPACITY);
        }
        let last = memory.get(key(3 * CAPACITY - 1), |_| async { panic!("remembered") }).await;
        assert!(last.is_ok());
        memory.get(key(0), |_| ready(token())).await.map(drop).unwrap();
    }

    #[tokio::test]
    async fn calls_that_nobody_waits_for_leave_nothing_behind() {
        let memory = Memory::default();
        for number in 0..3 * CAPACITY {
            drop(memory.find_or_start(key(number), |_| pending()));
            assert!(memory.lock().len() <= CAPACITY);
        }
    }

    #[tokio::test]
    async fn a_failure_leaves_nothing_behind() {
        let memory = Memory::default();
        let failed = memory.get(key(0), |_| ready(Err(Error::Incomplete("no token")))).await;
        assert_eq!(failed.map(drop), Err(Error::Incomplete("no token")));
        assert!(memory.lock().is_empty());
    }
}
