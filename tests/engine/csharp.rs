//! The example in C#: its SDK is not to be had here, so the names that it uses are held against the schema.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::tools::read;

/// The lowest release of .NET that Pulumi tries its SDK on.
pub(crate) const LOWEST_DOTNET: u32 = 8;

#[test]
fn names_are_those_of_the_schema() {
    let program = read("examples/csharp/Program.cs");
    let schema: Value = serde_json::from_str(&read("schema.json")).expect("a schema in JSON");
    let function = &schema["functions"]["aws:ecr/getCredentials:getCredentials"];

    let arguments = names_after(&program, &["new() { "]);
    assert_eq!(arguments, BTreeSet::from(["registryId".to_owned()]), "the arguments in Program.cs");
    assert!(arguments.is_subset(&properties(&function["inputs"])));

    let results = names_after(&program, &["result.", "login."]);
    assert!(results.len() > 3, "the results in Program.cs: {results:?}");
    assert!(results.is_subset(&properties(&function["outputs"])), "the results in Program.cs: {results:?}");
    assert!(program.contains("Ecr.GetCredentials.Invoke(") && program.contains("Ecr.GetCredentials.InvokeAsync("));
}

/// A build for the SDK's lowest release starts on whichever .NET is installed, and takes the SDKs that README.md names.
#[test]
fn the_project_runs_on_the_lowest_release_and_all_newer_ones() {
    let (project, readme) = (read("examples/csharp/registry-login.csproj"), read("README.md"));
    let setting = |name: &str| {
        let lines: Vec<_> = project.lines().map(str::trim).filter(|line| line.starts_with(name)).collect();
        lines.join("\n")
    };
    assert_eq!(setting("<RollForward"), "<RollForward>Major</RollForward>");
    assert_eq!(setting("<TargetFramework"), format!("<TargetFramework>net{LOWEST_DOTNET}.0</TargetFramework>"));
    let references: Vec<_> = project.lines().filter(|line| line.contains("PackageReference")).collect();
    assert_eq!(references.len(), 2, "{project}");
    for (package, major) in [("Pulumi", 3), ("Pulumi.Aws", 7)] {
        let reference = format!(r#"Include="{package}" Version="{major}.*""#);
        assert!(references.iter().any(|line| line.contains(&reference)), "{project}");
        assert!(readme.contains(&format!("`{package}` {major}")), "{package}");
    }
}

#[test]
fn the_documents_show_the_version_of_an_invoke() {
    let version = env!("CARGO_PKG_VERSION");
    for (document, options) in [
        ("README.md", "InvokeOutputOptions"),
        ("docs/routing.md", "InvokeOptions"),
        ("docs/routing.md", "InvokeOutputOptions"),
    ] {
        let text = read(document);
        let snippets = text.split("```csharp\n").skip(1).filter_map(|rest| rest.split("```").next());
        let code = snippets.flat_map(str::lines).filter_map(|line| line.split("//").next()).collect::<Vec<_>>();
        let shown = format!(r#"new {options} {{ Version = "{version}" }}"#);
        assert!(code.iter().any(|line| line.contains(&shown)), "{document} has no {shown}");
    }
}

/// The C# identifiers right behind one of the markers, spelled as the schema does.
fn names_after(program: &str, markers: &[&str]) -> BTreeSet<String> {
    let behind = markers.iter().flat_map(|marker| program.split(*marker).skip(1));
    behind
        .map(|text| {
            let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
            let (first, rest) = name.split_at(1);
            first.to_lowercase() + rest
        })
        .collect()
}

fn properties(object: &Value) -> BTreeSet<String> {
    object["properties"].as_object().expect("properties").keys().cloned().collect()
}
