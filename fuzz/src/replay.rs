//! The corpora and variants of them, on each run of the tests.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{Plugin, TARGETS, shared_files::SharedFiles};

/// The bytes of a long file.
const LENGTH: usize = 1 << 20;

/// How many variants of each file are tried, the same ones each time.
const VARIANTS: u64 = 24;

#[test]
fn no_file_of_the_corpora_and_no_variant_of_one_breaks_anything() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    assert_eq!(fs::read_dir(&corpora).unwrap().count(), TARGETS.len(), "a corpus a target");
    let plugin = Plugin::start();
    for (name, run) in TARGETS {
        let files = fs::read_dir(corpora.join(name)).unwrap().map(|file| file.unwrap().path());
        let files: Vec<_> = files.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        assert!(files.len() >= 5, "{name} has a corpus of {} files", files.len());
        for (path, input) in &files {
            eprintln!("{}", path.display());
            run(&plugin, input);
            for seed in 0..VARIANTS {
                let (_, other) = &files[seed as usize % files.len()];
                run(&plugin, &variant(input, other, seed));
            }
        }
    }
}

/// How long a shared file takes at most: minutes where each of its lines costs as much as all before it.
const LONGEST: Duration = Duration::from_secs(10);

#[test]
fn long_shared_files_take_no_long_time() {
    for line in [" y\n", "a=b\n", "[profile 0]\n", "0=\n", "s3=\n x=y\n"] {
        let file = ["[default]\nregion=eu-west-1\n", &line.repeat(LENGTH / line.len())].concat().into_bytes();
        let began = Instant::now();
        let files = SharedFiles::new(&[file], &[]);
        assert!(files.section("default").is_some(), "{line:?}");
        assert!(began.elapsed() < LONGEST, "{line:?}: {:?}", began.elapsed());
    }
}

/// An input with some of its bytes changed, left out, doubled, or taken from another one.
fn variant(input: &[u8], other: &[u8], seed: u64) -> Vec<u8> {
    const ODD: &[u8] = b"\0\n\r\t \"'{}[]:=#;-0919\x7f\x80\xff";
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = input.to_vec();
    for _ in 0..random.usize(1..8) {
        let from = random.usize(..=bytes.len());
        let to = random.usize(from..=bytes.len().min(from + 16));
        let part = match random.u8(..4) {
            0 => Vec::new(),
            1 => vec![ODD[random.usize(..ODD.len())]],
            2 => bytes[from..to].repeat(2),
            _ => other.iter().skip(from).take(16).copied().collect(),
        };
        bytes.splice(from..to, part);
    }
    bytes
}
