//! `credential_process`: a command that prints credentials.

use std::{process::Stdio, time::Duration};

use aws_credential_types::Credentials;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use super::{super::Error, json};

/// How long the command may take. Nobody can type into it here, so a longer wait is of no use.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much of what the command says of a failure is shown.
const SHOWN: usize = 300;

/// How much the command may print.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// Runs `command` by the shell, for `profile`.
///
/// # Errors
///
/// [`Error::Source`].
pub(super) async fn credentials(profile: &str, command: &str) -> Result<Credentials, Error> {
    let failed = |problem| Error::Source { what: format!("the credential_process of profile {profile}"), problem };
    match timeout(TIMEOUT, run(command)).await {
        Ok(output) => output.and_then(|output| parse(&output)).map_err(failed),
        Err(_) => Err(failed(format!("it took longer than {} seconds and was ended", TIMEOUT.as_secs()))),
    }
}

async fn run(command: &str) -> Result<Vec<u8>, String> {
    let mut process = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let _group = Group(process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let read = async |pipe: Option<&mut (dyn tokio::io::AsyncRead + Send + Unpin)>, into: &mut Vec<u8>| match pipe {
        Some(pipe) => pipe.take(MAX_OUTPUT).read_to_end(into).await.map(drop),
        None => Ok(()),
    };
    let (mut out, mut err) = (process.stdout.take(), process.stderr.take());
    let (out, err, status) = tokio::join!(
        read(out.as_mut().map(|pipe| pipe as _), &mut stdout),
        read(err.as_mut().map(|pipe| pipe as _), &mut stderr),
        process.wait()
    );
    let status = out.and(err).and(status).map_err(|error| format!("it cannot be read: {error}"))?;
    if status.success() { Ok(stdout) } else { Err(format!("it ended with {status}{}", said(&stderr))) }
}

/// The command and all that it started, ended when this is dropped: by a timeout or a cancelled call. A group that has
/// ended already takes no signal.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { text } else { format!(" and said: {}", text.chars().take(SHOWN).collect::<String>()) }
}

fn parse(output: &[u8]) -> Result<Credentials, String> {
    #[derive(Deserialize)]
    struct Format {
        #[serde(rename = "Version")]
        version: i64,
    }
    match serde_json::from_slice(output) {
        Ok(Format { version: 1 }) => json::parse(output, "credential_process"),
        _ => Err("its output is not a JSON object with Version 1".to_owned()),
    }
}
