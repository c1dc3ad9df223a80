//! What `make tools-engine` builds: the engine, the language hosts and the SDKs.

use std::path::{Path, PathBuf};

/// The engine that runs the programs, unless a test names another.
pub(crate) const ENGINE: &str = "3.259.0";

/// The folder of the `pulumi` command of that version, its language hosts beside it.
pub(crate) fn engine(version: &str) -> PathBuf {
    built(&format!("pulumi-{version}"), "pulumi")
}

/// The folder of `python3` and `moto_server`, with pulumi and pulumi-aws installed.
pub(crate) fn python() -> PathBuf {
    built("python/bin", "moto_server")
}

/// The folder that a Node.js program finds @pulumi/pulumi and @pulumi/aws in.
pub(crate) fn node_modules() -> PathBuf {
    built("node/node_modules", "@pulumi/aws/package.json")
}

/// The folder of the plugin under test.
pub(crate) fn plugin() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_pulumi-resource-aws"));
    binary.parent().expect("a binary stands in a folder").to_owned()
}

/// The repository's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn built(folder: &str, proof: &str) -> PathBuf {
    let folder = repository().join(".tools").join(folder);
    let proof = folder.join(proof);
    assert!(proof.exists(), "{} is missing: run `make tools-engine`", proof.display());
    folder
}
