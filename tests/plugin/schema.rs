//! `schema.json` against the code that it describes.

use std::collections::BTreeSet;

use pulumi_resource_aws::{
    VERSION,
    functions::FUNCTIONS,
    packages::{AWS, AWS_ECR},
    plugin::Schema,
};
use serde_json::Value as Json;

fn schema() -> Json {
    serde_json::from_str(include_str!("../../schema.json")).unwrap()
}

#[test]
fn the_version_is_the_crates() {
    assert_eq!(schema()["version"], VERSION);
}

#[test]
fn every_function_of_the_table_is_in_the_schema_and_the_reverse() {
    for package in [&AWS, &AWS_ECR] {
        let schema = Schema::of(package).unwrap();
        let described: BTreeSet<_> = schema.tokens().map(str::to_owned).collect();
        let served = FUNCTIONS.iter().map(|function| (package.token)(function.token).into_owned());
        assert_eq!(described, served.collect(), "{}", package.name);
        assert_eq!(described.len(), FUNCTIONS.len(), "{}", package.name);
    }
}

#[test]
fn the_provider_takes_what_the_stack_configuration_has() {
    let schema = schema();
    assert_eq!(schema["config"]["variables"], schema["provider"]["inputProperties"]);
}

#[test]
fn secrets_are_declared() {
    let schema = schema();
    let secret = |properties: &Json| -> BTreeSet<String> {
        let properties = properties.as_object().unwrap().iter();
        properties.filter(|(_, property)| property["secret"] == true).map(|(name, _)| name.clone()).collect()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(secret(&schema["config"]["variables"]), names(&["accessKey", "secretKey", "token"]));
    for (token, function) in schema["functions"].as_object().unwrap() {
        let expected: &[_] = match token.contains("getCredentials") || token.contains("getAuthorizationToken") {
            true => &["authorizationToken", "password"],
            false => &[],
        };
        assert_eq!(secret(&function["outputs"]["properties"]), names(expected), "{token}");
    }
}
