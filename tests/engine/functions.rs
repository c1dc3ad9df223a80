//! Every function through the engine, in programs of four languages with the official SDKs unchanged.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::{Value, json};
use support::ecr::{OWN_REGISTRY, password};

use crate::moto::Moto;
use crate::program::{Needs, Program};
use crate::stack::{REGION, Stack};
use crate::stand_in::StandIn;
use crate::tools;

const TYPESCRIPT: Program =
    Program::of_test("functions, typescript", "tests/engine/programs/functions", Needs::NodeModules);
const YAML: Program = Program::of_test("functions, yaml", "tests/engine/programs/functions-yaml", Needs::Nothing);
const PYTHON: Program = Program::of_test("functions, python", "tests/engine/programs/functions-python", Needs::Nothing);
const GO: Program = Program::of_test("functions, go", "tests/engine/programs/functions-go", Needs::GoCaches("go"));

const V6: Program = Program::of_test(
    "functions, javascript, SDK v6",
    "tests/engine/programs/functions-v6",
    Needs::OldNodeModules("@pulumi/aws-v6"),
);
const VALUES: Program =
    Program::of_test("functions, values", "tests/engine/programs/functions-values", Needs::NodeModules);
const IMAGE_BUILD: Program = Program::of_test("image build", "examples/image-build", Needs::NodeModules);

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const URI: &str = "444455556666.dkr.ecr.eu-central-1.amazonaws.com/team/app";
const ARN: &str = "arn:aws:ecr:eu-central-1:444455556666:repository/team/app";

fn registry() -> StandIn {
    let ecr = StandIn::start();
    ecr.hold(
        "repositories",
        json!({"repositoryName": "team/app", "repositoryArn": ARN, "repositoryUri": URI,
            "imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": true},
            "encryptionConfiguration": {"encryptionType": "AES256"}}),
    );
    ecr.hold("tags", json!({"resourceArn": ARN, "tags": [{"Key": "Usage", "Value": "original"}]}));
    let image = json!({"repositoryName": "team/app", "imageDigest": DIGEST, "imageTags": ["v1"],
        "imageSizeInBytes": 1000, "imagePushedAt": 1_700_000_000.5});
    ecr.hold("images", image.clone());
    ecr.hold(
        "templates",
        json!({"prefix": "ROOT", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
            "encryptionConfiguration": {"encryptionType": "AES256"}, "imageTagMutability": "IMMUTABLE",
            "repositoryPolicy": "{ \"Statement\": [] }", "resourceTags": [{"Key": "Foo", "Value": "Bar"}]}),
    );
    ecr.hold("rules", json!({"ecrRepositoryPrefix": "docker-hub", "upstreamRegistryUrl": "registry-1.docker.io"}));
    ecr.hold("publicRepositories", json!({"repositoryName": "tool"}));
    let mut image = image;
    image["repositoryName"] = "tool".into();
    image["imageManifestMediaType"] = "m".into();
    image["artifactMediaType"] = "a".into();
    ecr.hold("publicImages", image);
    ecr
}

const DOCUMENT: &str = r#"{
  "rules": [
    {
      "rulePriority": 1,
      "description": "\u003cold\u003e",
      "selection": {
        "tagStatus": "tagged",
        "tagPrefixList": [
          "v"
        ],
        "countType": "imageCountMoreThan",
        "countNumber": 3
      },
      "action": {
        "type": "expire"
      }
    }
  ]
}"#;

/// The results of all functions but those that return tokens.
fn look_ups() -> Value {
    let rule = json!({"priority": 1, "description": "<old>", "selection": {"tagStatus": "tagged",
        "tagPrefixLists": ["v"], "countType": "imageCountMoreThan", "countNumber": 3}});
    json!({
        "document": {"json": DOCUMENT, "rules": [rule]},
        "image": {"id": DIGEST, "imageDigest": DIGEST, "imagePushedAt": 1_700_000_000, "imageSizeInBytes": 1000,
            "imageTags": ["v1"], "imageUri": format!("{URI}@{DIGEST}"), "mostRecent": true, "region": REGION,
            "registryId": OWN_REGISTRY, "repositoryName": "team/app"},
        "images": {"imageIds": [{"imageDigest": DIGEST, "imageTag": "v1"}], "region": REGION,
            "repositoryName": "team/app"},
        "publicImages": {"imageIds": [{"imageTag": "v1"}], "images": [{"artifactMediaType": "a",
            "imageDigest": DIGEST, "imageManifestMediaType": "m", "imagePushedAt": "2023-11-14T22:13:20Z",
            "imageSizeInBytes": 1000, "imageTags": ["v1"], "registryId": OWN_REGISTRY, "repositoryName": "tool"}],
            "region": REGION, "repositoryName": "tool"},
        "repositories": {"id": REGION, "names": ["team/app"], "region": REGION},
        "repository": {"arn": ARN, "encryptionConfigurations": [{"encryptionType": "AES256", "kmsKey": ""}],
            "id": "team/app", "imageScanningConfigurations": [{"scanOnPush": true}], "imageTagMutability": "MUTABLE",
            "imageTagMutabilityExclusionFilters": [], "mostRecentImageTags": ["v1"], "name": "team/app",
            "region": REGION, "registryId": OWN_REGISTRY, "repositoryUrl": URI, "tags": {"Usage": "original"}},
        "rule": {"credentialArn": "", "customRoleArn": "", "ecrRepositoryPrefix": "docker-hub", "id": "docker-hub",
            "region": REGION, "registryId": OWN_REGISTRY, "upstreamRegistryUrl": "registry-1.docker.io",
            "upstreamRepositoryPrefix": ""},
        "template": {"appliedFors": ["REPLICATION", "PULL_THROUGH_CACHE"], "customRoleArn": "", "description": "",
            "encryptionConfigurations": [{"encryptionType": "AES256", "kmsKey": ""}], "id": "ROOT",
            "imageTagMutability": "IMMUTABLE", "imageTagMutabilityExclusionFilters": [], "lifecyclePolicy": "",
            "prefix": "ROOT", "region": REGION, "registryId": OWN_REGISTRY,
            "repositoryPolicy": "{\"Statement\":[]}", "resourceTags": {"Foo": "Bar"}},
    })
}

/// Checks what a program made of all functions, whose results bear the names of [`look_ups`].
#[track_caller]
fn assert_all(seen: &Value) {
    assert_look_ups(seen, look_ups().as_object().expect("results by name").keys().map(String::as_str));
    assert_tokens(seen);
}

#[track_caller]
fn assert_look_ups<'a>(seen: &Value, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        assert_eq!(seen[name], look_ups()[name], "{name}");
    }
}

#[track_caller]
fn assert_tokens(seen: &Value) {
    let endpoint = format!("https://{OWN_REGISTRY}.dkr.ecr.{REGION}.amazonaws.com");
    for (name, id) in [("authorizationToken", REGION), ("credentials", OWN_REGISTRY)] {
        assert_eq!((&seen[name]["proxyEndpoint"], &seen[name]["id"]), (&json!(endpoint), &json!(id)), "{name}");
    }
    for name in ["authorizationToken", "credentials", "publicAuthorizationToken"] {
        assert_eq!(seen[name]["userName"], "AWS", "{name}");
        assert!(seen[name]["password"].as_str().is_some_and(|password| password.starts_with("stand-in-")), "{name}");
    }
    assert_eq!(seen["publicAuthorizationToken"]["id"], REGION);
}

#[test]
fn typescript() {
    let ecr = registry();
    let stack = Stack::new(&TYPESCRIPT, &ecr.endpoint(), "100000000001");
    let compiler = tools::node_modules().join(".bin/tsc");
    stack.driven_by("tsc", &compiler.to_string_lossy(), &["--noEmit", "--project", "."]);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let outputs = stack.outputs();
    assert_all(&outputs["direct"]);
    assert_all(&outputs["output"]);
    assert!(stack.output_state()["secret"]["ciphertext"].is_string(), "the results of a secret are secret");
    let asked: BTreeSet<_> = ecr.requests().into_iter().map(|asked| (asked.service, asked.operation)).collect();
    assert_eq!(asked.len(), 9, "every operation: {asked:?}");
    let tokens = ecr.requests().into_iter().filter(|asked| asked.operation == "GetAuthorizationToken").count();
    // The caller's registry is asked for without its id and by it, at the same time or one behind the other.
    assert!((2..=3).contains(&tokens), "one for each registry, or for each way to name it: {tokens}");
}

/// The operations that moto, an implementation that is not ours, has.
const MOTO_S: [&str; 5] =
    ["DescribeImages", "DescribeRepositories", "GetAuthorizationToken", "ListImages", "ListTagsForResource"];

#[test]
fn yaml_and_typescript_on_moto() {
    let moto = Arc::new(Moto::start());
    let tags = json!([{"Key": "Usage", "Value": "original"}]);
    moto.ask("CreateRepository", REGION, &json!({"repositoryName": "team/app", "tags": tags}));
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    let config = json!({"mediaType": "c", "size": 1, "digest": DIGEST});
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}).to_string();
    let image = json!({"repositoryName": "team/app", "imageManifest": manifest, "imageTag": "v1"});
    moto.ask("PutImage", REGION, &image);
    let expected = moto_s(&moto);
    let ecr = registry();
    // The stand-in's thread may outlive the test, and moto must not.
    let other = Arc::downgrade(&moto);
    ecr.ask_first(move |asked| {
        let has = asked.service == "ecr" && MOTO_S.contains(&asked.operation.as_str());
        Some(other.upgrade().filter(|_| has)?.ask(&asked.operation, &asked.region, &asked.body))
    });
    for program in [&YAML, &TYPESCRIPT] {
        let stack = Stack::new(program, &ecr.endpoint(), "123456789012");
        stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
        let outputs = stack.outputs();
        let forms =
            if outputs["direct"].is_null() { vec![&outputs] } else { vec![&outputs["direct"], &outputs["output"]] };
        for seen in forms {
            for (name, value) in expected.as_object().expect("results by name") {
                assert_eq!(&seen[name], value, "{name}");
            }
        }
    }
}

/// The results of all functions, by what moto tells past the plugin and, where it has no such operation, by [`look_ups`].
fn moto_s(moto: &Moto) -> Value {
    let of = json!({"repositoryName": "team/app"});
    let repository = &moto.ask("DescribeRepositories", REGION, &json!({}))["repositories"][0];
    let image = &moto.ask("DescribeImages", REGION, &of)["imageDetails"][0];
    let (registry, digest) = (&repository["registryId"], &image["imageDigest"]);
    let login = moto.login(REGION, registry.as_str().expect("an id"));
    let uri =
        format!("{}@{}", repository["repositoryUri"].as_str().expect("a URI"), digest.as_str().expect("a digest"));
    let token = json!({"authorizationToken": login.authorization_token, "expiresAt": login.expires_at,
        "password": login.password, "proxyEndpoint": login.proxy_endpoint, "userName": login.user_name});
    let with = |mut results: Value, more: Value| {
        results.as_object_mut().expect("results").extend(more.as_object().expect("more of them").clone());
        results
    };
    let encryption = json!([{"encryptionType": repository["encryptionConfiguration"]["encryptionType"], "kmsKey": ""}]);
    let moto_s = json!({
        "authorizationToken": with(token.clone(), json!({"id": REGION, "region": REGION})),
        "credentials": with(token, json!({"id": registry, "registryId": registry})),
        "image": {"id": digest, "imageDigest": digest,
            "imagePushedAt": image["imagePushedAt"].as_f64().expect("a time").floor() as i64,
            "imageSizeInBytes": image["imageSizeInBytes"], "imageTags": image["imageTags"], "imageUri": uri,
            "mostRecent": true, "region": REGION, "registryId": registry, "repositoryName": "team/app"},
        "images": {"imageIds": moto.ask("ListImages", REGION, &of)["imageIds"], "region": REGION,
            "repositoryName": "team/app"},
        "repository": {"arn": repository["repositoryArn"], "encryptionConfigurations": encryption, "id": "team/app",
            "imageScanningConfigurations": [repository["imageScanningConfiguration"]],
            "imageTagMutability": repository["imageTagMutability"], "imageTagMutabilityExclusionFilters": [],
            "mostRecentImageTags": image["imageTags"], "name": "team/app", "region": REGION, "registryId": registry,
            "repositoryUrl": repository["repositoryUri"], "tags": {"Usage": "original"}},
    });
    with(look_ups(), moto_s)
}

/// What version 6 of the SDK does not have are the functions that list images.
#[test]
fn javascript_v6() {
    let ecr = registry();
    let stack = Stack::new(&V6, &ecr.endpoint(), "100000000001");
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let outputs = stack.outputs();
    assert_look_ups(&outputs, ["document", "image", "repositories", "repository", "rule", "template"]);
    assert_tokens(&outputs);
}

#[test]
fn what_is_not_known_yet_makes_no_call_and_secrets_make_secrets() {
    let ecr = registry();
    let stack = Stack::new(&VALUES, &ecr.endpoint(), "100000000001");
    stack.succeeds("preview", &["preview"]);
    assert_eq!(ecr.requests().len(), 10, "those of the secrets alone: {:?}", ecr.requests());
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let (outputs, state) = (stack.outputs(), stack.output_state());
    let names = ["document", "image", "images", "publicImages", "repository", "rule", "template"];
    for name in names {
        for start in ["secret", "unknown"] {
            assert_eq!(outputs[format!("{start}.{name}")], look_ups()[name], "{start} {name}");
        }
    }
    for name in names.into_iter().chain(["authorizationToken"]) {
        assert!(state[format!("secret.{name}")]["ciphertext"].is_string(), "{name} is not secret: {state}");
        assert_eq!(outputs[format!("unknown.{name}")]["id"], outputs[format!("secret.{name}")]["id"], "{name}");
    }
    stack.succeeds("destroy", &["destroy", "--yes", "--skip-preview"]);
}

/// Docker is a script here, which writes down what it is asked for.
#[test]
fn an_image_build_gets_the_repository_and_the_credentials() {
    const DOCKER: &str =
        "#!/bin/sh\nshift 2\necho \"$*\" >>\"$DOCKER_LOG\"\n[ \"$1\" != login ] || cat >>\"$DOCKER_LOG\"\n";
    let ecr = registry();
    let stack = Stack::new(&IMAGE_BUILD, &ecr.endpoint(), "100000000001");
    stack.configure(&["--plaintext=repository=team/app"]);
    let (folder, log) = (stack.scratch("docker"), stack.scratch("docker.log"));
    fs::create_dir(&folder).expect("a folder for the script");
    fs::write(folder.join("docker"), DOCKER).expect("the script is written");
    fs::set_permissions(folder.join("docker"), fs::Permissions::from_mode(0o700)).expect("the script can be run");
    let stack = stack.with_first_on_path(&folder).with("DOCKER_LOG", log.to_string_lossy().into_owned());
    stack.succeeds("preview", &["preview"]);
    assert!(!log.exists(), "a preview builds nothing");
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    assert_eq!(stack.outputs(), json!({"pushed": format!("{URI}:v1")}));
    let address = format!("https://{OWN_REGISTRY}.dkr.ecr.{REGION}.amazonaws.com");
    let secret = password(OWN_REGISTRY, 2);
    let expected =
        format!("login --username AWS --password-stdin {address}\n{secret}build --tag {URI}:v1 .\npush {URI}:v1\n");
    assert_eq!(fs::read_to_string(log).expect("Docker's log"), expected);
    assert!(!stack.state().contains(&secret), "the password is in the state");
    stack.succeeds("destroy", &["destroy", "--yes", "--skip-preview"]);
}

#[test]
fn yaml() {
    let ecr = registry();
    let stack = Stack::new(&YAML, &ecr.endpoint(), "100000000001");
    stack.succeeds("preview", &["preview"]);
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    assert_all(&stack.outputs());
}

#[test]
fn python() {
    typed(&PYTHON);
}

#[test]
fn go() {
    typed(&GO);
}

/// Brings up a program that hands on fields of the SDK's types.
#[track_caller]
fn typed(program: &'static Program) {
    let ecr = registry();
    let stack = Stack::new(program, &ecr.endpoint(), "100000000001");
    stack.succeeds("up", &["up", "--yes", "--skip-preview"]);
    let expected = json!({
        "credentials": "AWS",
        "document": DOCUMENT,
        "image": [format!("{URI}@{DIGEST}"), ["v1"], 1_700_000_000, 1000],
        "images": [[DIGEST, "v1"]],
        "names": ["team/app"],
        "publicImages": [["2023-11-14T22:13:20Z", ["v1"]]],
        "repository": [ARN, {"Usage": "original"}, true],
        "rule": ["docker-hub", "registry-1.docker.io"],
        "secret": ARN,
        "template": [["REPLICATION", "PULL_THROUGH_CACHE"], "AES256"],
        "tokens": ["AWS", "AWS"],
    });
    assert_eq!(stack.outputs(), expected);
    assert!(stack.output_state()["secret"]["ciphertext"].is_string(), "the results of a secret are secret");
}
