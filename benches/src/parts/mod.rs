//! What is measured: each part gives rows of the table.

mod builds;
mod call;
mod calls;
mod engine;
mod look_ups;
mod process;
mod throttled;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use support::{
    ecr::Ecr,
    engine::Engine,
    tls::{Authority, Tls},
};
use tempfile::TempDir;

pub(crate) use builds::Build;

use crate::report::Row;

/// The names of the parts, in the order of the table.
pub(crate) const PARTS: [&str; 14] = [
    "size",
    "start",
    "memory",
    "cold",
    "tls",
    "warm",
    "throughput",
    "equal",
    "distinct",
    "look-ups",
    "engine",
    "fleet",
    "registries",
    "growth",
];

/// What the parts work with.
pub(crate) struct Bench {
    quick: bool,
    ecr: Ecr,
    /// Where the plugins find their engine: it answers their health checks.
    engine: Engine,
    tls: Tls,
    /// The authority of [`Self::tls`].
    ca: PathBuf,
    _folder: TempDir,
}

/// Invokes, own bytes and seconds since the first invoke.
#[derive(Default)]
pub(crate) struct Growth {
    pub(crate) points: Vec<(f64, f64, f64)>,
}

impl Bench {
    pub(crate) async fn new(quick: bool) -> Self {
        let ecr = Ecr::start().await.expect("a free port");
        let engine = Engine::start().await.expect("a free port");
        let authority = Authority::new("bench");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).expect("the temporary folder is writable");
        let tls = Tls::start(authority.certificate("127.0.0.1"), ecr.address()).await.expect("a free port");
        Self { quick, ecr, engine, tls, ca, _folder: folder }
    }

    pub(crate) async fn run(&self, part: &str, growth: &mut Growth) -> Vec<Row> {
        self.ecr.set_latency(Duration::ZERO);
        match part {
            "size" => process::size(),
            "start" => self.start().await,
            "memory" => self.memory().await,
            "cold" => self.cold(None).await,
            "tls" => self.cold(Some(&self.ca)).await,
            "warm" => self.warm().await,
            "throughput" => self.throughput().await,
            "equal" => self.equal().await,
            "distinct" => self.distinct().await,
            "look-ups" => self.look_ups().await,
            "engine" => self.under_the_engine().await,
            "fleet" => self.fleet().await,
            "registries" => self.registries().await,
            _ => self.growth(growth).await,
        }
    }

    /// How many rounds, or calls, to make.
    fn times(&self, number: usize) -> usize {
        if self.quick { number.div_ceil(5) } else { number }
    }

    fn url(&self, ca: Option<&Path>) -> String {
        if ca.is_some() { self.tls.url() } else { self.ecr.url() }
    }
}
