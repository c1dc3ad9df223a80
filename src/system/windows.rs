//! Windows.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use process_wrap::tokio::{ChildWrapper, CommandWrap, JobObject};
use tokio::{
    process::{ChildStderr, ChildStdout, Command},
    signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff,
        ctrl_shutdown,
    },
};

use super::Opened;

/// Nothing to do: Windows writes a dump only where an administrator has told it to, by the key `LocalDumps`.
pub const fn forbid_core_dumps() {}

/// The limit of the main thread's stack, in bytes: what linkers reserve at least.
pub const fn limit_of_stack() -> Option<u64> {
    Some(1 << 20)
}

/// Whether this process can open so many more files: Windows has no limit for a process that it could meet.
///
/// # Errors
///
/// None.
pub const fn can_open_files(_count: usize) -> io::Result<()> {
    Ok(())
}

/// How many threads this process has, where that is told: not here.
pub(crate) const fn threads() -> usize {
    0
}

/// What ends the plugin. The engine, which starts it in a group of its own, sends CTRL_BREAK.
pub(crate) struct Signals {
    ctrl_break: CtrlBreak,
    ctrl_c: CtrlC,
    ctrl_close: CtrlClose,
    ctrl_logoff: CtrlLogoff,
    ctrl_shutdown: CtrlShutdown,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            ctrl_break: ctrl_break()?,
            ctrl_c: ctrl_c()?,
            ctrl_close: ctrl_close()?,
            ctrl_logoff: ctrl_logoff()?,
            ctrl_shutdown: ctrl_shutdown()?,
        })
    }

    pub(crate) async fn recv(&mut self) {
        tokio::select! {
            _ = self.ctrl_break.recv() => {}
            _ = self.ctrl_c.recv() => {}
            _ = self.ctrl_close.recv() => {}
            _ = self.ctrl_logoff.recv() => {}
            _ = self.ctrl_shutdown.recv() => {}
        }
    }
}

const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
const ERROR_NOT_ENOUGH_MEMORY: i32 = 8;
const WSAEMFILE: i32 = 10_024;
const WSAENOBUFS: i32 = 10_055;

/// Whether the machine or the process lacks something that others may give back.
pub(crate) fn is_lack(error: &io::Error) -> bool {
    let lacks = [ERROR_TOO_MANY_OPEN_FILES, ERROR_NOT_ENOUGH_MEMORY, WSAEMFILE, WSAENOBUFS];
    error.raw_os_error().is_some_and(|code| lacks.contains(&code))
}

/// How many files this process may have open, for the user.
pub(crate) fn limit_of_files() -> String {
    "Windows has no more handles or buffers for it".to_owned()
}

/// The limit of open files that was reached, if one was.
pub(crate) fn reached_limit(error: &io::Error) -> Option<String> {
    matches!(error.raw_os_error()?, ERROR_TOO_MANY_OPEN_FILES | WSAEMFILE).then(limit_of_files)
}

/// The shell that runs a command of the user's: with /S it takes away the quotes around all of it, and no others.
pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd.exe");
    shell.args(["/D", "/S", "/C"]).raw_arg(format!("\"{command}\""));
    shell
}

/// A command and all that it started, ended when this is dropped.
pub(crate) struct Job {
    process: Box<dyn ChildWrapper>,
    is_released: bool,
}

impl Job {
    pub(crate) fn spawn(command: Command) -> io::Result<Self> {
        let process = CommandWrap::from(command).wrap(JobObject).spawn()?;
        Ok(Self { process, is_released: false })
    }

    pub(crate) fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.process.stdout().take(), self.process.stderr().take())
    }

    /// Waits for the command alone: the job's own wait is for all that it started.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.inner_mut().wait().await
    }

    /// Lets live on what the command started.
    pub(crate) fn release(mut self) {
        self.is_released = true;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.is_released {
            let _ended_already = self.process.start_kill();
        }
    }
}

/// The home folder of this process's user as the system knows it: the standard library has asked already.
pub(crate) const fn home() -> Option<PathBuf> {
    None
}

/// Gives a file what the user may do with the one whose place it is to take: both have what their folder grants.
pub(crate) const fn keep_mode(_file: &File, _old: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates a folder for the user alone if it is absent, and says what is wrong with it if secrets are not safe there.
///
/// Windows keeps what is in a user's profile from other users, and files elsewhere only where somebody said so.
pub(crate) fn prepare_private(folder: &Path) -> Result<(), String> {
    let profile = env::home_dir().and_then(|home| home.canonicalize().ok());
    let profile = profile.ok_or("cannot be used: your profile (USERPROFILE) is not there")?;
    fs::create_dir_all(folder).map_err(|error| format!("cannot be created: {error}"))?;
    let folder = folder.canonicalize().map_err(|error| format!("cannot be looked at: {error}"))?;
    if !folder.starts_with(profile) {
        return Err(
            "is not in your profile (%USERPROFILE%), where alone other users cannot read; name one there".to_owned()
        );
    }
    Ok(())
}

/// Opens a file to read it.
pub(crate) fn open(path: &Path) -> io::Result<Opened> {
    File::open(path).map(Opened::File)
}

/// A file in such a folder. No link is followed.
pub(crate) fn open_private(path: &Path) -> Option<File> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    File::open(path).ok()
}
