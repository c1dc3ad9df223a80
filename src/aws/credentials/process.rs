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
    said,
};
use crate::{
    memory::Reservation,
    redaction::{self, Secrets},
    system::{self, Job},
};

/// How long the command may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long its output is waited for when it has ended: what it left running may hold that open.
const GRACE: Duration = Duration::from_millis(200);

/// How much of what the command says of a failure is shown.
const SHOWN: usize = 300;

/// How many lines of that are looked at.
const MAX_LINES: usize = 50;

/// How much the command may print, and how much of what it says beside that is kept.
const MAX_OUTPUT: usize = 1 << 20;
const MAX_SAID: u64 = 16 * 1024;

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
    let (mut stdout, mut stderr, mut reservation) = (Vec::new(), Vec::new(), Reservation::transient());
    let (out, err) = job.outputs();
    let status = {
        let mut reading = pin!(try_join(read_all(&mut reservation, out, &mut stdout), read_start(err, &mut stderr)));
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
        return Err(format!("it ended with {status}{}", said(&stderr, &secrets(command, &stdout, &stderr))));
    }
    job.release();
    Ok(stdout)
}

/// Reads an output; one that breaks ends.
///
/// # Errors
///
/// When it is longer than any: the command would wait for ever until somebody reads the rest.
async fn read_all(
    reservation: &mut Reservation,
    pipe: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
) -> Result<(), String> {
    if let Some(pipe) = pipe {
        let _ends = reservation.read(pipe, MAX_OUTPUT, into).await;
    }
    if into.len() > MAX_OUTPUT {
        return Err(format!("its output is longer than {} MiB, so it was ended", MAX_OUTPUT >> 20));
    }
    Ok(())
}

/// Reads an output of which only the start counts.
async fn read_start(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), String> {
    if let Some(mut pipe) = pipe {
        let _ends = (&mut pipe).take(MAX_SAID).read_to_end(into).await;
        let _ends = copy(&mut pipe, &mut sink()).await;
    }
    Ok(())
}

fn said(stderr: &[u8], secrets: &Secrets) -> String {
    let text = String::from_utf8_lossy(stderr);
    // What is known to be a secret is hidden alone, and beside that, lines that may tell another.
    let lines: Vec<_> = text.lines().take(MAX_LINES).map(|line| secrets.show(line, SHOWN)).collect();
    let text = secrets.show(&said::without_secrets(&lines.join("\n")), SHOWN);
    if text.is_empty() { text } else { format!(" and said: {text}") }
}

/// The shortest text of an output that is taken for a key.
const KEY: usize = 16;

/// What the command may quote of what it was given and what it printed.
fn secrets(command: &str, stdout: &[u8], stderr: &[u8]) -> Secrets {
    let environment = SECRETS_OF_USER.into_iter().filter_map(variable).chain(proxies::passwords());
    let printed = Object::new(stdout).ok();
    let named = ["SecretAccessKey", "SessionToken"].map(|key| printed.as_ref()?.text(key).ok()?.map(str::to_owned));
    let (stdout, stderr) = (String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    let users = stderr.split_whitespace().flat_map(redaction::user).map(str::to_owned);
    // Whatever the JSON lacks or is part of, its texts end with quotes.
    let like_keys = stdout.split('"').map(str::trim);
    let like_keys = like_keys.filter(|text| text.len() >= KEY && !text.contains(char::is_whitespace));
    let printed = named.into_iter().flatten().chain(like_keys.map(str::to_owned));
    Secrets::new(environment.chain(typed(command)).chain(printed).chain(users))
}

/// What stands in a command behind an option, a variable or a header whose name is that of a secret, the users of URLs, and
/// what may be a key.
fn typed(command: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut commands = vec![command.split_whitespace().map(str::to_owned).collect(), words(command)];
    while let Some(words) = commands.pop() {
        let options = words.windows(2).map(|pair| (&*pair[0], &*pair[1])).filter(|(name, _)| name.starts_with('-'));
        let assigned =
            ['=', ':'].into_iter().flat_map(|sign| words.iter().filter_map(move |word| word.split_once(sign)));
        // `-phunter2` and `-ujoe:word`, rather than the name of a long option.
        let is_value = |(_, value): &(_, &str)| value.contains(|char: char| !char.is_ascii_lowercase() && char != '-');
        let attached = words.iter().filter_map(|word| word.split_at_checked(2)).filter(is_value);
        let all = options.chain(assigned).chain(attached).filter(|(name, value)| names_secret(name, value));
        for (_, value) in all {
            let password = value.split_once(':').map_or("", |(_, password)| password);
            // `Authorization: Bearer token`
            let behind_kind = value.trim().split_once(' ').map_or("", |(_, token)| token);
            found.extend([value, password, behind_kind].map(str::to_owned));
        }
        found.extend(words.iter().flat_map(|word| redaction::user(word)).map(str::to_owned));
        found.extend(words.iter().filter(|word| shown::may_be_key(word)).cloned());
        commands.extend(words.iter().filter(|word| word.contains(char::is_whitespace)).map(|word| self::words(word)));
    }
    found.iter().map(|text| text.trim_matches(['"', '\'', ' ', '}']).to_owned()).collect()
}

/// What the names of secrets have in them.
pub(super) const NAMES: [&str; 7] = ["pass", "pwd", "secret", "token", "key", "auth", "cred"];

/// The options of a letter that many commands take a password or a user with one behind.
pub(super) const SHORT_OPTIONS: [&str; 2] = ["-u", "-p"];

/// Whether what an option, a variable or a header with this name has is a secret, as far as one can tell.
fn names_secret(name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // Beside a user may stand the password.
    let is_user = || (lower == "-u" || has(&["user"])) && value.contains(':');
    SHORT_OPTIONS.contains(&name) || has(&NAMES) || is_user()
}

/// The words of a command as a shell reads them, without their quotes.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        let last = words.len() - 1;
        match (quote, character) {
            (Some(quoted), _) if quoted == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None | Some('"'), '\\') => words[last].extend(characters.next()),
            (None, ';' | '|' | '&' | '<' | '>' | '(' | ')') => words.push(String::new()),
            (None, _) if character.is_whitespace() => words.push(String::new()),
            _ => words[last].push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn parse(output: &[u8]) -> Result<Credentials, String> {
    let first_version =
        |object: &Object| object.get("Version").and_then(serde_json::Value::as_i64).is_some_and(|version| version == 1);
    match Object::new(output).ok().filter(first_version) {
        Some(object) => object.credentials("SessionToken", "credential_process"),
        None => Err("its output is not a JSON object with Version 1".to_owned()),
    }
}
