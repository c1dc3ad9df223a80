//! `make dist` with stand-ins for the compiler and the build: what it says of what it does not build.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

/// What is in the folder of a machine on which `uname` says `system` and Rust has the libraries of `targets` alone. There is no
/// package to be had, and whatever is for macOS on Intel fails to build.
fn machine(system: &str, targets: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = |path: &str, script: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("bin/uname", &format!("echo {system}"));
    program("bin/rustc", "echo \"$PWD/libraries/$4\"");
    program("bin/readelf", "");
    program("bin/tar", "[ \"$1\" != --version ] || echo 'tar (GNU tar)'");
    program(
        "platforms/build.sh",
        "case $1 in x86_64-apple-*) echo broken >&2; exit 1 ;; esac; echo built for \"$1\" >built; echo \"$PWD/built\"",
    );
    program("platforms/pack.sh", "cat \"$1\" >\"$2\"");
    program("platforms/sbom.py", "echo \"$1\"");
    for script in ["dirname", "mkdir", "rm", "grep", "sha256sum", "tee", "cat"] {
        program(&format!("bin/{script}"), &format!("PATH=/usr/bin:/bin exec {script} \"$@\""));
    }
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("platforms/dist.sh");
    fs::copy(dist, folder.path().join("platforms/dist.sh")).unwrap();
    for target in targets {
        fs::create_dir_all(folder.path().join("libraries").join(target)).unwrap();
    }
    folder
}

/// Whether `make dist` succeeds there, and its last lines, those of SHA256SUMS taken off.
fn dist(folder: &Path, is_complete: bool, platforms: &[&str]) -> (bool, Vec<String>) {
    let mut command = Command::new("/bin/bash");
    command.arg("platforms/dist.sh").args(["1", "2"]).args(platforms).current_dir(folder);
    command.env_clear().env("PATH", folder.join("bin")).envs(is_complete.then_some(("COMPLETE", "yes")));
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let told = text.lines().filter(|line| !line.contains("  pulumi-") && !line.starts_with("==> "));
    (output.status.success(), told.map(str::to_owned).collect())
}

/// What SHA256SUMS names, in its order.
fn summed(folder: &Path) -> Vec<String> {
    let sums = fs::read_to_string(folder.join("dist/SHA256SUMS")).unwrap();
    sums.lines().map(|line| line.split_once("  ").unwrap().1.to_owned()).collect()
}

#[test]
fn what_a_machine_cannot_build_is_named_and_the_rest_is_built() {
    let machine = machine("Darwin", &["aarch64-apple-darwin"]);
    let platforms = ["linux-amd64", "darwin-arm64", "windows-amd64"];
    let left_out = |system: &str, target: &str| {
        format!(
            "{system} is left out: it takes Rust's library, as by `rustup target add {target}`, or Debian's packages on x86-64"
        )
    };
    let lines =
        vec![left_out("linux-amd64", "x86_64-unknown-linux-gnu"), left_out("windows-amd64", "x86_64-pc-windows-gnu")];
    for is_complete in [false, true] {
        assert_eq!(dist(machine.path(), is_complete, &platforms), (!is_complete, lines.clone()));
        let files = [
            "pulumi-resource-aws-v1-darwin-arm64.cdx.json",
            "pulumi-resource-aws-v1-darwin-arm64.tar.gz",
            "pulumi-resource-aws-ecr-v2-darwin-arm64.tar.gz",
        ];
        assert_eq!(summed(machine.path()), files);
    }
}

#[test]
fn what_fails_keeps_nothing_else_from_being_built_and_is_no_success() {
    let machine = machine("Darwin", &["x86_64-apple-darwin", "aarch64-apple-darwin"]);
    let (succeeds, lines) = dist(machine.path(), false, &["darwin-amd64", "darwin-arm64"]);
    assert!(!succeeds);
    assert_eq!(lines, ["darwin-amd64 failed: what is above says why", "broken"]);
    assert_eq!(summed(machine.path()).len(), 3);
    let (succeeds, _) = dist(machine.path(), false, &["darwin-amd64"]);
    assert!(!succeeds && summed(machine.path()).is_empty());
}

#[test]
fn what_nobody_has_built_for_is_refused_before_any_build() {
    let machine = machine("Darwin", &["aarch64-apple-darwin"]);
    for name in ["linux-arm64-musl", "nonsense"] {
        let told = vec![format!("dist.sh: nobody has tried to build for {name}")];
        assert_eq!(dist(machine.path(), false, &["darwin-arm64", name]), (false, told));
        assert!(!machine.path().join("dist").exists());
    }
}
