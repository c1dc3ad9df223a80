//! Threads: whoever needs the runtime's asks here first, since the runtime panics if its first one cannot be started.

use std::{io, sync::OnceLock, thread};

use tokio::task::spawn_blocking;

use crate::system;

static STARTED: OnceLock<()> = OnceLock::new();

/// How often to look whether a thread that has ended is gone.
const LOOKS: usize = 1000;

/// Makes sure that the runtime has a thread for work that blocks. It stays: with one at hand, no more is no failure.
///
/// # Errors
///
/// When none can be started, with what to do.
pub(crate) fn ready() -> io::Result<()> {
    if STARTED.get().is_none() {
        try_one().map_err(|error| {
            let help = "Raise the limit of processes (ulimit -u) of the user or container";
            io::Error::other(format!("no thread could be started ({error}). {help}"))
        })?;
        drop(spawn_blocking(|| ()));
        STARTED.get_or_init(|| ());
    }
    Ok(())
}

/// There is no way to ask but to try. The system counts a thread for a moment after its end.
fn try_one() -> io::Result<()> {
    let before = system::threads();
    let _nothing = thread::Builder::new().spawn(|| ())?.join();
    for _ in 0..LOOKS {
        if system::threads() <= before {
            break;
        }
        thread::yield_now();
    }
    Ok(())
}
