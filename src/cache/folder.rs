use std::{
    env,
    fs::{self, DirEntry, ReadDir},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use super::Token;
use crate::{
    aws::{AuthorizationData, Caller, Error, Registry},
    steps::step,
    system,
};

/// The folder of tokens that processes share; absent or empty: they share none.
const CACHE_DIR: &str = "PULUMI_AWS_ECR_CACHE_DIR";

/// Longer files are none of ours: a token takes about 3 kB.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Files that were not written for so long are deleted. A token lasts 12 hours.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How many files a token that is written looks at, to delete old ones.
const TIDIED_AT_ONCE: usize = 256;

/// How often a process looks at all of them.
const TIDY_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How many calls look at it at the same time.
const TURNS: usize = 8;

/// How long the folder may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Ends the names of files, whole and half-written.
const SUFFIX: &str = ".ecr-token.json";
const PARTIAL_SUFFIX: &str = ".ecr-token.partial";

/// Tokens in files, one a token, which the processes of one user share. Clones share one state.
///
/// What is in the files is for the user alone: their mode is 0600, the folder's 0700. Anything that is wrong with a
/// file makes it as good as absent; anything wrong with the folder is a warning, and then it is not used.
#[derive(Debug, Clone)]
pub struct Folder {
    path: Arc<Path>,
    usable: Arc<OnceCell<bool>>,
    /// Who may look at it at the same time: each takes a thread.
    turns: Arc<Semaphore>,
    /// Whether it once did not answer in time.
    is_silent: Arc<AtomicBool>,
    /// When all of the folder was tidied last.
    tidied: Arc<Mutex<Option<Instant>>>,
}

/// The content of a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    /// As in the file's name, so that a file under another name is foreign.
    key: String,
    got_at: i64,
    authorization_token: String,
    expires_at: i64,
    proxy_endpoint: Option<String>,
}

impl Content {
    fn new(key: String, token: &Token) -> Self {
        let data = token.data.clone();
        Self {
            key,
            got_at: token.got_at,
            authorization_token: data.authorization_token,
            expires_at: data.expires_at,
            proxy_endpoint: data.proxy_endpoint,
        }
    }

    fn into_token(self) -> Option<Token> {
        let data = AuthorizationData::new(self.authorization_token, self.expires_at, self.proxy_endpoint).ok()?;
        Some(Token { data, got_at: self.got_at })
    }
}

impl Folder {
    /// The folder that the environment variable `PULUMI_AWS_ECR_CACHE_DIR` names, if it is set. Does not look at it.
    pub fn from_env() -> Option<Self> {
        env::var_os(CACHE_DIR).filter(|path| !path.is_empty()).map(|path| Self::new(PathBuf::from(path)))
    }

    fn new(path: PathBuf) -> Self {
        Self {
            path: path.into(),
            usable: Arc::default(),
            turns: Arc::new(Semaphore::new(TURNS)),
            is_silent: Arc::default(),
            tidied: Arc::default(),
        }
    }

    /// The token that any process got as `caller` for `registry`, if it may be served again, or else that of `call`, which
    /// is then there for the others.
    ///
    /// # Errors
    ///
    /// What the call returns. It is not remembered.
    pub async fn get(
        &self,
        registry: &Registry,
        caller: &Caller,
        call: impl Future<Output = Result<Token, Error>>,
    ) -> Result<Token, Error> {
        if !self.is_usable().await {
            return call.await;
        }
        let (folder, name) = (self.path.clone(), digest(registry, caller.identity()));
        let (path, digest) = (folder.join(name.clone() + SUFFIX), name.clone());
        if let Ok(Some(token)) = self.in_time(move || read(&path, &digest)).await {
            step!("token", "from the folder that {CACHE_DIR} names, without a call");
            return Ok(token);
        }
        let token = call.await?;
        if token.window().is_some() {
            let content = Content::new(name, &token);
            match self.in_time(move || write(&folder, &content)).await {
                Ok(Ok(entries)) => self.tidy(entries),
                Ok(Err(error)) => {
                    log::warn!("{CACHE_DIR}: a token could not be written to {}: {error}", self.path.display());
                }
                Err(_was_told_or_the_runtime_ends) => {}
            }
        }
        Ok(token)
    }

    /// Deletes old files among the rest of the folder's, now and then: there can be many, and nobody waits for it.
    fn tidy(&self, entries: ReadDir) {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if tidied.is_none_or(|tidied| tidied.elapsed() > TIDY_INTERVAL) {
            *tidied = Some(Instant::now());
            drop(spawn_blocking(|| delete_old(entries)));
        }
    }

    async fn is_usable(&self) -> bool {
        let check = async || {
            let path = self.path.clone();
            let prepared = self.in_time(move || prepare(&path)).await;
            if let Ok(Err(reason)) = &prepared {
                let path = self.path.display();
                log::warn!("{CACHE_DIR}: no tokens are shared between processes: {path} {reason}");
            }
            matches!(prepared, Ok(Ok(())))
        };
        *self.usable.get_or_init(check).await && !self.is_silent.load(Ordering::Relaxed)
    }

    /// What `work` makes of the folder, on a thread that may wait for it. Where it does not answer, as a file system of a
    /// network can, it is not used again.
    async fn in_time<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let done = timeout(TIMEOUT, async {
            // Nothing closes the semaphore. The thread keeps its turn: one that gets no answer stays.
            let turn = self.turns.clone().acquire_owned().await;
            spawn_blocking(move || (work(), turn).0).await
        });
        match done.await {
            Ok(done) => done.map_err(io::Error::other),
            Err(_) => {
                if !self.is_silent.swap(true, Ordering::Relaxed) {
                    let path = self.path.display();
                    log::warn!("{CACHE_DIR}: no tokens are shared between processes any more: {path} does not answer");
                }
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }
}

/// Creates the folder if it is absent, and says what is wrong with it if tokens are not safe there.
fn prepare(path: &Path) -> Result<(), String> {
    if !path.is_absolute() {
        return Err("is not an absolute path".to_owned());
    }
    system::prepare_private(path)
}

/// The name of what is got for `registry` by the caller of this identity: it says nothing about either.
fn digest<'a>(registry: &'a Registry, identity: impl Iterator<Item = &'a str>) -> String {
    let registry = match registry {
        Registry::Private { id: Some(id), region } => ["ecr", id, region],
        Registry::Private { id: None, region } => ["own ecr", "", region],
        Registry::Public => ["ecr-public", "", ""],
    };
    // A length before each part keeps neighbours apart.
    let mut hash = Sha256::new();
    for part in registry.into_iter().chain(identity) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The token in a file. `None`: there is none, it is over, or the file is none of ours.
fn read(path: &Path, key: &str) -> Option<Token> {
    let file = system::open_private(path)?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    let content: Content = serde_json::from_str(&text).ok()?;
    if content.key != key {
        return None;
    }
    content.into_token().filter(|token| token.window().is_some())
}

/// Writes a file at once, so that other processes see all of it or what was there before. Some old files are deleted;
/// those that were not looked at are left.
fn write(folder: &Path, content: &Content) -> io::Result<ReadDir> {
    // tempfile makes its files with mode 0600 and deletes those that it does not keep.
    let mut file = tempfile::Builder::new().suffix(PARTIAL_SUFFIX).tempfile_in(folder)?;
    file.write_all(&serde_json::to_vec(content)?)?;
    file.persist(folder.join(content.key.clone() + SUFFIX)).map_err(|error| error.error)?;
    let mut entries = fs::read_dir(folder)?;
    delete_old(entries.by_ref().take(TIDIED_AT_ONCE));
    Ok(entries)
}

/// Deletes our files that are of no use to anybody any more. Another process may do the same.
fn delete_old(entries: impl Iterator<Item = io::Result<DirEntry>>) {
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.ends_with(SUFFIX) || name.ends_with(PARTIAL_SUFFIX));
        let written = entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or_else(|_| SystemTime::now());
        if is_ours && written.elapsed().is_ok_and(|age| age > MAX_AGE) {
            let _gone_already = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let private =
            |id: Option<&str>, region: &str| Registry::Private { id: id.map(str::to_owned), region: region.to_owned() };
        let all = [
            (private(Some("12"), "eu"), ["key", "account"]),
            (private(Some("1"), "2eu"), ["key", "account"]),
            (private(None, "eu"), ["key", "account"]),
            (private(Some(""), "eu"), ["key", "account"]),
            (Registry::Public, ["key", "account"]),
            (private(Some("12"), "us"), ["key", "account"]),
            (private(Some("12"), "euk"), ["ey", "account"]),
            (private(Some("12"), "eu"), ["other", "account"]),
            (private(Some("12"), "eu"), ["key", "other"]),
            (private(Some("12"), "eu"), ["", "keyaccount"]),
            (private(Some("12"), "eu"), ["keyaccount", ""]),
        ];
        let names: BTreeSet<_> =
            all.iter().map(|(registry, identity)| digest(registry, identity.iter().copied())).collect();
        assert_eq!(names.len(), all.len());
    }
}
