//! Installing the plugin from a server, what goes wrong there, and two versions of it on one machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sha2::{Digest as _, Sha256};

use crate::beside::serve;
use crate::discovery::{assert_logged_in, pack, tarball_of_make_dist};
use crate::program::YAML;
use crate::stack::Stack;
use crate::stand_in::StandIn;
use crate::tools;

const PAGE: &str = include_str!("../../docs/troubleshooting.md");
const REGISTRY_ID: &str = "012345678901";
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));
const UP: &[&str] = &["up", "--yes", "--skip-preview"];

/// A version to come.
const NEWER: &str = "v7.999.2-ecr";

fn stack(ecr: &StandIn) -> Stack {
    Stack::new(&YAML, &ecr.endpoint(), REGISTRY_ID).without_plugin()
}

fn install<'a>(version: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["plugin", "install", "resource", "aws", version], arguments].concat()
}

fn checksum(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn from_a_server_with_a_checksum() {
    let ecr = StandIn::start();
    let stack = stack(&ecr);
    let tarball = fs::read(tarball_of_make_dist(&stack)).expect("the tarball");
    let checksum = checksum(&tarball);
    let server = serve("200 OK", tarball);
    stack.succeeds("plugin install", &install(VERSION, &["--server", &server, "--checksum", &checksum]));
    stack.succeeds("up with the plugin installed", UP);
    assert_logged_in(&stack);
}

#[test]
fn downloads_that_the_engine_refuses() {
    let ecr = StandIn::start();
    let stack = stack(&ecr);
    let tarball = fs::read(tarball_of_make_dist(&stack)).expect("the tarball");
    let half = tarball[..tarball.len() / 2].to_vec();
    let shows = |step: &str, message: &str, server: &str, more: &[&str]| {
        assert!(PAGE.contains(message), "the page does not have {message:?}");
        let seen = stack.fails(step, &install(VERSION, &[&["--server", server], more].concat()));
        assert!(seen.contains(message), "the engine does not say {message:?}:\n{seen}");
    };
    let other = checksum(b"other");
    shows("wrong checksum", "invalid checksum, expected", &serve("200 OK", tarball), &["--checksum", &other]);
    shows("half a tarball", "unexpected EOF", &serve("200 OK", half), &[]);
    shows("no tarball", "404 HTTP error fetching plugin from", &serve("404 Not Found", Vec::new()), &[]);
}

/// The plugin with some of its bytes changed, as it is for another processor, for a newer glibc, or where its loader is not.
#[test]
fn executables_that_a_system_does_not_start() {
    let ecr = StandIn::start();
    let stack = stack(&ecr);
    let executable = stack.scratch("changed");
    let shows = |step: &str, message: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        assert!(PAGE.contains(message), "the page does not have {message:?}");
        let bytes = fs::read(tools::plugin().join("pulumi-resource-aws")).expect("the plugin");
        fs::write(&executable, change(bytes)).expect("a file");
        fs::set_permissions(&executable, PermissionsExt::from_mode(0o755)).expect("an executable");
        let tarball = stack.scratch("changed.tar.gz");
        pack(&executable, &tarball, "pulumi-resource-aws");
        let tarball = tarball.to_string_lossy().into_owned();
        stack.succeeds("plugin install", &install(VERSION, &["-f", &tarball, "--reinstall"]));
        let seen = stack.fails(step, UP);
        assert!(seen.contains(message), "the engine does not say {message:?}:\n{seen}");
    };
    let replaced = |old: &'static [u8], new: &'static [u8]| {
        move |mut bytes: Vec<u8>| {
            let places: Vec<_> = (0..bytes.len() - old.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
            assert!(!places.is_empty(), "the plugin has no {}", String::from_utf8_lossy(old));
            places.into_iter().for_each(|at| bytes[at..at + old.len()].copy_from_slice(new));
            bytes
        }
    };
    shows("another processor", "exec format error", &|mut bytes| {
        // RISC-V, in the header of ELF.
        bytes[18..20].copy_from_slice(&[0xf3, 0]);
        bytes
    });
    shows("a newer glibc", "version `GLIBC_", &replaced(b"GLIBC_2.3", b"GLIBC_9.9"));
    shows("no loader", "plugin not found", &replaced(b"/ld-linux", b"/ld-other"));
}

/// The newer one cannot even start, so who is asked shows.
#[test]
fn a_program_keeps_the_version_that_it_names() {
    let ecr = StandIn::start();
    let stack = stack(&ecr);
    let tarball = tarball_of_make_dist(&stack).to_string_lossy().into_owned();
    stack.succeeds("plugin install", &install(VERSION, &["-f", &tarball]));

    let newer = stack.scratch("newer/pulumi-resource-aws");
    fs::create_dir(stack.scratch("newer")).expect("a folder");
    fs::write(&newer, "#!/bin/sh\necho the newer one was asked >&2\nexit 1\n").expect("a file");
    fs::set_permissions(&newer, PermissionsExt::from_mode(0o755)).expect("an executable");
    let tarball = stack.scratch("newer.tar.gz");
    pack(&newer, &tarball, "pulumi-resource-aws");
    stack.succeeds("plugin install of a newer one", &install(NEWER, &["-f", &tarball.to_string_lossy()]));

    let manifest = stack.scratch("project/Pulumi.yaml");
    let program = fs::read_to_string(&manifest).expect("a program");
    let arguments = "      arguments:\n";
    assert!(program.contains(arguments), "the program calls a function");
    let seen = stack.fails("up without a version", UP);
    assert!(seen.contains("the newer one was asked"), "{seen}");
    let options = concat!("      options:\n        version: ", env!("CARGO_PKG_VERSION"), "\n");
    fs::write(&manifest, program.replace(arguments, &format!("{options}{arguments}"))).expect("a program");
    stack.succeeds("up with a version", UP);
    assert_logged_in(&stack);
}
