//! The executable that the Pulumi engine starts.

#![forbid(unsafe_code)]

mod arguments;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use pulumi_resource_aws::{Options, VERSION, cache::Folder, plugin};

/// The exit code of a wrong command line.
const USAGE: u8 = 2;

#[expect(clippy::print_stdout, reason = "--version and --help print what was asked for; no engine reads it")]
fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(arguments)) => serve(arguments),
        Ok(Command::Version) => {
            println!("pulumi-resource-aws {VERSION}");
            ExitCode::SUCCESS
        }
        Ok(Command::Help) => {
            println!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("pulumi-resource-aws: {error}\n\n{}", arguments::HELP);
            ExitCode::from(USAGE)
        }
    }
}

fn serve(arguments: Arguments) -> ExitCode {
    let (layer, log) = plugin::log::channel();
    plugin::log::install(layer, arguments.verbosity);
    let options = Options {
        engine_address: arguments.engine_address,
        secret_results: plugin::SecretResults::from_env(),
        shared_tokens: Folder::from_env(),
        log,
    };
    let result = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        let result = runtime.block_on(pulumi_resource_aws::run(options));
        // Threads that wait for a file or a name server are not waited for.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pulumi-resource-aws: {error}");
            ExitCode::FAILURE
        }
    }
}
