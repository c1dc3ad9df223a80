//! The functions that look things up: their results, field by field, against what the registry holds.
//!
//! What is expected was read in hashicorp/terraform-provider-aws: the attributes that the acceptance tests of each data
//! source check (`internal/service/ecr` and `ecrpublic`, `*_data_source_test.go`), and what its code sets.

use std::time::Duration;

use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, OWN_REGISTRY},
    moto::Moto,
    plugin::{Plugin, command, ecr_configuration},
    values::secret,
};
use tokio::process::Command;

pub(crate) const GET_IMAGE: &str = "aws:ecr/getImage:getImage";
pub(crate) const GET_IMAGES: &str = "aws:ecr/getImages:getImages";
pub(crate) const GET_DOCUMENT: &str = "aws:ecr/getLifecyclePolicyDocument:getLifecyclePolicyDocument";
pub(crate) const GET_RULE: &str = "aws:ecr/getPullThroughCacheRule:getPullThroughCacheRule";
pub(crate) const GET_REPOSITORIES: &str = "aws:ecr/getRepositories:getRepositories";
pub(crate) const GET_REPOSITORY: &str = "aws:ecr/getRepository:getRepository";
pub(crate) const GET_TEMPLATE: &str = "aws:ecr/getRepositoryCreationTemplate:getRepositoryCreationTemplate";
pub(crate) const GET_PUBLIC_IMAGES: &str = "aws:ecrpublic/getImages:getImages";

pub(crate) const URI: &str = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/app";
const ARN: &str = "arn:aws:ecr:eu-west-1:444455556666:repository/team/app";

pub(crate) fn digest(number: usize) -> String {
    format!("sha256:{number:064x}")
}

pub(crate) fn image(number: usize, tags: Json, pushed_at: f64) -> Json {
    let mut image = json!({
        "repositoryName": "team/app",
        "imageDigest": digest(number),
        "imageSizeInBytes": 1000 + number,
        "imagePushedAt": pushed_at,
    });
    if !tags.is_null() {
        image["imageTags"] = tags;
    }
    image
}

/// A registry with the repository `team/app`, and three images in it of which the second was pushed last.
pub(crate) async fn registry() -> (Ecr, Plugin) {
    let ecr = Ecr::start().await.unwrap();
    ecr.hold(
        "repositories",
        json!({
            "repositoryName": "team/app",
            "repositoryArn": ARN,
            "repositoryUri": URI,
            "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filter": "test*", "filterType": "WILDCARD"}],
            "imageScanningConfiguration": {"scanOnPush": true},
            "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-west-1:444455556666:key/k"},
        }),
    );
    ecr.hold("repositories", json!({"repositoryName": "bare", "repositoryArn": "arn:bare", "repositoryUri": "u/bare"}));
    let tags = json!([
        {"Key": "Usage", "Value": "original"}, {"Key": "aws:cloudformation:stack-name", "Value": "s"},
        {"Key": "Ignored", "Value": "x"}, {"Key": "kubernetes.io/x", "Value": "x"}, {"Key": "Empty", "Value": ""},
        {"Key": "CostCentre", "Value": "x"}, {"Key": "team:x", "Value": "x"}, {"Key": "Of machine", "Value": "x"},
    ]);
    ecr.hold("tags", json!({"resourceArn": ARN, "tags": tags}));
    ecr.hold("images", image(1, json!(["v1"]), 1_700_000_000.0));
    ecr.hold("images", image(2, json!(["v2", "latest"]), 1_700_000_000.75));
    ecr.hold("images", image(3, json!(null), 1_700_000_000.5));
    let mut configuration = ecr_configuration(&ecr);
    configuration["ignoreTags"] = json!({"keys": ["Ignored"], "keyPrefixes": ["kubernetes.io/"]});
    let mut command = command();
    command.env("TF_AWS_IGNORE_TAGS_KEYS", "CostCentre, Of machine,").env("TF_AWS_IGNORE_TAGS_KEY_PREFIXES", "team:,");
    let mut plugin = Plugin::from_command(command).await;
    plugin.configure(configuration).await.unwrap();
    (ecr, plugin)
}

#[tokio::test]
async fn a_repository() {
    let (ecr, mut plugin) = registry().await;
    let expected = json!({
        "arn": ARN,
        "encryptionConfigurations":
            [{"encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-west-1:444455556666:key/k"}],
        "id": "team/app",
        "imageScanningConfigurations": [{"scanOnPush": true}],
        "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filter": "test*", "filterType": "WILDCARD"}],
        "mostRecentImageTags": ["v2", "latest"],
        "name": "team/app",
        "region": "eu-west-1",
        "registryId": OWN_REGISTRY,
        "repositoryUrl": URI,
        "tags": {"Usage": "original", "Empty": ""},
    });
    assert_eq!(plugin.call(GET_REPOSITORY, json!({"name": "team/app"})).await.unwrap(), expected);
    let arguments = json!({"name": "team/app", "registryId": OWN_REGISTRY, "region": "us-west-2", "tags": {"a": "b"}});
    let elsewhere = plugin.call(GET_REPOSITORY, arguments).await.unwrap();
    assert_eq!((&elsewhere["region"], &elsewhere["tags"]), (&json!("us-west-2"), &expected["tags"]));
    assert_eq!(ecr.requests().last().unwrap().region, "us-west-2");
}

#[tokio::test]
async fn a_repository_of_which_aws_says_little() {
    let (_ecr, mut plugin) = registry().await;
    let results = plugin.call(GET_REPOSITORY, json!({"name": "bare", "registryId": ""})).await.unwrap();
    for name in ["encryptionConfigurations", "imageScanningConfigurations", "imageTagMutabilityExclusionFilters"] {
        assert_eq!(results[name], json!([]), "{name}");
    }
    assert_eq!((&results["mostRecentImageTags"], &results["tags"]), (&json!([]), &json!({})));
    assert_eq!(results["imageTagMutability"], "");
}

#[tokio::test]
async fn repositories() {
    let (ecr, mut plugin) = registry().await;
    for number in 0..1500 {
        ecr.hold("repositories", json!({"repositoryName": format!("r{number}")}));
    }
    let results = plugin.call(GET_REPOSITORIES, json!({})).await.unwrap();
    assert_eq!((&results["id"], &results["region"]), (&json!("eu-west-1"), &json!("eu-west-1")));
    let names = results["names"].as_array().unwrap();
    assert_eq!((names.len(), &names[0], &names[1501]), (1502, &json!("team/app"), &json!("r1499")));
    assert_eq!(ecr.requests().len(), 2, "a page holds 1000");
    let empty = Ecr::start().await.unwrap();
    let results = Plugin::for_ecr(&empty).await.call(GET_REPOSITORIES, json!({})).await.unwrap();
    assert_eq!(results, json!({"id": "eu-west-1", "region": "eu-west-1"}), "an empty set is none");
}

#[tokio::test]
async fn an_image() {
    let (_ecr, mut plugin) = registry().await;
    let second = json!({
        "id": digest(2),
        "imageDigest": digest(2),
        "imagePushedAt": 1_700_000_000.0,
        "imageSizeInBytes": 1002.0,
        "imageTags": ["v2", "latest"],
        "imageUri": format!("{URI}@{}", digest(2)),
        "region": "eu-west-1",
        "registryId": OWN_REGISTRY,
        "repositoryName": "team/app",
    });
    for (selection, echoed) in [
        (json!({"imageTag": "latest"}), json!({"imageTag": "latest"})),
        (json!({"imageDigest": digest(2)}), json!({})),
        (json!({"imageDigest": digest(2), "imageTag": "v2"}), json!({"imageTag": "v2"})),
        (json!({"mostRecent": true}), json!({"mostRecent": true})),
    ] {
        let with = |mut base: Json, more: &Json| {
            base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            base
        };
        let arguments = with(json!({"repositoryName": "team/app"}), &selection);
        assert_eq!(plugin.call(GET_IMAGE, arguments).await.unwrap(), with(second.clone(), &echoed), "{selection}");
    }
    let untagged = json!({"repositoryName": "team/app", "imageDigest": digest(3)});
    assert_eq!(plugin.call(GET_IMAGE, untagged).await.unwrap()["imageTags"], json!([]));
}

#[tokio::test]
async fn of_images_pushed_at_the_same_time_the_first_is_the_most_recent() {
    let (ecr, mut plugin) = registry().await;
    for number in 4..8 {
        ecr.hold("images", image(number, json!(["x"]), 1_800_000_000.0));
    }
    let arguments = json!({"repositoryName": "team/app", "mostRecent": true});
    assert_eq!(plugin.call(GET_IMAGE, arguments).await.unwrap()["id"], digest(4));
}

#[tokio::test]
async fn images() {
    let (ecr, mut plugin) = registry().await;
    let arguments = json!({"repositoryName": "team/app", "registryId": OWN_REGISTRY});
    let expected = json!({
        "imageIds": [
            {"imageDigest": digest(1), "imageTag": "v1"},
            {"imageDigest": digest(2), "imageTag": "v2"},
            {"imageDigest": digest(2), "imageTag": "latest"},
            {"imageDigest": digest(3)},
        ],
        "region": "eu-west-1",
        "registryId": OWN_REGISTRY,
        "repositoryName": "team/app",
    });
    assert_eq!(plugin.call(GET_IMAGES, arguments).await.unwrap(), expected);
    for number in 4..2500 {
        ecr.hold("images", image(number, json!(null), 0.0));
    }
    let results = plugin.call(GET_IMAGES, json!({"repositoryName": "team/app"})).await.unwrap();
    assert_eq!(results["imageIds"].as_array().unwrap().len(), 2500, "four and those added");
    assert_eq!(ecr.requests().len(), 1 + 3);
    let results = plugin.call(GET_IMAGES, json!({"repositoryName": "bare"})).await.unwrap();
    assert_eq!(results, json!({"region": "eu-west-1", "repositoryName": "bare"}), "an empty list is none");
}

#[tokio::test]
async fn a_pull_through_cache_rule() {
    let (ecr, mut plugin) = registry().await;
    let role = "arn:aws:iam::444455556666:role/r";
    ecr.hold(
        "rules",
        json!({"ecrRepositoryPrefix": "tf/x", "upstreamRegistryUrl": "registry-1.docker.io",
            "credentialArn": "arn:aws:secretsmanager:s", "customRoleArn": role, "upstreamRepositoryPrefix": "ROOT"}),
    );
    ecr.hold("rules", json!({"ecrRepositoryPrefix": "ecr-public", "upstreamRegistryUrl": "public.ecr.aws"}));
    let rule = |prefix: &str, url: &str, credential: &str, role: &str, upstream: &str| {
        json!({"id": prefix, "ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": url, "credentialArn": credential,
            "customRoleArn": role, "upstreamRepositoryPrefix": upstream, "registryId": OWN_REGISTRY,
            "region": "eu-west-1"})
    };
    for expected in [
        rule("tf/x", "registry-1.docker.io", "arn:aws:secretsmanager:s", role, "ROOT"),
        rule("ecr-public", "public.ecr.aws", "", "", ""),
    ] {
        let arguments = json!({"ecrRepositoryPrefix": expected["id"]});
        assert_eq!(plugin.call(GET_RULE, arguments).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_creation_template() {
    let (ecr, mut plugin) = registry().await;
    ecr.hold(
        "templates",
        json!({
            "prefix": "ROOT",
            "description": "all",
            "appliedFor": ["CREATE_ON_PUSH", "PULL_THROUGH_CACHE", "REPLICATION"],
            "customRoleArn": "arn:aws:iam::444455556666:role/r",
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters":
                [{"filter": "latest*", "filterType": "WILDCARD"}, {"filter": "prod-*", "filterType": "WILDCARD"}],
            "lifecyclePolicy": "{\"rules\": [ {\"rulePriority\": 1, \"description\": \"a & b\"} ]}",
            "repositoryPolicy": "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": []\n}",
            "resourceTags": [{"Key": "Foo", "Value": "Bar"}, {"Key": "aws:x", "Value": "kept"}],
        }),
    );
    ecr.hold("templates", json!({"prefix": "bare", "imageTagMutability": "MUTABLE"}));
    let expected = json!({
        "appliedFors": ["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"],
        "customRoleArn": "arn:aws:iam::444455556666:role/r",
        "description": "all",
        "encryptionConfigurations": [{"encryptionType": "AES256", "kmsKey": ""}],
        "id": "ROOT",
        "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters":
            [{"filter": "latest*", "filterType": "WILDCARD"}, {"filter": "prod-*", "filterType": "WILDCARD"}],
        "lifecyclePolicy": r#"{"rules":[{"description":"a \u0026 b","rulePriority":1}]}"#,
        "prefix": "ROOT",
        "region": "eu-west-1",
        "registryId": OWN_REGISTRY,
        "repositoryPolicy": r#"{"Statement":[],"Version":"2012-10-17"}"#,
        "resourceTags": {"Foo": "Bar", "aws:x": "kept"},
    });
    assert_eq!(plugin.call(GET_TEMPLATE, json!({"prefix": "ROOT"})).await.unwrap(), expected);
    let bare = plugin.call(GET_TEMPLATE, json!({"prefix": "bare", "resourceTags": {"a": "b"}})).await.unwrap();
    for name in ["customRoleArn", "description", "lifecyclePolicy", "repositoryPolicy"] {
        assert_eq!(bare[name], "", "{name}");
    }
    assert_eq!((&bare["appliedFors"], &bare["encryptionConfigurations"]), (&json!([]), &json!([])));
    assert_eq!(bare["resourceTags"], json!({}));
}

#[tokio::test]
async fn public_images() {
    let (ecr, mut plugin) = registry().await;
    ecr.hold("publicRepositories", json!({"repositoryName": "tool"}));
    ecr.hold("publicRepositories", json!({"repositoryName": "bare"}));
    ecr.hold(
        "publicImages",
        json!({"repositoryName": "tool", "imageDigest": digest(1), "imageTags": ["v1"], "imageSizeInBytes": 7,
            "imagePushedAt": 1_700_000_000.9, "imageManifestMediaType": "m", "artifactMediaType": "a"}),
    );
    ecr.hold("publicImages", json!({"repositoryName": "tool", "imageDigest": digest(2)}));
    let first = json!({
        "artifactMediaType": "a",
        "imageDigest": digest(1),
        "imageManifestMediaType": "m",
        "imagePushedAt": "2023-11-14T22:13:20Z",
        "imageSizeInBytes": 7.0,
        "imageTags": ["v1"],
        "registryId": OWN_REGISTRY,
        "repositoryName": "tool",
    });
    let second = json!({"imageDigest": digest(2), "registryId": OWN_REGISTRY, "repositoryName": "tool"});
    let all = json!({"images": [first, second], "region": "eu-west-1", "repositoryName": "tool"});
    assert_eq!(plugin.call(GET_PUBLIC_IMAGES, json!({"repositoryName": "tool"})).await.unwrap(), all);
    let ids = json!([{"imageTag": "v1"}]);
    let arguments = json!({"repositoryName": "tool", "imageIds": ids, "registryId": OWN_REGISTRY});
    let one = json!({"images": [first], "region": "eu-west-1", "repositoryName": "tool", "imageIds": ids,
        "registryId": OWN_REGISTRY});
    assert_eq!(plugin.call(GET_PUBLIC_IMAGES, arguments).await.unwrap(), one);
    let none = plugin.call(GET_PUBLIC_IMAGES, json!({"repositoryName": "bare", "region": "us-west-2"})).await.unwrap();
    assert_eq!(none, json!({"region": "us-west-2", "repositoryName": "bare"}), "an empty list is none");
    assert!(ecr.requests().iter().all(|request| request.region == "us-east-1"), "{:?}", ecr.requests());
}

/// The text is what Go's `json.MarshalIndent` makes of the structs in the official provider's `lifecycle_policy.go`.
#[tokio::test]
async fn a_lifecycle_policy_document() {
    let ecr = Ecr::start().await.unwrap();
    let mut plugin = Plugin::start().await;
    plugin.configure(json!({})).await.unwrap();
    let rules = json!([
        {
            "priority": 1,
            "description": "<a> & b",
            "selection": {"tagStatus": "tagged", "tagPrefixLists": ["prod"], "tagPatternLists": ["*a*", "b*"],
                "countType": "imageCountMoreThan", "countNumber": 100},
        },
        {
            "priority": 2,
            "description": "",
            "selection": {"tagStatus": "any", "tagPrefixLists": [], "countType": "sinceImagePulled",
                "countUnit": "days", "countNumber": 40, "storageClass": "standard"},
            "action": {"type": "transition", "targetStorageClass": "archive"},
        },
    ]);
    let expected = r#"{
  "rules": [
    {
      "rulePriority": 1,
      "description": "\u003ca\u003e \u0026 b",
      "selection": {
        "tagStatus": "tagged",
        "tagPatternList": [
          "*a*",
          "b*"
        ],
        "tagPrefixList": [
          "prod"
        ],
        "countType": "imageCountMoreThan",
        "countNumber": 100
      },
      "action": {
        "type": "expire"
      }
    },
    {
      "rulePriority": 2,
      "description": "",
      "selection": {
        "tagStatus": "any",
        "storageClass": "standard",
        "countType": "sinceImagePulled",
        "countUnit": "days",
        "countNumber": 40
      },
      "action": {
        "targetStorageClass": "archive",
        "type": "transition"
      }
    }
  ]
}"#;
    let results = plugin.call(GET_DOCUMENT, json!({"rules": rules})).await.unwrap();
    assert_eq!(results["json"], expected);
    let echoed = results["rules"].to_string().replace(".0", "");
    assert_eq!(serde_json::from_str::<Json>(&echoed).unwrap(), rules, "what was given, nothing added");
    assert_eq!(ecr.connections(), 0);
}

#[tokio::test]
async fn arguments_that_cannot_be() {
    let (ecr, mut plugin) = registry().await;
    let rule = |path: &str, value: Json| {
        let selection = json!({"tagStatus": "any", "countType": "sinceImagePushed", "countNumber": 1});
        let mut rule = json!({"priority": 1, "selection": selection, "action": {"type": "expire"}});
        *rule.pointer_mut(path).expect("a place") = value;
        json!({"rules": [rule]})
    };
    let digits = "must be a registry id";
    for (function, arguments, property, reason) in [
        (GET_REPOSITORY, json!({}), "name", "is missing"),
        (GET_REPOSITORY, json!({"name": "x"}), "name", "must be 2 to 256"),
        (GET_REPOSITORY, json!({"name": "Team"}), "name", "it has capital letters"),
        (GET_REPOSITORY, json!({"name": -1}), "name", "but is \"-1\""),
        (GET_REPOSITORY, json!({"name": "/app"}), "name", "must be 2 to 256"),
        (GET_REPOSITORY, json!({"name": " app"}), "name", "white space around it"),
        (GET_REPOSITORY, json!({"name": URI}), "name", "that is a URL"),
        (GET_REPOSITORY, json!({"name": "123456789012.dkr-ecr.eu-west-1.on.aws/a"}), "name", "that is a URL"),
        (GET_PUBLIC_IMAGES, json!({"repositoryName": "a".repeat(206)}), "repositoryName", "must be 2 to 205"),
        (GET_REPOSITORY, json!({"name": ARN}), "name", "what follows `repository/`, team/app"),
        (GET_REPOSITORY, json!({"name": "app:v1"}), "name", "that names an image; its repository is app"),
        (GET_REPOSITORY, json!({"name": "app", "registryId": "app"}), "registryId", digits),
        (GET_REPOSITORY, json!({"name": "app", "tags": {"a": []}}), "tags.a", "must be a string"),
        (GET_IMAGES, json!({"repositoryName": "app", "registryId": ""}), "registryId", digits),
        (GET_IMAGE, json!({"repositoryName": "app"}), "imageTag", "is missing: give it, imageDigest, or mostRecent"),
        (GET_IMAGE, json!({"repositoryName": "app", "imageTag": "a", "mostRecent": false}), "mostRecent", "excludes"),
        (GET_IMAGE, json!({"repositoryName": "app", "mostRecent": "yes"}), "mostRecent", "must be a boolean"),
        (GET_RULE, json!({"ecrRepositoryPrefix": "root"}), "", ""),
        (GET_RULE, json!({"ecrRepositoryPrefix": "Root"}), "ecrRepositoryPrefix", "it has capital letters"),
        (GET_TEMPLATE, json!({"prefix": "https://x"}), "prefix", "that is a URL"),
        (GET_PUBLIC_IMAGES, json!({"repositoryName": "app", "registryId": "a1b2"}), "registryId", digits),
        (
            GET_PUBLIC_IMAGES,
            json!({"repositoryName": "app", "imageIds": [{"tag": "a"}]}),
            "imageIds[0].tag",
            "is not a",
        ),
        (GET_PUBLIC_IMAGES, json!({"repositoryName": "app", "imageIds": ["a"]}), "imageIds[0]", "must be an object"),
        (GET_DOCUMENT, json!({"rules": [{}]}), "rules[0].priority", "is missing"),
        (GET_DOCUMENT, json!({"rules": "[]"}), "rules", "must be a list"),
        (GET_DOCUMENT, rule("/priority", json!(0)), "rules[0].priority", "must be 1 or more, but is 0"),
        (GET_DOCUMENT, rule("/priority", json!(1.5)), "rules[0].priority", "must be a whole number"),
        (GET_DOCUMENT, rule("/selection/countNumber", json!(null)), "rules[0].selection.countNumber", "is missing"),
        (
            GET_DOCUMENT,
            rule("/selection/countType", json!("x")),
            "rules[0].selection.countType",
            "must be one of image",
        ),
        (GET_DOCUMENT, rule("/action/type", json!("delete")), "rules[0].action.type", "expire, transition, but is \"d"),
    ] {
        let response = match plugin.invoke(function, arguments.clone()).await {
            Err(status) if property.is_empty() && status.message().contains("NotFoundException") => continue,
            response => response.unwrap(),
        };
        let failure = response.failures.first().unwrap_or_else(|| panic!("{arguments} is taken"));
        assert_eq!(failure.property, property, "{arguments}");
        assert!(failure.reason.contains(reason), "{arguments}: {}", failure.reason);
    }
    assert_eq!(ecr.requests().len(), 1, "only what can be is asked");
}

#[tokio::test]
async fn failures_name_what_was_asked_and_the_one_permission() {
    let (ecr, mut plugin) = registry().await;
    let denied = |action: &str, resource: &str| {
        let text = format!("User: u is not authorized to perform: {action} on resource: {resource} because no policy");
        Answer::Error(400, "AccessDeniedException", text.leak())
    };
    let refused = || Answer::Error(400, "AccessDeniedException", "denied");
    let image = json!({"repositoryName": "team/app", "imageTag": "v9"});
    let repository = json!({"name": "team/app"});
    for (function, arguments, answers, start, end) in [
        (
            GET_REPOSITORY,
            json!({"name": "absent"}),
            vec![],
            "getRepository for repository absent in eu-west-1: AWS did not find it: The repository with name",
            "(RepositoryNotFoundException). Check the names in the arguments, the Region, and whose registry it is.",
        ),
        (GET_IMAGE, image, vec![], "getImage for image team/app:v9 in eu-west-1: AWS did not find it: ", "it is."),
        (
            GET_IMAGE,
            json!({"repositoryName": "team/app", "mostRecent": false}),
            vec![],
            "getImage for image team/app in eu-west-1: 3 images match, not one",
            "Name the image by imageTag or imageDigest, or set mostRecent to true.",
        ),
        (
            GET_IMAGE,
            json!({"repositoryName": "bare", "mostRecent": true}),
            vec![],
            "getImage for image bare in eu-west-1: AWS did not find it: its answer is empty. ",
            "whose registry it is.",
        ),
        (
            GET_REPOSITORY,
            repository.clone(),
            vec![Answer::Token, refused()],
            "getRepository for repository team/app in eu-west-1: AWS denied access: denied",
            "the action ecr:ListTagsForResource on the resource `*`.",
        ),
        (
            GET_REPOSITORY,
            repository,
            vec![denied("ecr:DescribeRepositories", ARN)],
            "getRepository for repository team/app in eu-west-1: AWS denied access: User: u",
            "the action ecr:DescribeRepositories on the resource `arn:aws:ecr:eu-west-1:444455556666:repository/team/app`.",
        ),
        (
            GET_RULE,
            json!({"ecrRepositoryPrefix": "docker-hub"}),
            vec![],
            "getPullThroughCacheRule for the pull-through cache rule of docker-hub in eu-west-1: AWS did not find it",
            "it is.",
        ),
        (
            GET_TEMPLATE,
            json!({"prefix": "ROOT"}),
            vec![refused()],
            "getRepositoryCreationTemplate for the creation template of ROOT in eu-west-1: AWS denied",
            "the action ecr:DescribeRepositoryCreationTemplates on the resource `*`.",
        ),
        (
            GET_REPOSITORIES,
            json!({"region": "eu-central-1"}),
            vec![refused()],
            "getRepositories for the caller's registry in eu-central-1: AWS denied",
            "the action ecr:DescribeRepositories on the resource `*`.",
        ),
        (
            GET_PUBLIC_IMAGES,
            json!({"repositoryName": "tool", "region": "cn-north-1"}),
            vec![],
            "getImages for public repository tool in cn-north-1: Amazon ECR Public is not in the partition aws-cn, to",
            "Use a Region and credentials of the partition aws.",
        ),
        (
            GET_IMAGES,
            json!({"repositoryName": "team/app"}),
            vec![Answer::Body(r#"{"imageIds": [], "nextToken": "again"}"#); 200],
            "getImages for repository team/app in eu-west-1: AWS's list goes on after 0 entries",
            "look up single ones.",
        ),
    ] {
        answers.into_iter().for_each(|answer| ecr.answer_next(answer));
        let error = plugin.call(function, arguments).await.map(|_| ()).expect_err(function);
        assert!(error.message().starts_with(start), "{}", error.message());
        assert!(error.message().ends_with(end), "{}", error.message());
    }
}

/// AWS's words are those of its page on denied access.
#[tokio::test]
async fn a_refusal_names_the_policy_that_has_to_be_changed() {
    let (ecr, mut plugin) = registry().await;
    let it = format!("the action ecr:DescribeRepositories on the resource `{ARN}`");
    for (why, advice) in [
        ("", format!(". Allow these credentials {it}.")),
        ("because no identity-based policy allows the a:B action", format!(". Allow these credentials {it}.")),
        (
            "because no resource-based policy allows the a:B action",
            format!(". Allow these credentials {it} by the resource-based policy, too."),
        ),
        (
            "because no VPC endpoint policy allows the a:B action",
            format!(". Allow these credentials {it} by the VPC endpoint policy, too."),
        ),
        (
            "because no permissions boundary allows the a:B action",
            format!(". Allow these credentials {it} by the permissions boundary, too."),
        ),
        ("with an explicit deny", format!(". Take {it} out of the policy that denies it.")),
        (
            "with an explicit deny in an identity-based policy",
            format!(". Take {it} out of the identity-based policy that denies it."),
        ),
        (
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/p-1",
            format!(". Take {it} out of the service control policy that denies it."),
        ),
    ] {
        let text = format!("User: u is not authorized to perform: ecr:DescribeRepositories on resource: {ARN} {why}");
        ecr.answer_next(Answer::Error(400, "AccessDeniedException", text.leak()));
        let error = plugin.call(GET_REPOSITORY, json!({"name": "team/app"})).await.unwrap_err();
        assert!(error.message().ends_with(&advice), "{}", error.message());
    }
}

/// Whoever marked the name as secret must not read it, whoever did not must know what failed.
#[tokio::test]
async fn a_failure_in_flight_is_told_to_each_caller_in_its_own_words() {
    let (ecr, plugin) = registry().await;
    // Long enough for others to join a call.
    ecr.set_latency(Duration::from_millis(500));
    let calls = [json!("absent"), secret("absent"), json!("absent")]
        .map(|name| plugin.begin_call(GET_REPOSITORY, json!({"name": name})));
    let mut told = Vec::new();
    for call in calls {
        told.push(call.await.unwrap().map(drop).unwrap_err().message().contains("absent"));
    }
    assert_eq!((told, ecr.requests().len()), (vec![true, false, true], 1));
}

#[tokio::test]
async fn nothing_is_served_from_memory_but_equal_look_ups_in_flight_are_one() {
    let (ecr, mut plugin) = registry().await;
    let arguments = json!({"repositoryName": "team/app"});
    plugin.call(GET_IMAGES, arguments.clone()).await.unwrap();
    ecr.hold("images", image(4, json!(["new"]), 0.0));
    let results = plugin.call(GET_IMAGES, arguments.clone()).await.unwrap();
    assert!(results.to_string().contains("\"new\""), "state changes: {results}");
    assert_eq!(ecr.requests().len(), 2);
    // Long enough for others to join a call; whoever is too late makes another.
    ecr.set_latency(Duration::from_millis(500));
    let calls: Vec<_> = (0..100).map(|_| plugin.begin_call(GET_IMAGES, arguments.clone())).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(ecr.requests().len(), 3, "one for a hundred");
}

#[tokio::test]
async fn secret_arguments_make_secret_results_of_every_kind() {
    let (_ecr, mut plugin) = registry().await;
    let results = plugin.call(GET_REPOSITORY, json!({"name": secret("team/app")})).await.unwrap();
    assert_eq!(results["imageScanningConfigurations"], secret(json!([{"scanOnPush": true}])));
    assert_eq!(results["tags"], secret(json!({"Usage": "original", "Empty": ""})));
    let error = plugin.call(GET_REPOSITORY, json!({"name": secret("absent")})).await.unwrap_err();
    assert!(!error.message().contains("absent"), "{error}");
}

/// What moto, an implementation that is not ours, says of the same repository.
#[tokio::test]
async fn moto_s_values() {
    let moto = Moto::start().await;
    let script = r#"
import boto3, json, sys
ecr = boto3.client("ecr", endpoint_url=sys.argv[1], region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
ecr.create_repository(repositoryName="team/app", tags=[{"Key": "Usage", "Value": "original"}])
def push(layer, tag):
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "c", "size": 1, "digest": "sha256:" + layer * 64}, "layers": []}
    ecr.put_image(repositoryName="team/app", imageManifest=json.dumps(manifest), imageTag=tag)
push("a", "v1"); push("b", "v2")
repository = ecr.describe_repositories(repositoryNames=["team/app"])["repositories"][0]
images = ecr.describe_images(repositoryName="team/app")["imageDetails"]
print(json.dumps({"repository": repository, "images": images, "ids": ecr.list_images(repositoryName="team/app")["imageIds"]}, default=lambda t: t.timestamp()))
"#;
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/moto/bin/python");
    let output = Command::new(python).args(["-c", script, &moto.url()]).output().await.expect("moto's Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let held: Json = serde_json::from_slice(&output.stdout).unwrap();
    let mut plugin = Plugin::start().await;
    let configuration =
        json!({"region": "eu-west-1", "accessKey": "AKID", "secretKey": "s", "endpoints": [{"ecr": moto.url()}]});
    plugin.configure(configuration).await.unwrap();

    let repository = plugin.call(GET_REPOSITORY, json!({"name": "team/app"})).await.unwrap();
    let theirs = &held["repository"];
    assert_eq!(repository["arn"], theirs["repositoryArn"]);
    assert_eq!(repository["repositoryUrl"], theirs["repositoryUri"]);
    assert_eq!(repository["registryId"], theirs["registryId"]);
    assert_eq!(repository["imageTagMutability"], theirs["imageTagMutability"]);
    assert_eq!(repository["imageScanningConfigurations"][0], theirs["imageScanningConfiguration"]);
    assert_eq!(repository["tags"], json!({"Usage": "original"}));
    assert_eq!(plugin.call(GET_REPOSITORIES, json!({})).await.unwrap()["names"], json!(["team/app"]));
    let images = plugin.call(GET_IMAGES, json!({"repositoryName": "team/app"})).await.unwrap();
    assert_eq!(images["imageIds"], held["ids"]);
    let image = plugin.call(GET_IMAGE, json!({"repositoryName": "team/app", "imageTag": "v1"})).await.unwrap();
    let mut all = held["images"].as_array().unwrap().iter();
    let theirs = all.find(|image| image["imageTags"][0] == "v1").expect("the image");
    assert_eq!(image["imageDigest"], theirs["imageDigest"]);
    assert_eq!(image["imageSizeInBytes"].as_f64(), theirs["imageSizeInBytes"].as_f64());
    assert_eq!(image["imagePushedAt"].as_f64(), theirs["imagePushedAt"].as_f64().map(f64::floor));
    let uri = held["repository"]["repositoryUri"].as_str().unwrap();
    assert_eq!(image["imageUri"], format!("{uri}@{}", theirs["imageDigest"].as_str().unwrap()));
    let error = plugin.call(GET_REPOSITORY, json!({"name": "absent"})).await.unwrap_err();
    assert!(error.message().contains("AWS did not find it: "), "{error}");
}
