//! The documents: links lead somewhere, and figures are those that were measured.

use std::{fs, path::Path};

/// Every page of the repository, by its path.
fn documents() -> impl Iterator<Item = String> {
    ["", "docs/", "benches/", "examples/"].into_iter().flat_map(|folder| {
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".md")).map(move |name| format!("{folder}{name}"))
    })
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

#[test]
fn links_lead_to_files_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut followed = 0;
    for document in documents() {
        let text = read(&document);
        for link in links(&text).filter(|link| !link.contains("://")) {
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let path =
                if file.is_empty() { root.join(&document) } else { root.join(&document).parent().unwrap().join(file) };
            assert!(path.exists(), "{document}: {link}");
            let headings = fs::read_to_string(&path).unwrap_or_default().to_lowercase().replace('\'', "");
            let heading = format!("# {}", section.replace('-', " "));
            assert!(section.is_empty() || headings.contains(&heading), "{document}: {link}");
            followed += 1;
        }
    }
    assert!(followed >= 10, "links were found: {followed}");
}

/// The stops of what docs/design.md follows through the code are where it says, under the names that it gives.
#[test]
fn the_stops_of_the_design_are_there() {
    let text = read("docs/design.md");
    let stops = text.lines().filter_map(|line| line.split_once(". `src/")).filter_map(|(_, stop)| {
        let (file, stop) = stop.split_once("`, `")?;
        Some((file, stop.split_once('`')?.0))
    });
    let stops: Vec<_> = stops.collect();
    assert!(stops.len() > 10, "{stops:?}");
    for (file, function) in stops {
        let code = read(&format!("src/{file}"));
        let is_there = ["(", "<"].iter().any(|end| code.contains(&format!("fn {function}{end}")));
        assert!(is_there, "src/{file} has no function {function}");
    }
}

/// Whoever has resources of `aws` reads it before the drop-in is installed.
#[test]
fn which_package_to_take_comes_before_any_other_table_and_command_to_install() {
    for (document, above) in [("README.md", "## Install it"), ("docs/routing.md", "## Make the plugin known")] {
        let text = read(document);
        let (beginning, _) = text.split_once(above).expect(above);
        let rows: Vec<_> = beginning.lines().filter_map(cells).collect();
        let [head, only, beside, unchanged] = &rows[..] else { panic!("{document}: {rows:?}") };
        assert_eq!(head[..], ["your program", "take"], "{document}");
        for (row, start, taken) in [
            (only, "uses nothing of `aws` but", "the drop-in"),
            (beside, "has resources of `aws`, too", "[`aws-ecr`]"),
            (unchanged, "has resources of `aws` and must not change", "transform"),
        ] {
            assert!(row[0].starts_with(start) && row[1].contains(taken), "{document}: {row:?}");
        }
        assert!(!beginning.contains("plugin install"), "{document}");
    }
}

#[test]
fn the_first_advice_is_to_run_doctor() {
    let text = read("docs/troubleshooting.md");
    let command = text.split_once("```sh\n").and_then(|(_, rest)| rest.lines().next()).expect("a command");
    assert!(command.starts_with("pulumi-resource-aws doctor "), "{command}");
    let place = text.find(command);
    assert!(place < text.find("|") && place < text.find("## "), "something else comes first");
}

#[test]
fn paths_in_the_documents_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for document in documents() {
        let text = read(&document);
        let quoted = text.split('`').filter(|text| text.ends_with(".rs") && text.contains('/') && !text.contains(' '));
        for path in quoted {
            assert!(root.join(path).exists(), "{document}: there is no {path}");
            found += 1;
        }
    }
    assert!(found > 20, "paths were found: {found}");
}

/// The tokens of the functions, which another test compares with the schema.
fn served() -> Vec<&'static str> {
    pulumi_resource_aws::functions::FUNCTIONS.iter().map(|function| function.token).collect()
}

/// One table says what each function does, one where it was read.
#[test]
fn every_function_is_listed() {
    let text = read("docs/functions.md");
    let rows: Vec<_> = text.lines().filter_map(cells).collect();
    let listed: Vec<_> = rows.iter().filter_map(|row| row[0].strip_prefix('`')?.strip_suffix('`')).collect();
    assert_eq!(listed, [served(), served()].concat());
}

/// Each is alone in its file, and costs 60 lines at the most, in the median.
#[test]
fn every_function_has_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/functions");
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let texts = names.filter(|name| name.contains("_get_")).map(|name| read(&format!("src/functions/{name}")));
    let texts: Vec<_> = texts.collect();
    for token in served() {
        let named = texts.iter().filter(|text| text.contains(&format!("\"{token}\""))).count();
        assert_eq!(named, 1, "files of {token}");
    }
    assert_eq!(texts.len(), served().len());
    let mut lines: Vec<_> = texts.iter().map(|text| text.lines().count()).collect();
    lines.sort_unstable();
    assert!(lines[lines.len() / 2] <= 60, "{lines:?}");
}

#[test]
fn every_function_is_routed() {
    let text = read("docs/routing.md");
    let (_, list) = text.split_once("\n```json\n").expect("the list of tokens");
    let (list, _) = list.split_once("\n```").expect("its end");
    let routed: Vec<_> = list.lines().map(|line| line.trim_matches(['"', ','])).collect();
    assert_eq!(routed, served());
}

/// The cells of a row of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    Some(line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect())
}

#[test]
fn the_readme_quotes_ratios_that_were_measured() {
    let results = read("benches/RESULTS.md");
    let measured: Vec<_> = results.lines().filter_map(cells).filter(|row| row.len() > 4).collect();
    let readme = read("README.md");
    let section = readme.split_once("## What it costs").expect("the section").1;
    let quoted: Vec<_> = section.lines().filter_map(cells).skip(1).collect();
    assert!(quoted.len() >= 5, "the table was found: {quoted:?}");
    for row in quoted {
        let [what, against, ratio] = row[..] else { panic!("three cells: {row:?}") };
        let is_measured = measured
            .iter()
            .any(|row| row[0] == what && row[2] == against && row[4].starts_with(&format!("**{ratio}**")));
        assert!(is_measured, "benches/RESULTS.md has no row {what}, {against} with {ratio}");
    }
}
