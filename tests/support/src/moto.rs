//! moto, an emulator of AWS, as a process.

use std::{path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{tls::Certificate, within_deadline};

/// A moto server on a port of 127.0.0.1, until it is dropped.
pub struct Moto {
    url: String,
    _process: Child,
    _log: JoinHandle<()>,
}

impl Moto {
    /// moto over plain HTTP.
    pub async fn start() -> Self {
        Self::run(&[], "http").await
    }

    /// moto over TLS. The certificate and its key are written to `folder`.
    pub async fn start_tls(certificate: &Certificate, folder: &Path) -> Self {
        let (cert, key) = (folder.join("moto.pem"), folder.join("moto-key.pem"));
        std::fs::write(&cert, certificate.pem()).expect("the folder can be written to");
        std::fs::write(&key, certificate.key_pem()).expect("the folder can be written to");
        let text = |path: &Path| path.to_str().expect("a path of text").to_owned();
        Self::run(&["-s".to_owned(), "-c".to_owned(), text(&cert), "-k".to_owned(), text(&key)], "https").await
    }

    /// The URL to call.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    async fn run(arguments: &[String], scheme: &str) -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let moto = repository.join(".tools/moto/bin/moto_server");
        assert!(moto.exists(), "moto is not installed: run `make test-fast`");
        let mut process = Command::new(moto)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("moto starts");
        let mut log = BufReader::new(process.stderr.take().expect("piped")).lines();
        let address = async {
            while let Some(line) = log.next_line().await.expect("moto's log is text") {
                if let Some((_, address)) = line.split_once("Running on ") {
                    return address.trim().to_owned();
                }
            }
            panic!("moto ended before it listened");
        };
        let url = within_deadline("moto's start", address).await;
        assert!(url.starts_with(scheme), "{url}");
        let drain = tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self { url, _process: process, _log: drain }
    }
}
