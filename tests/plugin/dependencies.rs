//! docs/dependencies.md names the crates of Cargo.toml, and what each brings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// What each crate of the executable needs, by names with versions, and the first of them, which is this one.
struct Tree {
    root: String,
    needs: BTreeMap<String, BTreeSet<String>>,
}

impl Tree {
    fn of_executable(target: &str) -> Self {
        let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "depth", "--format", " {p}"];
        let mut cargo = Command::new(env!("CARGO"));
        let cargo = cargo.args(tree).args(["--target", target]);
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut needs = BTreeMap::<_, BTreeSet<_>>::new();
        let mut above: Vec<String> = Vec::new();
        for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()) {
            let (depth, package) = line.split_once(' ').expect("a depth and a package");
            let name = package.split(' ').take(2).collect::<Vec<_>>().join(" ");
            above.truncate(depth.parse().expect("a number"));
            if let Some(parent) = above.last() {
                needs.entry(parent.clone()).or_default().insert(name.clone());
            }
            above.push(name);
        }
        Self { root: above.swap_remove(0), needs }
    }

    /// The number of crates that are built, without what only the direct dependency `left_out` needs.
    fn crates_without(&self, left_out: &str) -> usize {
        let (mut met, mut next) = (BTreeSet::new(), vec![&self.root]);
        while let Some(name) = next.pop() {
            if met.insert(name) {
                let needs = self.needs.get(name).into_iter().flatten();
                next.extend(needs.filter(|need| *name != self.root || *need != left_out));
            }
        }
        met.len()
    }

    /// The direct dependencies on Linux, and those that only Windows has.
    fn all_costs() -> BTreeMap<String, usize> {
        let mut costs = Self::of_executable("x86_64-pc-windows-gnu").costs();
        costs.extend(Self::of_executable("x86_64-unknown-linux-gnu").costs());
        costs
    }

    /// The direct dependencies, each with the number of crates that only it brings.
    fn costs(&self) -> BTreeMap<String, usize> {
        let all = self.crates_without("");
        let direct = self.needs[&self.root].iter();
        let cost = |need: &String| (need.split(' ').next().unwrap().to_owned(), all - self.crates_without(need));
        direct.map(cost).collect()
    }
}

#[test]
fn each_has_its_row_and_its_cost() {
    let page = read("docs/dependencies.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let listed: BTreeMap<_, _> = rows
        .map(|(name, rest)| {
            let (purpose, cost) = rest.rsplit_once(" | ").expect("three cells");
            assert!(!purpose.is_empty(), "{name}");
            (name.to_owned(), cost.parse().expect("a number"))
        })
        .collect();
    assert_eq!(listed, Tree::all_costs());
}

#[test]
fn each_row_is_of_cargo_toml() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let of_systems = manifest["target"].as_table().unwrap().values().map(|system| &system["dependencies"]);
    let tables = of_systems.chain([&manifest["dependencies"]]);
    let named: BTreeSet<_> = tables.flat_map(|table| table.as_table().unwrap().keys().cloned()).collect();
    assert_eq!(named, Tree::all_costs().into_keys().collect());
}
