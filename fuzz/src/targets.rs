//! The targets: what each makes of its bytes, and what must hold then.

use std::{ffi::OsString, fs, os::unix::ffi::OsStringExt};

use prost::Message;
use prost_types::{Struct, value::Kind};
use pulumi_resource_aws::{
    functions::FUNCTIONS,
    plugin::property::{self, Accepts},
};
use serde_json::{Value as Json, json};

use crate::{
    arguments,
    plugin::{self, Plugin},
    shared_files::{SharedFiles, unquoted},
};

/// Gives a target's bytes to what they are for.
pub(crate) type Target = fn(&Plugin, &[u8]);

/// By name, as in the folders of `corpus`.
pub const TARGETS: [(&str, Target); 7] = [
    ("command_line", command_line),
    ("property_values", property_values),
    ("configuration", configuration),
    ("shared_files", shared_files),
    ("cached_token", cached_token),
    ("credentials", credentials),
    ("answers", answers),
];

const CREDENTIALS: &str = "aws:ecr/getCredentials:getCredentials";
const REGISTRY: &str = "123456789012";

/// Words with a NUL behind each but the last.
fn command_line(_: &Plugin, input: &[u8]) {
    let words = input.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
    if let Err(error) = arguments::parse(words) {
        assert!(!error.to_string().is_empty());
    }
}

/// A `google.protobuf.Struct` on the wire, or JSON. What was understood is the same once more.
fn property_values(_: &Plugin, input: &[u8]) {
    let accepts = Accepts { byte_strings: input.len().is_multiple_of(2) };
    let from_json = |json: Json| property::from_json(json, accepts).map(drop);
    let _ = serde_json::from_slice(input).map(from_json);
    let Some(values) = Struct::decode(input).ok().and_then(|values| property::decode(values, accepts).ok()) else {
        return;
    };
    let before = format!("{values:?}");
    let sent = property::encode(values, accepts).expect("what was understood can be told");
    let after = property::decode(sent, accepts).expect("what was told is understood");
    assert_eq!(before, format!("{after:?}"));
}

/// JSON, or a `google.protobuf.Struct` on the wire.
fn configuration(plugin: &Plugin, input: &[u8]) {
    let json = serde_json::from_slice(input).map(plugin::value).map(|value| value.kind);
    let fields = match json {
        Ok(Some(Kind::StructValue(fields))) => Some(fields),
        _ => Struct::decode(input).ok(),
    };
    fields.into_iter().for_each(|fields| plugin.check_and_configure(fields));
}

/// A config and a credentials file, with a NUL between. What is listed is there.
fn shared_files(_: &Plugin, input: &[u8]) {
    let mut files = input.splitn(2, |byte| *byte == 0).map(|file| vec![file.to_vec()]);
    let (config, credentials) = (files.next().unwrap_or_default(), files.next().unwrap_or_default());
    let files = SharedFiles::new(&config, &credentials);
    for name in files.profiles() {
        let profile = files.section(name).expect("a profile that is listed");
        for key in ["region", "credential_process", "services", "s3"] {
            assert_ne!(profile.get(key).map(unquoted).zip(profile.get(key)), Some(("", "")));
            let _ = profile.nested(key, "endpoint_url");
        }
    }
}

/// A file of the folder of shared tokens. Whatever is in it, there is a token.
fn cached_token(plugin: &Plugin, input: &[u8]) {
    let invoke = || plugin.invoke_sharing(CREDENTIALS, json!({"registryId": REGISTRY}), plugin::keys());
    plugin.answer_well();
    let tokens = || fs::read_dir(plugin.path("tokens")).ok()?.find_map(Result::ok);
    let Some(file) = tokens() else {
        assert!(invoke() && tokens().is_some(), "no token is shared");
        return cached_token(plugin, input);
    };
    fs::write(file.path(), input).expect("the file of a token");
    assert!(invoke(), "no token");
}

/// Makes ready what a source needs, and tells the file that is the input; without one it is what the services answer.
type File = fn(&Plugin) -> Option<String>;

/// Where credentials come from, and what is configured then.
const SOURCES: [(&str, &str, File); 9] = [
    ("role", r#"{"assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/r"}]}"#, |_| None),
    (
        "web-identity",
        r#"{"assumeRoleWithWebIdentity": {"roleArn": "arn:aws:iam::111122223333:role/r", "webIdentityToken": "e30.e30.e30"}}"#,
        |_| None,
    ),
    ("container", "{}", |_| None),
    ("instance", r#"{"profile": "instance"}"#, |_| None),
    ("process", r#"{"profile": "process"}"#, |_| Some("process".to_owned())),
    ("login", r#"{"profile": "login"}"#, |_| Some(plugin::file_of_login())),
    ("sso-file", r#"{"profile": "signed-in"}"#, |_| Some(plugin::file_of_sso("signed-in"))),
    ("sso", r#"{"profile": "signed-in"}"#, |plugin| {
        plugin.write(&plugin::file_of_sso("signed-in"), &token_of_sso("2999-01-01T00:00:00Z"));
        None
    }),
    ("sso-renewal", r#"{"profile": "over"}"#, |plugin| {
        plugin.write(&plugin::file_of_sso("over"), &token_of_sso("2020-01-01T00:00:00Z"));
        None
    }),
];

fn token_of_sso(expires_at: &str) -> Vec<u8> {
    let token = json!({
        "accessToken": "sso-access-token",
        "expiresAt": expires_at,
        "refreshToken": "sso-refresh-token",
        "clientId": "client",
        "clientSecret": "client-secret",
        "registrationExpiresAt": "2999-01-01T00:00:00Z",
    });
    token.to_string().into_bytes()
}

/// The name of a source, a line break, and what it says.
fn credentials(plugin: &Plugin, input: &[u8]) {
    let Some(((name, configuration, file), said)) = choose(&SOURCES, |(name, ..)| name, input) else { return };
    let mut configuration = serde_json::from_str(configuration).expect("a configuration");
    if *name == "role" {
        plugin::merge(&mut configuration, plugin::keys());
    }
    match file(plugin) {
        Some(file) => {
            plugin.answer_well();
            plugin.write(&file, said);
        }
        None => plugin.answer(said),
    }
    plugin.invoke(CREDENTIALS, json!({"registryId": REGISTRY}), configuration);
}

/// The name of a function, a line break, and what Amazon ECR answers.
fn answers(plugin: &Plugin, input: &[u8]) {
    let name = |token: &'static str| token.split_once(':').unwrap_or_default().1.split_once('/').unwrap_or_default();
    let names =
        FUNCTIONS.iter().map(|function| (format!("{}.{}", name(function.token).0, last(function.token)), function));
    let names: Vec<_> = names.collect();
    let Some(((_, function), said)) = choose(&names, |(name, _)| name, input) else { return };
    plugin.answer(said);
    plugin.invoke(function.token, arguments_of(last(function.token)), plugin::keys());
}

/// What is asked for.
fn arguments_of(function: &str) -> Json {
    match function {
        "getCredentials" => json!({"registryId": REGISTRY}),
        "getImage" => json!({"repositoryName": "team/app", "mostRecent": true}),
        "getImages" => json!({"repositoryName": "team/app", "registryId": REGISTRY}),
        "getLifecyclePolicyDocument" => json!({"rules": [{"priority": 1, "selections": [
            {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3}]}]}),
        "getPullThroughCacheRule" => json!({"ecrRepositoryPrefix": "quay"}),
        "getRepository" => json!({"name": "team/app"}),
        "getRepositoryCreationTemplate" => json!({"prefix": "ROOT"}),
        _ => json!({}),
    }
}

fn last(token: &str) -> &str {
    token.rsplit(':').next().unwrap_or_default()
}

/// The row that the first line names, or else one that its first byte tells, and what is below that line.
fn choose<'a, 'b, T>(rows: &'a [T], name: impl Fn(&T) -> &str, input: &'b [u8]) -> Option<(&'a T, &'b [u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let named = rows.iter().find(|row| name(row).as_bytes() == &input[..end]);
    let row = named.unwrap_or(&rows[usize::from(input[0]) % rows.len()]);
    Some((row, &input[end + 1..]))
}
