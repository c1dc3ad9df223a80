//! What differs between systems. Nothing else asks which one it runs on, but for who connects (`plugin/peer.rs`).

use std::{fs::File, pin::Pin};

use tokio::io::AsyncRead;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod own;

pub(crate) use own::{
    Job, Signals, home, is_lack, keep_mode, limit_of_files, open, open_private, prepare_private, reached_limit, shell,
    threads,
};
pub use own::{can_open_files, forbid_core_dumps, limit_of_stack};

/// A file that was opened to be read.
pub(crate) enum Opened {
    File(File),
    /// Whoever writes to it may come later, or never: no thread need wait for that.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows has no pipes among its files"))]
    Pipe(Pin<Box<dyn AsyncRead + Send>>),
}
