//! What differs between systems. Nothing else asks which one it runs on, but for who connects (`plugin/peer.rs`).

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod own;

pub(crate) use own::{
    Job, Signals, home, is_lack, keep_mode, limit_of_files, open_private, prepare_private, reached_limit, shell,
    threads,
};
pub use own::{can_open_files, forbid_core_dumps, limit_of_stack};
