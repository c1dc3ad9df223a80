//! The packages that this executable serves: in place of the official provider, and beside it.

use std::{borrow::Cow, ffi::OsStr, path::Path};

use serde_json::{Value as Json, json};

use crate::plugin::Package;

/// The package of the official provider, whose tokens, configuration and results it takes over.
pub static AWS: Package = Package {
    name: "aws",
    summary: "A Pulumi provider plugin that serves Amazon ECR credentials to programs written with the official aws SDKs.",
    version: crate::VERSION,
    token: as_described,
    schema: None,
    always_secret: false,
    shares_configuration: true,
    others: concat!(
        "Let the official aws provider do the rest: remove this plugin from `plugins: providers:` in Pulumi.yaml and \
         from PATH, and send it only these functions, by the invoke options `version: ",
        env!("CARGO_PKG_VERSION"),
        "` and `pluginDownloadURL` or by an invoke transform"
    ),
};

/// A package of its own, for programs that use the official one for all else.
pub static AWS_ECR: Package = Package {
    name: "aws-ecr",
    summary: "A Pulumi provider plugin that serves Amazon ECR credentials beside the official provider of AWS.",
    version: "0.1.0",
    token: flat,
    schema: Some(beside),
    always_secret: true,
    shares_configuration: false,
    others: "Use another package for the rest, such as the official one of AWS",
};

/// Whose package `aws-ecr` is: the user or the organisation of GitHub that publishes it. A build for Pulumi's registry sets
/// it; without it the schema names no publisher and no place to download from, since a wrong one would be asked.
const OWNER: Option<&str> = match option_env!("PULUMI_AWS_ECR_OWNER") {
    // A workflow's variable that is not set is empty.
    Some(owner) if !owner.is_empty() => Some(owner),
    _ => None,
};

/// Where the Go SDK's module seems to be without an owner: a name that is reserved, so it is nobody's. An SDK that is
/// generated into a program's folder works under any.
const NOBODY_S: &str = "example.com";

/// The package for an executable of this name: `pulumi-resource-aws-ecr` serves [`AWS_ECR`], also with something behind it
/// that is no part of a word, such as `.exe`, `-v0.1.0` or ` (1)`; any other serves [`AWS`].
pub fn by_executable(program: &OsStr) -> &'static Package {
    let name = Path::new(program).file_name().map(OsStr::to_string_lossy).unwrap_or_default().to_ascii_lowercase();
    match name.strip_prefix(&AWS_ECR.executable()) {
        Some(rest) if !rest.starts_with(char::is_alphanumeric) => &AWS_ECR,
        _ => &AWS,
    }
}

/// A token of [`AWS`].
const fn as_described(token: &str) -> Cow<'_, str> {
    Cow::Borrowed(token)
}

/// A token of [`AWS_ECR`], which has a single module: `aws:ecr/getImages:getImages` is `aws-ecr:index:getImages`. What is of
/// Amazon ECR Public says so: `aws:ecrpublic/getImages:getImages` is `aws-ecr:index:getPublicImages`.
fn flat(token: &str) -> Cow<'_, str> {
    let public = token.starts_with("aws:ecrpublic/");
    let name = token.rsplit(':').next().unwrap_or_default();
    let name = match name.strip_prefix("get") {
        Some(rest) if public => format!("getPublic{rest}"),
        _ => name.to_owned(),
    };
    format!("{}:index:{name}", AWS_ECR.name).into()
}

/// Keys of the configuration that are there for programs of the official provider only: of no use to Amazon ECR, or of no
/// effect here.
const OF_OTHERS: [&str; 8] = [
    "defaultTags",
    "s3ForcePathStyle",
    "s3UsEast1RegionalEndpoint",
    "s3UsePathStyle",
    "skipCredentialsValidation",
    "skipGetEc2Platforms",
    "skipRequestingAccountId",
    "tagPolicyCompliance",
];

/// What descriptions say of [`AWS`] alone, and what they say here.
const REWORDED: [(&str, &str); 2] =
    [(" The official provider's function has no such argument.", ""), ("of the aws package", "of the aws-ecr package")];

/// The schema of [`AWS_ECR`].
fn beside(mut schema: Json) -> Json {
    rename(&mut schema);
    for keys in ["/config/variables", "/provider/inputProperties"] {
        if let Some(keys) = schema.pointer_mut(keys).and_then(Json::as_object_mut) {
            keys.retain(|key, described| {
                !OF_OTHERS.contains(&key.as_str()) && described.get("deprecationMessage").is_none()
            });
        }
    }
    let unused = format!("{}:index:ProviderDefaultTags", AWS_ECR.name);
    if let Some(types) = schema.get_mut("types").and_then(Json::as_object_mut) {
        types.retain(|token, _| *token != unused);
    }
    if let (Some(schema), Json::Object(own)) = (schema.as_object_mut(), about(OWNER)) {
        schema.extend(own);
    }
    schema
}

/// Gives functions, types and the references to them their tokens of [`AWS_ECR`], and descriptions its words.
fn rename(json: &mut Json) {
    const TYPES: &str = "#/types/";
    match json {
        Json::Object(object) => {
            for (key, value) in object.iter_mut() {
                match value {
                    Json::String(reference) if key == "$ref" => {
                        if let Some(token) = reference.strip_prefix(TYPES) {
                            *reference = format!("{TYPES}{}", flat(token));
                        }
                    }
                    Json::String(description) if key == "description" => {
                        for (theirs, own) in REWORDED {
                            *description = description.replace(theirs, own);
                        }
                    }
                    Json::Object(named) if key == "functions" || key == "types" => {
                        *named = std::mem::take(named)
                            .into_iter()
                            .map(|(token, value)| (flat(&token).into_owned(), value))
                            .collect();
                        named.values_mut().for_each(rename);
                    }
                    value => rename(value),
                }
            }
        }
        Json::Array(values) => values.iter_mut().for_each(rename),
        _ => {}
    }
}

/// What the schema of [`AWS_ECR`] says of the package as such; of its owner, what `owner` allows.
pub fn about(owner: Option<&str>) -> Json {
    let home = owner.map_or_else(|| NOBODY_S.to_owned(), |owner| format!("github.com/{owner}"));
    let mut about = json!({
        "name": AWS_ECR.name,
        "displayName": "Amazon ECR",
        "version": AWS_ECR.version,
        "description": "Credentials, images and repositories of Amazon ECR, read by a plugin of a few megabytes. Use it beside \
                        the package that manages them.",
        "keywords": ["pulumi", "aws", "ecr", "docker", "category/cloud", "kind/native"],
        "meta": {"moduleFormat": "(.*)", "supportPack": true},
        "language": {
            "csharp": {
                "rootNamespace": "EcrCredentials",
                "namespaces": {"aws-ecr": "AwsEcr"},
                "respectSchemaVersion": true,
            },
            "go": {
                "importBasePath": format!("{home}/pulumi-aws-ecr/sdk/go/awsecr"),
                "rootPackageName": "awsecr",
                "respectSchemaVersion": true,
            },
            "nodejs": {"packageName": "pulumi-aws-ecr", "respectSchemaVersion": true},
            "python": {
                "packageName": "pulumi_aws_ecr",
                "respectSchemaVersion": true,
                "pyproject": {"enabled": true},
            },
        },
    });
    if let (Some(owner), Some(about)) = (owner, about.as_object_mut()) {
        let repository = format!("https://{home}/pulumi-aws-ecr");
        about.insert("publisher".to_owned(), owner.into());
        about.insert("homepage".to_owned(), repository.as_str().into());
        about.insert("logoUrl".to_owned(), format!("https://github.com/{owner}.png").into());
        about.insert("repository".to_owned(), repository.as_str().into());
        // A release has the tarballs of both packages, and the tag of the one.
        let release = format!("{repository}/releases/download/v{}", AWS.version);
        about.insert("pluginDownloadURL".to_owned(), release.into());
    }
    about
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_s_name_decides() {
        for own in [
            "pulumi-resource-aws-ecr",
            "/a.b/pulumi-resource-aws-ecr",
            "./pulumi-resource-aws-ecr.exe",
            "Pulumi-Resource-AWS-ECR.EXE",
            "pulumi-resource-aws-ecr-v0.1.0",
            "pulumi-resource-aws-ecr-linux-amd64",
            "pulumi-resource-aws-ecr (1)",
            "pulumi-resource-aws-ecr.old",
        ] {
            assert_eq!(by_executable(OsStr::new(own)).name, "aws-ecr", "{own}");
        }
        for other in [
            "",
            "pulumi-resource-aws",
            "pulumi-resource-aws.exe",
            "pulumi-resource-aws-ecr/pulumi-resource-aws",
            "pulumi-resource-aws-ecr2",
            "pulumi-resource-aws-v7.999.1-ecr",
        ] {
            assert_eq!(by_executable(OsStr::new(other)).name, "aws", "{other}");
        }
    }

    #[test]
    fn names_that_occur_twice_are_told_apart() {
        for (token, own) in [
            ("aws:ecr/getCredentials:getCredentials", "aws-ecr:index:getCredentials"),
            ("aws:ecr/getImages:getImages", "aws-ecr:index:getImages"),
            ("aws:ecrpublic/getImages:getImages", "aws-ecr:index:getPublicImages"),
            ("aws:ecrpublic/getImagesImage:getImagesImage", "aws-ecr:index:getPublicImagesImage"),
            ("aws:index/ProviderAssumeRole:ProviderAssumeRole", "aws-ecr:index:ProviderAssumeRole"),
        ] {
            assert_eq!(flat(token), own);
        }
    }

    #[test]
    fn the_owner_is_in_all_of_its_places() {
        let about = about(Some("someone"));
        for key in ["publisher", "homepage", "logoUrl", "repository", "pluginDownloadURL"] {
            assert!(about[key].as_str().unwrap().contains("someone"), "{key}");
        }
        assert!(about["language"]["go"]["importBasePath"].as_str().unwrap().starts_with("github.com/someone/"));
        let of_nobody = super::about(None);
        assert_eq!(of_nobody.get("pluginDownloadURL"), None);
        assert!(!of_nobody.to_string().contains("github"), "{of_nobody}");
    }
}
