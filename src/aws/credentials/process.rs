//! `credential_process`: a command that prints credentials.

use std::{pin::pin, process::Stdio, time::Duration};

use aws_credential_types::Credentials;
use futures_util::future::{Either, select, try_join};
use tokio::{
    io::{AsyncRead, AsyncReadExt, copy, sink},
    time::timeout,
};

use super::{
    super::{Error, proxies, settings::variable, shown},
    Found,
    json::Object,
};
use crate::{
    redaction::Secrets,
    system::{self, Job},
};

/// How long the command may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long its output is waited for when it has ended: what it left running may hold that open.
const GRACE: Duration = Duration::from_millis(200);

/// How much of what the command says of a failure is shown.
const SHOWN: usize = 300;

/// How much the command may print.
const MAX_OUTPUT: u64 = 1 << 20;

/// What the engine gives to its plugins alone: the command is the user's, not the engine's.
const SECRETS_OF_ENGINE: [&str; 5] = [
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_CONFIG_SECRET_KEYS",
];

/// What commands are given of the user's own secrets, and quote if they print their environment.
const SECRETS_OF_USER: [&str; 4] =
    ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN"];

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
        let mut reading = pin!(try_join(read_all(out, &mut stdout), read_start(err, &mut stderr)));
        match select(pin!(job.wait()), reading.as_mut()).await {
            Either::Left((status, _)) => {
                timeout(GRACE, reading).await.unwrap_or(Ok(((), ())))?;
                status
            }
            Either::Right((read, waiting)) => {
                read?;
                waiting.await
            }
        }
    };
    let status = status.map_err(|error| format!("it cannot be waited for: {error}"))?;
    if !status.success() {
        return Err(format!("it ended with {status}{}", said(&stderr, &secrets(command, &stdout))));
    }
    job.release();
    Ok(stdout)
}

/// Reads an output; one that breaks ends.
///
/// # Errors
///
/// When it is longer than any: the command would wait for ever until somebody reads the rest.
async fn read_all(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), String> {
    read(pipe, into).await;
    if into.len() as u64 > MAX_OUTPUT {
        return Err(format!("its output is longer than {} MiB, so it was ended", MAX_OUTPUT >> 20));
    }
    Ok(())
}

/// Reads an output of which only the start counts.
async fn read_start(mut pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), String> {
    read(pipe.as_mut(), into).await;
    if let Some(mut pipe) = pipe {
        let _ends = copy(&mut pipe, &mut sink()).await;
    }
    Ok(())
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        let _ = pipe.take(MAX_OUTPUT + 1).read_to_end(into).await;
    }
}

fn said(stderr: &[u8], secrets: &Secrets) -> String {
    let text = secrets.show(&String::from_utf8_lossy(stderr), SHOWN);
    if text.is_empty() { text } else { format!(" and said: {text}") }
}

/// What the command may quote of what it was given and what it printed.
fn secrets(command: &str, stdout: &[u8]) -> Secrets {
    let environment = SECRETS_OF_USER.into_iter().filter_map(variable).chain(proxies::passwords());
    let printed = Object::new(stdout).ok();
    let printed = ["SecretAccessKey", "SessionToken"].map(|key| printed.as_ref()?.text(key).ok()?.map(str::to_owned));
    Secrets::new(environment.chain(typed(command)).chain(printed.into_iter().flatten()))
}

/// What stands in a command behind an option or a variable whose name is that of a secret, and what may be a key.
fn typed(command: &str) -> Vec<String> {
    let names_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["pass", "secret", "token", "key"].iter().any(|word| name.contains(word))
    };
    let words: Vec<_> = command.split_whitespace().collect();
    let assigned = words.iter().filter_map(|word| word.split_once('='));
    let options = words.windows(2).map(|pair| (pair[0], pair[1])).filter(|(name, _)| name.starts_with('-'));
    let all = assigned.chain(options).filter(|(name, _)| names_secret(name)).map(|(_, value)| value);
    let keys = words.iter().copied().filter(|word| shown::may_be_key(word));
    all.chain(keys).map(|value| value.trim_matches(['"', '\'']).to_owned()).collect()
}

fn parse(output: &[u8]) -> Result<Credentials, String> {
    let first_version =
        |object: &Object| object.get("Version").and_then(serde_json::Value::as_i64).is_some_and(|version| version == 1);
    match Object::new(output).ok().filter(first_version) {
        Some(object) => object.credentials("SessionToken", "credential_process"),
        None => Err("its output is not a JSON object with Version 1".to_owned()),
    }
}
