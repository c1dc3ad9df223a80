//! moto as ECR: a process of its own on a free port of this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::tools;

const START_DEADLINE: Duration = Duration::from_secs(60);

/// A running moto server. Dropping it ends the process.
pub(crate) struct Moto {
    process: Child,
    address: String,
}

/// The credentials that moto hands out, as a program sees them.
pub(crate) struct Login {
    pub(crate) authorization_token: String,
    pub(crate) expires_at: String,
    pub(crate) password: String,
    pub(crate) proxy_endpoint: String,
    pub(crate) user_name: String,
}

impl Moto {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(tools::moto())
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto_server starts");
        let log = BufReader::new(process.stderr.take().expect("stderr is piped"));
        let (found, address) = mpsc::channel();
        thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("Running on http://") {
                    // The receiver is gone once the deadline has passed; the log is drained all the same.
                    let _ = found.send(address.trim().to_owned());
                }
            }
        });
        let address = address.recv_timeout(START_DEADLINE).expect("moto_server prints the address that it listens on");
        Self { process, address }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a program gets.
    pub(crate) fn login(&self, region: &str, registry_id: &str) -> Login {
        let answer = self.ask("GetAuthorizationToken", region, &json!({ "registryIds": [registry_id] }));
        let data = &answer["authorizationData"][0];
        let authorization_token = data["authorizationToken"].as_str().expect("a token").to_owned();
        let decoded = BASE64_STANDARD.decode(&authorization_token).expect("a token in base64");
        let decoded = String::from_utf8(decoded).expect("a token of text");
        let (user_name, password) = decoded.split_once(':').expect("a user name and a password");
        let expires_at = DateTime::from_secs(data["expiresAt"].as_i64().expect("seconds since 1970"));
        Login {
            expires_at: expires_at.fmt(Format::DateTime).expect("a date of this era"),
            password: password.to_owned(),
            proxy_endpoint: data["proxyEndpoint"].as_str().expect("an endpoint").to_owned(),
            user_name: user_name.to_owned(),
            authorization_token,
        }
    }

    /// Makes a repository in the caller's registry, and gives what moto says of it.
    pub(crate) fn create_repository(&self, region: &str, name: &str) -> Value {
        let mut answer = self.ask("CreateRepository", region, &json!({ "repositoryName": name }));
        answer["repository"].take()
    }

    /// Asks moto itself, past the plugin.
    pub(crate) fn ask(&self, operation: &str, region: &str, body: &Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.0\r\n\
             Host: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{region}/ecr/aws4_request, SignedHeaders=host, Signature=0\r\n\
             Content-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.{operation}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len(),
        );
        let mut answer = String::new();
        let mut connection = TcpStream::connect(&self.address).expect("moto accepts");
        connection.write_all(request.as_bytes()).expect("moto reads");
        connection.read_to_string(&mut answer).expect("moto answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body after the headers");
        serde_json::from_str(body).expect("an answer in JSON")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself; both errors mean just that.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
