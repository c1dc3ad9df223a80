//! A stand-in for AWS STS that records what roles are assumed with, and by whom.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_smithy_types::{DateTime, date_time::Format};

use crate::http::{Asked, Reply, Server};

/// The account that GetCallerIdentity tells.
pub const ACCOUNT: &str = "111122223333";

/// A status, a code and a message.
type Failure = (u16, &'static str, &'static str);

/// A stand-in for STS on a port of 127.0.0.1, until it is dropped.
pub struct Sts {
    server: Server,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Sts {
    /// Hands out credentials that last an hour: the access key id `ASIA` and the last part of the role's ARN.
    pub async fn start() -> io::Result<Self> {
        Self::with_lifetime(Duration::from_secs(3600)).await
    }

    /// Hands out credentials that last so long.
    pub async fn with_lifetime(lifetime: Duration) -> io::Result<Self> {
        let failure = Arc::<Mutex<Option<Failure>>>::default();
        let fails = failure.clone();
        let server = Server::start(move |asked| match *fails.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((status, code, message)) => Reply::Body(status, error(code, message)),
            None => Reply::Body(200, answer(asked, lifetime)),
        });
        Ok(Self { server: server.await?, failure })
    }

    /// Answers all requests with an error of STS.
    pub fn fail(&self, status: u16, code: &'static str, message: &'static str) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some((status, code, message));
    }

    /// Answers the next `number` requests so.
    pub fn answer_next(&self, number: usize, reply: Reply) {
        self.server.answer_next(number, reply);
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The URL to call.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The requests that arrived, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }
}

/// The secret access key of the credentials for an access key id.
pub fn secret_key(access_key: &str) -> String {
    format!("stand-in-secret-of-{access_key}")
}

/// The session token of the credentials for an access key id.
pub fn session_token(access_key: &str) -> String {
    format!("stand-in-session-of-{access_key}")
}

/// What STS answers: credentials that last so long, or whose they are.
pub fn answer(asked: &Asked, lifetime: Duration) -> String {
    let action = asked.field("Action");
    if action == "GetCallerIdentity" {
        let identity =
            format!("<Arn>arn:aws:iam::{ACCOUNT}:user/stand-in</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>");
        return wrap(&action, &identity);
    }
    let role = asked.field("RoleArn");
    let access_key = format!("ASIA{}", role.rsplit('/').next().unwrap_or_default());
    let expires = DateTime::from(SystemTime::now() + lifetime).fmt(Format::DateTime).expect("a date of this era");
    let (secret, token) = (secret_key(&access_key), session_token(&access_key));
    let credentials = format!(
        "<Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration></Credentials>"
    );
    wrap(&action, &credentials)
}

fn wrap(action: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}\
         </{action}Result></{action}Response>"
    )
}

/// What STS says of a failure.
pub fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
}
