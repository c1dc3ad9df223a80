//! Files of the user: where they are, and how much of them is read for how long.

use std::{
    env,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf, is_separator},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
    time::timeout,
};

use super::shown;
use crate::{
    memory::{ORDINARY, Reservation},
    steps::step,
    system::{self, Opened},
};

/// How long a file may take, which can be on a file system of a network, or no file at all: less than a try of a call, within
/// which some are read.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// How long a file may be: far longer than any that serves its purpose.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// There is none, or it is not for this user to read.
    Io(io::Error),
    /// It does not end.
    TooLong,
    /// It cannot be read in time.
    Timeout,
}

impl Unread {
    /// Whether there is no such file.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// A predicate that follows the file's name.
    pub(super) fn problem(&self) -> String {
        match self {
            Self::Io(error) => format!("cannot be read: {error}"),
            Self::TooLong => format!("is longer than {} MiB", MAX_BYTES >> 20),
            Self::Timeout => "cannot be read in time".to_owned(),
        }
    }
}

/// Reads a file, on a thread that may wait for it.
///
/// # Errors
///
/// [`Unread`].
pub(super) async fn read(path: &Path) -> Result<Vec<u8>, Unread> {
    read_within(&mut Reservation::transient(), path).await
}

/// The same for one of several files that are held at the same time and share a reservation.
///
/// # Errors
///
/// [`Unread`].
pub(super) async fn read_within(reservation: &mut Reservation, path: &Path) -> Result<Vec<u8>, Unread> {
    let content = read_in_time(reservation, path.to_owned()).await;
    match &content {
        Ok(_) => step!("files", "{} was read", shown::path(path)),
        Err(unread) => step!("files", "{} {}", shown::path(path), unread.problem()),
    }
    content
}

/// Files that may be read at the same time: of those that never answer, each holds a thread as long as the process lives, and
/// there are 512 of them. A pipe holds none.
const MOST_AT_ONCE: usize = 256;
static AT_ONCE: Semaphore = Semaphore::const_new(MOST_AT_ONCE);

async fn read_in_time(reservation: &mut Reservation, path: PathBuf) -> Result<Vec<u8>, Unread> {
    match timeout(TIMEOUT, contents(reservation, path)).await {
        Err(_) => Err(Unread::Timeout),
        Ok(Err(error)) => Err(Unread::Io(error)),
        Ok(Ok(bytes)) if bytes.len() > MAX_BYTES => Err(Unread::TooLong),
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

async fn contents(reservation: &mut Reservation, path: PathBuf) -> io::Result<Vec<u8>> {
    // Nothing closes the semaphore.
    let turn = AT_ONCE.acquire().await.map_err(io::Error::other)?;
    // What the other threads allocate stays with each of them.
    let (mut bytes, piece) = (Vec::new(), Vec::with_capacity(ORDINARY));
    let opening = spawn_blocking(move || match system::open(&path)? {
        Opened::File(file) => Reading { file, piece, _turn: turn }.go_on().map(Ok),
        Opened::Pipe(pipe) => Ok(Err(pipe)),
    });
    let mut reading = match opening.await.map_err(io::Error::other)?? {
        Ok(reading) => reading,
        Err(pipe) => {
            reservation.read(pipe, MAX_BYTES, &mut bytes).await?;
            return Ok(bytes);
        }
    };
    loop {
        bytes.extend_from_slice(&reading.piece);
        if reading.piece.len() < ORDINARY || bytes.len() > MAX_BYTES {
            return Ok(bytes);
        }
        reservation.take(ORDINARY).await;
        reading = spawn_blocking(|| reading.go_on()).await.map_err(io::Error::other)??;
    }
}

/// A file of which a part was read.
struct Reading {
    file: File,
    piece: Vec<u8>,
    _turn: SemaphorePermit<'static>,
}

impl Reading {
    /// Reads the next [`ORDINARY`] bytes, or to the end, on a thread that may wait for them.
    fn go_on(mut self) -> io::Result<Self> {
        self.piece.clear();
        (&self.file).take(ORDINARY as u64).read_to_end(&mut self.piece)?;
        Ok(self)
    }
}

/// The path that a setting names: `$NAME` and `${NAME}` stand for variables of the environment, and `~` for the home
/// folder.
pub(super) fn path(text: &str) -> PathBuf {
    let text = expand(text, |name| env::var(name).unwrap_or_default());
    let below = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(is_separator));
    match below.zip(home()) {
        Some((below, home)) => home.join(below.trim_start_matches(is_separator)),
        None => text.into(),
    }
}

/// The user's home folder: that of the environment, else that of the system.
pub(super) fn home() -> Option<PathBuf> {
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    // An empty HOME keeps the standard library from asking the system.
    home.or_else(system::home)
}

/// The text with variables in their places; `$` before anything else stays.
fn expand(text: &str, variable: impl Fn(&str) -> String) -> String {
    let mut parts = text.split('$');
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let length = part.find(|char| !is_name(char)).unwrap_or(part.len());
        match part.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, rest)) => expanded.push_str(&(variable(name) + rest)),
            None if length > 0 => expanded.push_str(&(variable(&part[..length]) + &part[length..])),
            None => expanded.push_str(&format!("${part}")),
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stand_for_their_values() {
        let variable = |name: &str| if name == "X_1" { "x/y".to_owned() } else { String::new() };
        for (text, expanded) in [
            ("", ""),
            ("/a/b", "/a/b"),
            ("$X_1", "x/y"),
            ("/a/$X_1/b", "/a/x/y/b"),
            ("${X_1}b$X_1", "x/ybx/y"),
            ("a$NONE/b${NONE}", "a/b"),
            ("$/a$", "$/a$"),
        ] {
            assert_eq!(expand(text, variable), expanded, "{text}");
        }
    }
}
