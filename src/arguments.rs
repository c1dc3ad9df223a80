//! The command line, as the engine and as people write it.

use std::ffi::OsString;

use lexopt::{
    Arg::{Long, Short, Value},
    Parser, ValueExt,
};
use pulumi_resource_aws::{doctor::Examination, plugin::Package};

/// How `package` is started.
pub(crate) fn help(package: &Package) -> String {
    let Package { name, summary, .. } = package;
    let executable = package.executable();
    format!(
        "\
{summary}
The Pulumi engine starts it; there is no need to run it by hand.

Usage: {executable} [OPTIONS] [ENGINE_ADDRESS]
       {executable} doctor [--registry ID] [--region R] [--config KEY=VALUE …] [--json]

  ENGINE_ADDRESS   the engine's gRPC address, host:port. Without one the plugin waits for engines to attach:
                   put the port that it prints into PULUMI_DEBUG_PROVIDERS={name}:PORT.

Options:
  -v=N, -v N       lines on stderr: 0 warnings, 1 to 4 information, 5 and more debugging
  --logtostderr    accepted as the engine passes it; lines go to stderr anyway
  --tracing URL    accepted as the engine passes it; no traces are sent
  --version        print the version
  --help, -h       print this text

doctor tells step by step what a call of getCredentials finds on this machine, or why it fails:
  --registry ID       call AWS, too: get credentials for this registry, the 12 digits of an AWS account
  --region R          the argument region of the call
  --config KEY=VALUE  a key of the provider configuration, as in `pulumi config set {name}:KEY VALUE`
  --json              print the report for machines"
    )
}

/// What is wrong with all others.
const FLAGS_OF_DOCTOR: &str = "doctor has the flags --registry, --region, --config and --json, and nothing else";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Serve(Arguments),
    Doctor(Examination),
    Version,
    Help,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// `host:port`; none: attach mode.
    pub(crate) engine_address: Option<String>,
    /// The number behind `-v`.
    pub(crate) verbosity: u32,
}

/// Reads the arguments behind the program's name: flags anywhere, at most one address.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = Parser::from_args(arguments.into_iter().map(with_two_dashes));
    let mut parsed = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('v') | Long("v") => parsed.verbosity = parser.value()?.parse()?,
            Long("logtostderr") => drop(parser.optional_value()),
            Long("tracing") => drop(parser.value()?),
            Long("version") => return Ok(Command::Version),
            Short('h') | Long("help") => return Ok(Command::Help),
            Value(word) if word == "doctor" => match parsed == Arguments::default() {
                true => return doctor(&mut parser),
                false => return Err(FLAGS_OF_DOCTOR.into()),
            },
            Value(address) if parsed.engine_address.is_none() => {
                parsed.engine_address = Some(address.parse_with(engine_address)?);
            }
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Command::Serve(parsed))
}

/// Reads the arguments behind `doctor`. None is quoted in an error: a flag may be forgotten in front of a secret.
fn doctor(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut examination = Examination::default();
    while let Some(argument) = parser.next().map_err(|_| FLAGS_OF_DOCTOR)? {
        match argument {
            Long("registry") => examination.registry = Some(word(parser, "--registry", "the id of a registry")?),
            Long("region") => examination.region = Some(word(parser, "--region", "an AWS Region")?),
            Long("config") => {
                const FORM: &str = "KEY=VALUE, for example region=eu-west-1";
                let pair = word(parser, "--config", FORM)?;
                let (key, value) =
                    pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or(needs("--config", FORM))?;
                examination.configuration.push((key.to_owned(), value.to_owned()));
            }
            Long("json") => examination.json = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            _ => return Err(FLAGS_OF_DOCTOR.into()),
        }
    }
    Ok(Command::Doctor(examination))
}

/// The value of a flag.
fn word(parser: &mut Parser, flag: &str, what: &str) -> Result<String, lexopt::Error> {
    parser.value().ok().and_then(|value| value.into_string().ok()).ok_or_else(|| needs(flag, what))
}

fn needs(flag: &str, what: &str) -> lexopt::Error {
    format!("{flag} needs {what}").into()
}

/// Go's flags, which the engine passes, may have one dash in front of a whole word.
fn with_two_dashes(argument: OsString) -> OsString {
    let word = argument.to_str().and_then(|text| text.strip_prefix('-')).and_then(|flag| flag.split('=').next());
    match word {
        Some(word) if word.len() > 1 && !word.starts_with('-') => {
            let mut long = OsString::from("-");
            long.push(argument);
            long
        }
        _ => argument,
    }
}

fn engine_address(text: &str) -> Result<String, String> {
    let authority = text.parse::<http::uri::Authority>().ok();
    match authority
        .filter(|authority| authority.port().is_some() && !authority.host().is_empty() && !text.contains('@'))
    {
        Some(_) => Ok(text.to_owned()),
        None => Err("an engine's address is host:port, for example 127.0.0.1:45678".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, lexopt::Error> {
        super::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn flags_stand_before_and_behind_the_address() {
        let expected = Command::Serve(Arguments { engine_address: Some("127.0.0.1:4".to_owned()), verbosity: 9 });
        for arguments in [
            &["--logtostderr", "-v=9", "--tracing", "tcp://localhost:1", "127.0.0.1:4"][..],
            &["127.0.0.1:4", "--logtostderr=true", "-v", "9"],
            &["-v=9", "127.0.0.1:4", "--tracing=x"],
            &["-logtostderr=true", "--v=9", "-tracing", "x", "127.0.0.1:4"],
        ] {
            assert_eq!(parse(arguments).unwrap(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn no_address_is_attach_mode() {
        assert_eq!(parse(&[]).unwrap(), Command::Serve(Arguments::default()));
    }

    #[test]
    fn anything_else_is_refused() {
        for arguments in [
            &["--colour"][..],
            &["127.0.0.1:4", "127.0.0.1:5"],
            &["-v"],
            &["-v=loud"],
            &["127.0.0.1"],
            &["a/b:1"],
            &["foo bar:1"],
            &["user:password@127.0.0.1:1"],
            &["x:99999"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
