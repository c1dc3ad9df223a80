//! The executable that the Pulumi engine starts.

#![forbid(unsafe_code)]
// What prints by itself panics where nobody takes it: `writeln!` says so.
#![warn(clippy::print_stderr)]

mod arguments;

use std::{
    env,
    fmt::Display,
    io::{self, Write},
    panic::{self, PanicHookInfo},
    process::ExitCode,
    thread,
    time::Duration,
};

use arguments::{Arguments, Command};
use pulumi_resource_aws::{
    Options,
    cache::Folder,
    doctor::{self, Examination},
    packages,
    plugin::{self, Package},
    system,
};

/// The exit code of a wrong command line.
const USAGE: u8 = 2;

/// The stack that all of it runs on, unless the user's limit is higher.
const STACK: usize = 2 << 20;

/// Open files without which nothing is served: the runtime's, those for signals, the port and the first connections.
const FILES: usize = 12;

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let package = packages::by_executable(&arguments.next().unwrap_or_default());
    match arguments::parse(arguments) {
        Ok(Command::Serve(arguments)) => serve(package, arguments),
        Ok(Command::Doctor(examination)) => examine(package, examination),
        Ok(Command::Version) => print(&format!("{} {}", package.executable(), package.version)),
        Ok(Command::Help) => print(&arguments::help(package)),
        Err(error) => {
            complain(package, &format!("{error}\n\n{}", arguments::help(package)));
            ExitCode::from(USAGE)
        }
    }
}

/// Prints what was asked for; stdout may be closed.
fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Says what is wrong; nobody may take it.
fn complain(package: &Package, wrong: &dyn Display) {
    let _ = writeln!(io::stderr(), "{}: {wrong}", package.executable());
}

fn serve(package: &'static Package, arguments: Arguments) -> ExitCode {
    system::forbid_core_dumps();
    panic::set_hook(Box::new(report));
    let log = plugin::log::install(arguments.verbosity);
    let options = Options {
        package,
        engine_address: arguments.engine_address,
        secret_results: plugin::SecretResults::from_env(),
        shared_tokens: Folder::from_env(),
        log,
    };
    let code = match wait_for(async || pulumi_resource_aws::run(options).await) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("the {} plugin ends: {error}", package.name);
            ExitCode::FAILURE
        }
    };
    log::logger().flush();
    code
}

fn examine(package: &'static Package, examination: Examination) -> ExitCode {
    system::forbid_core_dumps();
    panic::set_hook(Box::new(report));
    let log = plugin::log::install_with_steps();
    let examined = wait_for(async || doctor::run(package, examination, Folder::from_env(), log).await);
    log::logger().flush();
    match examined {
        Ok(verdict) => ExitCode::from(verdict as u8),
        Err(error) => {
            complain(package, &error);
            ExitCode::from(doctor::Verdict::Broken as u8)
        }
    }
}

/// Runs `work` on this thread, or on one with more stack than this has.
fn wait_for<T: Send>(work: impl AsyncFnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    if system::limit_of_stack().is_none_or(|stack| stack >= STACK as u64) {
        return run(work);
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || run(work));
        let thread = thread.map_err(|error| {
            let help = "raise the limit of the stack (ulimit -s) or of processes (ulimit -u)";
            io::Error::other(format!("there is no stack for it, and no thread ({error}): {help}"))
        })?;
        thread.join().unwrap_or_else(|_panic| Err(io::Error::other("it could not be set up")))
    })
}

fn run<T>(work: impl AsyncFnOnce() -> io::Result<T>) -> io::Result<T> {
    check_open_files()?;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().thread_keep_alive(Duration::MAX).build()?;
    let result = runtime.block_on(work());
    // Threads that wait for a file or a name server are not waited for.
    runtime.shutdown_background();
    result
}

/// Whether the files can be opened that there must be: some of them the runtime panics without.
fn check_open_files() -> io::Result<()> {
    system::can_open_files(FILES).map_err(|error| {
        io::Error::other(format!("it cannot open the files that it needs ({error}): raise their limit (ulimit -n)"))
    })
}

/// Says where a panic was, and nothing of its text: that can quote what a server sent.
fn report(panic: &PanicHookInfo<'_>) {
    match panic.location() {
        Some(place) => log::error!("an error of this plugin's own at {}:{}", place.file(), place.line()),
        None => log::error!("an error of this plugin's own"),
    }
}
