//! Two builds of the plugin against each other, as one for one C library against one for another.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::json;
use tokio::process::Command;

use super::{
    Bench,
    call::Call,
    calls::{BURST, at_once, in_flight, registry, time},
};
use crate::{
    contenders::{Memory, REGISTRY, bare, configured, first_line, isolated},
    report::{Unit, significant},
    samples::Samples,
};

const CALLS: usize = 20_000;
const IMAGES_CALLS: usize = 10;

/// An executable, and what to call it.
pub(crate) struct Build {
    name: String,
    executable: PathBuf,
}

impl Build {
    /// Two of them, each as `NAME=EXECUTABLE`.
    pub(crate) fn pair(arguments: &[String]) -> Option<[Self; 2]> {
        let [one, other] = arguments else { return None };
        Some([Self::parse(one)?, Self::parse(other)?])
    }

    fn parse(argument: &str) -> Option<Self> {
        let (name, executable) = argument.split_once('=')?;
        Some(Self { name: name.to_owned(), executable: executable.into() })
    }
}

/// The rows, each with the samples of both builds.
#[derive(Default)]
struct Table(Vec<(&'static str, Unit, [Samples; 2])>);

impl Table {
    fn push(&mut self, build: usize, what: &'static str, unit: Unit, sample: f64) {
        let index = self.0.iter().position(|(other, ..)| *other == what).unwrap_or_else(|| {
            self.0.push((what, unit, Default::default()));
            self.0.len() - 1
        });
        self.0[index].2[build].push(sample);
    }

    fn markdown(&self, [one, other]: &[Build; 2]) -> String {
        let mut text =
            format!("| medians | {} | {} | ratio: median (quartiles) |\n|---|---|---|---|\n", one.name, other.name);
        for (what, unit, [ones, others]) in &self.0 {
            let ratios = ones.over(others);
            let [low, ratio, high] = [0.25, 0.5, 0.75].map(|part| significant(ratios.quantile(part)));
            let [one, other] = [ones, others].map(|samples| unit.show(samples.median()));
            text += &format!("| {what} | {one} | {other} | **{ratio}** ({low}–{high}) |\n");
        }
        text
    }
}

impl Bench {
    /// Measures both in turn, and gives a table.
    pub(crate) async fn compare(&self, builds: &[Build; 2]) -> String {
        let mut table = Table::default();
        for (index, build) in builds.iter().enumerate() {
            let size = fs::metadata(&build.executable).expect("the executable is there").len();
            table.push(index, "size", Unit::Bytes, size as f64);
        }
        for _ in 0..self.times(100) {
            for (index, build) in builds.iter().enumerate() {
                let floor = first_line(bare()).await.as_secs_f64();
                let took = first_line(self.command(build, None)).await.as_secs_f64();
                table.push(index, "spawn to port line", Unit::Seconds, took);
                table.push(index, "spawn to port line, over a bare spawn", Unit::Ratio, took / floor);
            }
        }
        for _ in 0..self.times(60) {
            for (index, build) in builds.iter().enumerate() {
                for (what, ca) in
                    [("spawn to first answer", None), ("spawn to first answer, over TLS", Some(&*self.ca))]
                {
                    let start = Instant::now();
                    let mut plugin = configured(self.command(build, ca), &self.engine, &self.url(ca)).await;
                    Call::invoke(&plugin, REGISTRY).make().await;
                    table.push(index, what, Unit::Seconds, start.elapsed().as_secs_f64());
                    plugin.process.kill().await.expect("the plugin ends");
                }
            }
        }
        self.hold_repositories();
        for _ in 0..self.times(20) {
            for (index, build) in builds.iter().enumerate() {
                self.load(build, &mut |what, unit, sample| table.push(index, what, unit, sample)).await;
            }
        }
        table.markdown(builds)
    }

    fn command(&self, build: &Build, ca: Option<&Path>) -> Command {
        let mut command = isolated(Command::new(&build.executable), ca);
        command.arg(self.engine.address());
        command
    }

    /// One process: idle, then with calls from memory, with calls of ECR, and with large answers.
    async fn load(&self, build: &Build, push: &mut impl FnMut(&'static str, Unit, f64)) {
        let checks = self.engine.checks();
        let plugin = configured(self.command(build, None), &self.engine, &self.ecr.url()).await;
        self.engine.wait_for_more_checks(checks).await;
        let idle = Memory::of(&plugin);
        push("own memory, configured and idle", Unit::Bytes, idle.own);
        push("resident memory, configured and idle", Unit::Bytes, idle.resident);

        let cached = Call::invoke(&plugin, REGISTRY);
        cached.make().await;
        push(
            "cached Invokes a second, 64 in flight",
            Unit::PerSecond,
            CALLS as f64 / time(in_flight(CALLS, &cached)).await,
        );

        let new: Vec<_> = (0..BURST).map(|number| Call::invoke(&plugin, &registry(number))).collect();
        push("new tokens a second, 1,000 at once", Unit::PerSecond, BURST as f64 / time(at_once(&new)).await);

        let images = json!({"repositoryName": "large"});
        let images = Call::invoke_of(&plugin, "aws:ecr/getImages:getImages", images);
        images.make().await;
        let mut times = Samples::default();
        for _ in 0..IMAGES_CALLS {
            times.push(time(images.make()).await);
        }
        push("getImages of 1,000 images, p50", Unit::Seconds, times.median());

        let after = Memory::of(&plugin);
        push("own memory after all of that", Unit::Bytes, after.own);
        push("resident memory after all of that", Unit::Bytes, after.resident);
    }
}
