//! Which functions a start runs, as a linker script that lays them side by side.

use std::{collections::BTreeSet, fs, path::Path};

use pulumi_resource_aws::proto::pulumirpc::GetSchemaRequest;
use support::engine::Engine;
use tokio::process::Command;

use crate::contenders;

const HEAD: &str = "\
/* Lays the functions that run until the plugin waits for its first Invoke side by side: fewer pages of the file are
   read and stay in memory. Written by `make start-order`; where a name is not found any more, the function lies with
   the others. A name ends before its hash, which differs from build to build. */
SECTIONS
{
  .text.start :
  {
";

const TAIL: &str = "  }\n}\nINSERT BEFORE .text;\n";

/// The linker script for `executable`, a plugin with symbols. Valgrind tells what runs while the calls are made that
/// the engine makes before the first Invoke.
pub(crate) async fn record(executable: &Path) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let profile = folder.path().join("profile");
    let engine = Engine::start().await.expect("a free port");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind", "--demangle=no", "--compress-strings=no"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(executable)
        .arg(engine.address());
    let valgrind = contenders::isolated(valgrind, None);
    let mut plugin = contenders::configured(valgrind, &engine, "http://127.0.0.1:9").await;
    engine.wait_for_more_checks(0).await;
    plugin.client.get_schema(GetSchemaRequest::default()).await.expect("a schema");
    plugin.signal("TERM").await;
    plugin.wait().await;
    let profile = fs::read_to_string(profile).expect("valgrind wrote what ran");
    let patterns: BTreeSet<_> = functions(&profile, executable).map(pattern).collect();
    assert!(!patterns.is_empty(), "{} has no symbols", executable.display());
    let lines: String = patterns.iter().map(|pattern| format!("    *(.text.{pattern})\n")).collect();
    HEAD.to_owned() + &lines + TAIL
}

/// The symbols of the functions in Rust of `executable`, from a profile in the callgrind format: an `fn=` belongs to the
/// last `ob=`.
fn functions<'a>(profile: &'a str, executable: &Path) -> impl Iterator<Item = &'a str> {
    let mut is_ours = false;
    profile.lines().filter_map(move |line| {
        if let Some(object) = line.strip_prefix("ob=") {
            is_ours = Path::new(object) == executable;
        }
        line.strip_prefix("fn=").filter(|symbol| is_ours && symbol.starts_with('_'))
    })
}

/// How much of a symbol is enough to tell it from most others; those of generic code have thousands of characters.
const ENOUGH: usize = 160;

/// A pattern for a symbol: without the hash of a build, and without the marks by which the compiler tells twins and
/// valgrind recursions apart.
fn pattern(symbol: &str) -> String {
    const HASH: &str = "17h";
    let end = symbol.rfind(HASH).map(|hash| hash + HASH.len()).or_else(|| symbol.find(['.', '\'']));
    let end = end.unwrap_or(symbol.len()).min(ENOUGH);
    format!("{}*", symbol.get(..end).unwrap_or(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_those_of_the_executable() {
        let profile = "ob=/plugin\nfn=_ZN1a17h0E\nfn=main\nob=/lib/libc.so.6\nfn=_dl_start\nob=/plugin\nfn=_RNv1b";
        assert_eq!(functions(profile, Path::new("/plugin")).collect::<Vec<_>>(), ["_ZN1a17h0E", "_RNv1b"]);
    }

    #[test]
    fn a_pattern_ends_before_what_differs_from_build_to_build() {
        for (symbol, expected) in [
            ("_ZN4main3run17h0123456789abcdefE", "_ZN4main3run17h*"),
            ("_ZN4main3run17h0123456789abcdefE.llvm.42", "_ZN4main3run17h*"),
            ("_RNvCs1_4main3run.llvm.42", "_RNvCs1_4main3run*"),
            ("_RNvCs1_4main3run'2", "_RNvCs1_4main3run*"),
        ] {
            assert_eq!(pattern(symbol), expected);
        }
        assert_eq!(pattern(&"_R".repeat(ENOUGH)).len(), ENOUGH + 1);
    }
}
