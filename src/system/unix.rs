//! Linux, macOS and other systems of their kind.

use std::{
    fs::{self, DirBuilder, File, Metadata},
    io::{self, IsTerminal},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::ExitStatus,
};

use futures_util::future::select_all;
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    process::{Pid, Resource, Rlimit, getrlimit, kill_process_group, setrlimit},
};
use tokio::{
    net::unix::pipe,
    process::{Child, ChildStderr, ChildStdout, Command},
    signal::unix::{Signal, SignalKind, signal},
};

use super::Opened;

/// Keeps keys and tokens out of core dumps.
pub fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    let _never_refused = setrlimit(Resource::Core, none);
}

/// The limit of the main thread's stack, in bytes, if there is one.
pub fn limit_of_stack() -> Option<u64> {
    getrlimit(Resource::Stack).current
}

/// Whether this process can open so many more files.
///
/// # Errors
///
/// Why not.
pub fn can_open_files(count: usize) -> io::Result<()> {
    // The root is there where nothing else is.
    (0..count).map(|_| File::open("/")).collect::<io::Result<Vec<_>>>().map(drop)
}

/// How many threads this process has, where that is told.
pub(crate) fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// The signals that end the plugin. By default some would end it without its children.
pub(crate) struct Signals {
    ending: Vec<Signal>,
    _write_to_full_file: Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::quit(),
            SignalKind::hangup(),
            SignalKind::user_defined1(),
            SignalKind::user_defined2(),
            SignalKind::alarm(),
            SignalKind::from_raw(SIGXCPU),
        ];
        let kinds = kinds.into_iter().filter(|kind| *kind != SignalKind::hangup() || !outlives_terminal());
        Ok(Self {
            ending: kinds.map(signal).collect::<io::Result<_>>()?,
            // Whoever writes beyond a limit (`ulimit -f`) gets an error, too.
            _write_to_full_file: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    pub(crate) async fn recv(&mut self) {
        select_all(self.ending.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
    }
}

/// Processor time beyond a limit (`ulimit -t`).
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// Whether this process was started to take no notice of SIGHUP, as by nohup.
fn outlives_terminal() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored & 1 != 0)
}

/// Whether the machine or the process lacks something that others may give back.
pub(crate) fn is_lack(error: &io::Error) -> bool {
    let lacks = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| lacks.contains(&errno))
}

/// How many files this process may have open, for the user.
pub(crate) fn limit_of_files() -> String {
    let limit = getrlimit(Resource::Nofile).current.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    format!("its limit of open files (ulimit -n) is {limit}")
}

/// The limit of open files that was reached, if one was.
pub(crate) fn reached_limit(error: &io::Error) -> Option<String> {
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some(limit_of_files()),
        Errno::NFILE => Some("the limit of the whole machine (fs.file-max) is reached".to_owned()),
        _ => None,
    }
}

/// The shell that runs a command of the user's.
pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

/// A command and all that it started, ended when this is dropped. A group that has ended already takes no signal.
pub(crate) struct Job {
    process: Child,
    group: Option<Pid>,
}

impl Job {
    pub(crate) fn spawn(mut command: Command) -> io::Result<Self> {
        let process = command.process_group(0).spawn()?;
        let group = process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        Ok(Self { process, group })
    }

    pub(crate) fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.process.stdout.take(), self.process.stderr.take())
    }

    /// Waits for the command alone.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Lets live on what the command started.
    pub(crate) fn release(mut self) {
        self.group = None;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(id) = self.group {
            let _ = kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// The home folder of this process's user as the system knows it.
pub(crate) fn home() -> Option<PathBuf> {
    home_of(&fs::read_to_string("/etc/passwd").ok()?, rustix::process::getuid().as_raw())
}

fn home_of(users: &str, id: u32) -> Option<PathBuf> {
    let id = id.to_string();
    let user = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|user| user.get(2) == Some(&&*id))?;
    user.get(5).filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// Gives a file what the user may do with the one whose place it is to take, and others nothing.
pub(crate) fn keep_mode(file: &File, old: &Path) -> io::Result<()> {
    let mode = old.metadata()?.permissions().mode() & 0o600;
    file.set_permissions(PermissionsExt::from_mode(mode))
}

/// The mode of a private folder: others may not even see which files there are.
const FOLDER_MODE: u32 = 0o700;

const WRITABLE_BY_OTHERS: u32 = 0o022;
const READABLE_BY_OTHERS: u32 = 0o044;

/// Creates a folder for the user alone if it is absent, and says what is wrong with it if secrets are not safe there.
pub(crate) fn prepare_private(folder: &Path) -> Result<(), String> {
    let created = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    created.map_err(|error| format!("cannot be created: {error}"))?;
    let metadata = fs::metadata(folder).map_err(|error| format!("cannot be looked at: {error}"))?;
    let mode = metadata.mode() & 0o7777;
    if !is_own(&metadata) {
        return Err(format!("belongs to another user (id {}); name a folder of your own", metadata.uid()));
    }
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(format!("can be written by other users (mode {mode:04o}); run `chmod 700` on it"));
    }
    Ok(())
}

/// Opens a file to read it, within the runtime. A pipe without a writer is not waited for.
pub(crate) fn open(path: &Path) -> io::Result<Opened> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.is_terminal() {
        // Whoever reads it in the background is stopped.
        return Err(io::Error::other("it is a terminal"));
    }
    match file.metadata()?.file_type().is_fifo() {
        true => Ok(Opened::Pipe(Box::pin(pipe::Receiver::from_file(file)?))),
        false => Ok(Opened::File(file)),
    }
}

/// A file of the user's that others can neither read nor write. Neither a link is followed nor a pipe waited for.
pub(crate) fn open_private(path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    let is_private =
        metadata.is_file() && is_own(&metadata) && metadata.mode() & (READABLE_BY_OTHERS | WRITABLE_BY_OTHERS) == 0;
    is_private.then_some(file)
}

fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_no_file() {
        let error = open(Path::new("/dev/ptmx")).map(drop).unwrap_err();
        assert_eq!(error.to_string(), "it is a terminal");
        assert!(matches!(open(Path::new("/dev/null")), Ok(Opened::File(_))));
    }

    #[test]
    fn the_system_knows_each_user_s_home() {
        let users = "root:x:0:0:root:/root:/bin/sh\njoe:x:1000:1000::/home/joe:/bin/sh\nnone:x:7:7:::\nodd\n";
        assert_eq!(home_of(users, 1000), Some("/home/joe".into()));
        assert_eq!(home_of(users, 7), None);
        assert_eq!(home_of(users, 8), None);
    }
}
