//! What CONTRIBUTING.md tells to run and to open is there.

use std::{collections::BTreeSet, fs, path::Path};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn its_targets_are_those_of_make() {
    let makefiles =
        read("Makefile") + &read("benches/bench.mk") + &read("fuzz/fuzz.mk") + &read("platforms/platforms.mk");
    let rules: BTreeSet<_> = makefiles.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    let page = read("CONTRIBUTING.md");
    let is_name = |text: &&char| text.is_ascii_lowercase() || **text == '-';
    let named = page.split("make ").skip(1).map(|text| text.chars().take_while(|c| is_name(&c)).collect::<String>());
    let named: BTreeSet<_> = named.collect();
    assert!(named.len() > 5, "{named:?}");
    for target in named {
        assert!(rules.contains(target.as_str()), "make has no target {target}");
    }
}

#[test]
fn its_paths_are_there() {
    let page = read("CONTRIBUTING.md");
    let paths = page.split('`').skip(1).step_by(2).filter(|text| text.contains('/') && !text.contains(' '));
    let paths: Vec<_> = paths.filter(|path| !path.starts_with("testdata") && !path.contains("artifacts")).collect();
    assert!(paths.len() > 5, "{paths:?}");
    for path in paths {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "there is no {path}");
    }
}

/// Tests that only Linux can run are left out elsewhere by their names, or those of their files.
#[test]
fn what_takes_linux_is_there() {
    let names = read("tests/plugin/of_linux.txt");
    assert!(names.lines().count() > 10, "{names}");
    for name in names.lines() {
        let (theme, test) = name.rsplit_once("::").expect("a test of a theme");
        let path = format!("tests/plugin/{}", theme.replace("::", "/"));
        let file = [format!("{path}.rs"), format!("{path}/mod.rs")]
            .into_iter()
            .find(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists());
        let file = file.unwrap_or_else(|| panic!("there is no theme {theme}"));
        assert!(test.is_empty() || read(&file).contains(&format!("fn {test}(")), "there is no {name}");
    }
}
