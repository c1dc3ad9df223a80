//! The executable that the Pulumi engine starts.

#![forbid(unsafe_code)]

mod arguments;

use std::{
    env,
    io::{self, Write},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    process::ExitCode,
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

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let package = packages::by_executable(&arguments.next().unwrap_or_default());
    match arguments::parse(arguments) {
        Ok(Command::Serve(arguments)) => serve(package, arguments),
        Ok(Command::Doctor(examination)) => examine(package, examination),
        Ok(Command::Version) => print(&format!("{} {}", package.executable(), package.version)),
        Ok(Command::Help) => print(&arguments::help(package)),
        Err(error) => {
            eprintln!("{}: {error}\n\n{}", package.executable(), arguments::help(package));
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
    // tokio has no other way to say that it gets no files.
    let result = panic::catch_unwind(AssertUnwindSafe(|| wait_for(async || pulumi_resource_aws::run(options).await)));
    let result = result.unwrap_or_else(|_| Err(io::Error::other("it could not be set up")));
    let code = match result {
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
            // stderr may be closed as well.
            let _ = writeln!(io::stderr(), "{}: {error}", package.executable());
            ExitCode::from(doctor::Verdict::Broken as u8)
        }
    }
}

/// Runs `work` on this thread.
fn wait_for<T>(work: impl AsyncFnOnce() -> io::Result<T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(work());
    // Threads that wait for a file or a name server are not waited for.
    runtime.shutdown_background();
    result
}

/// Says where a panic was, and nothing of its text: that can quote what a server sent.
fn report(panic: &PanicHookInfo<'_>) {
    match panic.location() {
        Some(place) => log::error!("an error of the aws plugin's own at {}:{}", place.file(), place.line()),
        None => log::error!("an error of the aws plugin's own"),
    }
}
