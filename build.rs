//! Compiles `proto/` to Rust. protox reads the files, so that no `protoc` has to be installed.

use std::{env, error::Error};

const PROTO_FILES: [&str; 3] = ["pulumi/provider.proto", "pulumi/engine.proto", "grpc/health/v1/health.proto"];

/// Messages that carry configuration or tokens: without `Debug`, nothing can print them by accident.
const CONFIDENTIAL: [&str; 6] = [
    "pulumirpc.CheckRequest",
    "pulumirpc.CheckResponse",
    "pulumirpc.ConfigureRequest",
    "pulumirpc.DiffRequest",
    "pulumirpc.InvokeRequest",
    "pulumirpc.InvokeResponse",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(PROTO_FILES, ["proto"])?;
    tonic_prost_build::configure().skip_debug(CONFIDENTIAL).compile_fds(descriptors)?;
    link_small()
}

/// Links the release executable without what a program that aborts on panics has no use for: the tables of `release.ld`,
/// and the library that reads them, which the loader would have to find and bind at each start.
fn link_small() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=release.ld");
    if env::var("PROFILE")? == "release" && env::var("TARGET")? == "x86_64-unknown-linux-gnu" {
        let script = env::current_dir()?.join("release.ld");
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,--script={}", script.display());
        println!("cargo::rustc-link-lib=gcc_eh");
    }
    Ok(())
}
