//! Compiles `proto/` to Rust. protox reads the files, so that no `protoc` has to be installed.

use std::{env, error::Error};

const PROTO_FILES: [&str; 3] = ["pulumi/provider.proto", "pulumi/engine.proto", "grpc/health/v1/health.proto"];

/// Messages that carry configuration or tokens: without `Debug`, nothing can print them by accident.
const CONFIDENTIAL: [&str; 5] = [
    "pulumirpc.CheckRequest",
    "pulumirpc.CheckResponse",
    "pulumirpc.ConfigureRequest",
    "pulumirpc.DiffRequest",
    "pulumirpc.InvokeRequest",
];

/// A message that is written by hand, and its type: results stay encoded, so that they can be sent again.
const INVOKE_RESPONSE: (&str, &str) = (".pulumirpc.InvokeResponse", "crate::proto::pulumirpc::InvokeResponse");

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(PROTO_FILES, ["proto"])?;
    let (message, written) = INVOKE_RESPONSE;
    tonic_prost_build::configure().skip_debug(CONFIDENTIAL).extern_path(message, written).compile_fds(descriptors)?;
    if env::var("TARGET")?.ends_with("-windows-gnu") {
        link_stack_protection();
    }
    link_release()
}

/// MinGW has what `-fstack-protector-strong` in `.cargo/config.toml` calls in a library, which needs others.
fn link_stack_protection() {
    for library in ["ssp", "msvcrt", "advapi32", "kernel32"] {
        println!("cargo::rustc-link-arg-bins=-l{library}");
    }
}

/// Sets the profile's `panic` aside, as `make unwinding` does.
const PANIC: &str = "CARGO_PROFILE_RELEASE_PANIC";

/// Links the release executable as `link/unwinding.ld` says, and without the library that reads the tables which are left out: the
/// loader would have to find and bind it at each start. Linkers other than the system's own and Zig's, which brings that library, do
/// not take the script.
fn link_release() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=link");
    let linker = env::var("RUSTC_LINKER").ok();
    let is_zig = linker.as_ref().is_some_and(|linker| linker.contains("zigbuild"));
    let target = env::var("TARGET")?;
    let takes_script = match linker {
        None => target == "x86_64-unknown-linux-gnu",
        Some(_) => is_zig && target.ends_with("-linux-gnu"),
    };
    // What cargo says of `panic` in a build script is the target's default, whatever the profile says.
    println!("cargo::rerun-if-env-changed={PANIC}");
    let aborts = env::var_os(PANIC).is_none_or(|panic| panic == "abort");
    if aborts && takes_script && env::var("PROFILE")? == "release" {
        let script = env::current_dir()?.join("link/unwinding.ld");
        println!("cargo::rustc-link-arg-bins=-Wl,--script={}", script.display());
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        if !is_zig {
            println!("cargo::rustc-link-lib=gcc_eh");
        }
    }
    Ok(())
}
