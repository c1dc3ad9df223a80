//! The plugin as a process that the engine did not start.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::tools;

/// A running plugin. Dropping it ends the process.
pub(crate) struct Attached {
    process: Child,
    pub(crate) port: u16,
}

impl Attached {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(tools::plugin().join("pulumi-resource-aws"))
            .env_clear()
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the plugin starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line of text");
        Self { process, port: line.trim_end().parse().expect("a port") }
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.process.try_wait().expect("its status").is_none()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // It may have ended by itself; both errors mean just that.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
