//! `credential_process`: a command that prints credentials.

use std::{pin::pin, process::Stdio, time::Duration};

use aws_credential_types::Credentials;
use futures_util::future::{Either, join, select};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use super::{
    super::{Error, shown},
    Found,
    json::Object,
};
use crate::system::{self, Job};

/// How long the command may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long its output is waited for when it has ended: what it left running may hold that open.
const GRACE: Duration = Duration::from_millis(200);

/// How much of what the command says of a failure is shown.
const SHOWN: usize = 300;

/// How much the command may print.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// What the engine gives to its plugins alone: the command is the user's, not the engine's.
const SECRETS_OF_ENGINE: [&str; 5] = [
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_CONFIG_SECRET_KEYS",
];

/// The command of a profile.
pub(super) struct Process {
    /// The profile.
    pub(super) profile: String,
    /// The command, for the shell.
    pub(super) command: String,
}

impl Process {
    /// What it is called, for people: the command itself may hold a secret.
    pub(super) fn title(&self) -> String {
        format!("the credential_process of profile {}", shown::name(&self.profile))
    }
}

/// Runs the command.
///
/// # Errors
///
/// [`Error::Source`].
pub(super) async fn credentials(process: &Process) -> Result<Found, Error> {
    let what = process.title();
    let credentials = match timeout(TIMEOUT, run(&process.command)).await {
        Ok(output) => output.and_then(|output| parse(&output)),
        Err(_) => Err(format!("it took longer than {} seconds and was ended", TIMEOUT.as_secs())),
    };
    match credentials {
        Ok(credentials) => Ok(Found::new(credentials, what)),
        Err(problem) => Err(Error::Source { what, problem }),
    }
}

/// The end of the command counts: its children live on if it succeeds, and end with it if it does not.
async fn run(command: &str) -> Result<Vec<u8>, String> {
    let mut shell = system::shell(command);
    for name in SECRETS_OF_ENGINE {
        shell.env_remove(name);
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut job = Job::spawn(shell).map_err(|error| format!("it cannot be started: {error}"))?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (out, err) = job.outputs();
    let status = {
        let mut reading = pin!(join(read(out, &mut stdout), read(err, &mut stderr)));
        match select(pin!(job.wait()), reading.as_mut()).await {
            Either::Left((status, _)) => {
                let _ = timeout(GRACE, reading).await;
                status
            }
            Either::Right((_, waiting)) => waiting.await,
        }
    };
    let status = status.map_err(|error| format!("it cannot be waited for: {error}"))?;
    if !status.success() {
        return Err(format!("it ended with {status}{}", said(&stderr)));
    }
    job.release();
    Ok(stdout)
}

/// Reads what there is of an output; one that breaks ends.
async fn read(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        let _ = pipe.take(MAX_OUTPUT).read_to_end(into).await;
    }
}

fn said(stderr: &[u8]) -> String {
    let text = shown::one_line(&String::from_utf8_lossy(stderr));
    if text.is_empty() { text } else { format!(" and said: {}", text.chars().take(SHOWN).collect::<String>()) }
}

fn parse(output: &[u8]) -> Result<Credentials, String> {
    let first_version =
        |object: &Object| object.get("Version").and_then(serde_json::Value::as_i64).is_some_and(|version| version == 1);
    match Object::new(output).ok().filter(first_version) {
        Some(object) => object.credentials("SessionToken", "credential_process"),
        None => Err("its output is not a JSON object with Version 1".to_owned()),
    }
}
