//! What people reported of the official provider's look-ups, and other odd cases: each is asked of the plugin and compared
//! with what the official provider's code makes of it.

use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, OWN_REGISTRY},
    plugin::{GET_CREDENTIALS, Plugin, ecr_configuration},
    values::{UNKNOWN, secret},
};

use crate::look_ups::{
    GET_DOCUMENT, GET_IMAGE, GET_IMAGES, GET_PUBLIC_IMAGES, GET_REPOSITORY, GET_RULE, GET_TEMPLATE, URI, digest, image,
    registry,
};

const OTHER_REGISTRY: &str = "999988887777";

/// The bodies of the requests, of this operation alone.
fn bodies(ecr: &Ecr, operation: &str) -> Vec<Json> {
    let requests = ecr.requests().into_iter().filter(|request| request.operation == operation);
    requests.map(|request| request.body).collect()
}

#[tokio::test]
async fn a_list_goes_on_where_a_page_failed() {
    let (ecr, mut plugin) = registry().await;
    for number in 4..2400 {
        ecr.hold("images", image(number, json!(null), 0.0));
    }
    for answer in [Answer::Token, Answer::Error(500, "ServerException", "for a moment"), Answer::Reset] {
        ecr.answer_next(answer);
    }
    let results = plugin.call(GET_IMAGES, json!({"repositoryName": "team/app"})).await.unwrap();
    assert_eq!(results["imageIds"].as_array().unwrap().len(), 2400);
    let tokens: Vec<_> = bodies(&ecr, "ListImages").iter().map(|body| body["nextToken"].clone()).collect();
    assert_eq!(json!(tokens), json!([null, "1000", "1000", "1000", "2000"]));
}

#[tokio::test]
async fn a_page_may_be_empty_and_have_more_behind_it() {
    let (ecr, mut plugin) = registry().await;
    ecr.answer_next(Answer::Body(r#"{"imageIds": [], "nextToken": "0"}"#));
    let results = plugin.call(GET_IMAGES, json!({"repositoryName": "team/app"})).await.unwrap();
    assert_eq!(results["imageIds"].as_array().unwrap().len(), 4);
}

/// In other partitions than the commercial one, some of which know no tags, the official provider leaves out what it
/// cannot list (`internal/errs/unsupported.go`).
#[tokio::test]
async fn partitions_that_tell_no_tags() {
    let (ecr, mut plugin) = registry().await;
    for (region, code) in [
        ("us-iso-east-1", "UnsupportedOperationException"),
        ("us-isob-east-1", "InvalidParameterException"),
        ("us-gov-west-1", "AccessDeniedException"),
        ("cn-north-1", "UnknownOperationException"),
        ("eusc-de-east-1", "ValidationException"),
        ("eu-west-1", "UnsupportedOperationException"),
        ("us-iso-east-1", "RepositoryNotFoundException"),
    ] {
        ecr.answer_next(Answer::Token);
        ecr.answer_next(Answer::Error(400, code, "no tags here"));
        let results = plugin.call(GET_REPOSITORY, json!({"name": "team/app", "region": region})).await;
        if region == "eu-west-1" || code == "RepositoryNotFoundException" {
            assert!(results.unwrap_err().message().contains("no tags here"), "{region} {code}");
            continue;
        }
        let results = results.unwrap();
        assert_eq!((&results["tags"], &results["repositoryUrl"]), (&json!({}), &json!(URI)), "{region} {code}");
        assert_eq!(results["mostRecentImageTags"], json!(["v2", "latest"]), "what comes behind is asked for");
    }
}

#[tokio::test]
async fn values_that_aws_may_add_pass() {
    let (ecr, mut plugin) = registry().await;
    let filter = json!({"filter": "v[0-9]+", "filterType": "REGEX"});
    ecr.hold(
        "repositories",
        json!({"repositoryName": "new", "repositoryArn": "arn:new", "imageTagMutability": "SOMETIMES",
            "encryptionConfiguration": {"encryptionType": "KMS_DSSE"}, "imageTagMutabilityExclusionFilters": [filter]}),
    );
    ecr.hold("templates", json!({"prefix": "new/", "appliedFor": ["REPLICATION", "TELEPATHY"]}));
    let results = plugin.call(GET_REPOSITORY, json!({"name": "new"})).await.unwrap();
    assert_eq!(results["imageTagMutability"], "SOMETIMES");
    assert_eq!(results["encryptionConfigurations"], json!([{"encryptionType": "KMS_DSSE", "kmsKey": ""}]));
    assert_eq!(results["imageTagMutabilityExclusionFilters"], json!([filter]));
    let results = plugin.call(GET_TEMPLATE, json!({"prefix": "new/"})).await.unwrap();
    assert_eq!(results["appliedFors"].as_array().unwrap().len(), 2, "{results}");
    assert_eq!(bodies(&ecr, "DescribeRepositoryCreationTemplates")[0]["prefixes"], json!(["new/"]), "as it was given");
}

/// An image of several architectures is an index, which has a tag, and images without any that were pushed with it.
#[tokio::test]
async fn the_image_pushed_last_has_no_tag() {
    let (ecr, mut plugin) = registry().await;
    ecr.hold("images", image(8, json!(null), 1_800_000_000.0));
    ecr.hold("images", image(9, json!(["multi"]), 1_800_000_000.0));
    let results = plugin.call(GET_REPOSITORY, json!({"name": "team/app"})).await.unwrap();
    assert_eq!(results["mostRecentImageTags"], json!([]), "the first in the list, tags or not");
    let arguments = json!({"repositoryName": "team/app", "mostRecent": true});
    let results = plugin.call(GET_IMAGE, arguments).await.unwrap();
    assert_eq!((&results["imageDigest"], &results["imageTags"]), (&json!(digest(8)), &json!([])));
    assert!(bodies(&ecr, "DescribeImages").iter().all(|body| body["imageIds"].is_null()), "no tag is asked for");
}

#[tokio::test]
async fn an_image_of_which_aws_says_little() {
    let (ecr, mut plugin) = registry().await;
    ecr.hold("images", json!({"repositoryName": "bare", "imageDigest": digest(1)}));
    let results = plugin.call(GET_IMAGE, json!({"repositoryName": "bare", "mostRecent": false})).await.unwrap();
    let expected = json!({"id": digest(1), "imageDigest": digest(1), "imageSizeInBytes": 0.0, "imageTags": [],
        "imageUri": format!("u/bare@{}", digest(1)), "mostRecent": false, "region": "eu-west-1",
        "registryId": OWN_REGISTRY, "repositoryName": "bare"});
    assert_eq!(results, expected);
}

/// SDKs and programs hand on empty text for what they leave out. pulumi-terraform-bridge's Invoke gave none of it back.
#[tokio::test]
async fn empty_text_selects_nothing() {
    let (ecr, mut plugin) = registry().await;
    let arguments = json!({"repositoryName": "team/app", "imageTag": "v1", "imageDigest": "", "region": ""});
    let results = plugin.call(GET_IMAGE, arguments).await.unwrap();
    assert_eq!((&results["id"], &results["region"]), (&json!(digest(1)), &json!("eu-west-1")));
    assert_eq!(bodies(&ecr, "DescribeImages")[0]["imageIds"], json!([{"imageTag": "v1"}]));
    let arguments = json!({"repositoryName": "team/app", "imageTag": "", "imageDigest": digest(1)});
    assert!(plugin.call(GET_IMAGE, arguments).await.unwrap().get("imageTag").is_none(), "what was not given");
    let error = plugin.call(GET_IMAGE, json!({"repositoryName": "team/app", "imageTag": ""})).await.unwrap_err();
    assert!(error.message().contains("3 images match, not one"), "{error}");
}

/// YAML has numbers and booleans where a tag looks like one, and configuration is text.
#[tokio::test]
async fn text_may_be_a_number_or_a_boolean_and_a_boolean_may_be_text() {
    let (ecr, mut plugin) = registry().await;
    ecr.hold("images", image(4, json!(["1.25", "7", "true"]), 1_800_000_000.0));
    for (tag, text) in [(json!(1.25), "1.25"), (json!(7), "7"), (json!(true), "true")] {
        let results = plugin.call(GET_IMAGE, json!({"repositoryName": "team/app", "imageTag": tag})).await.unwrap();
        assert_eq!((&results["id"], &results["imageTag"]), (&json!(digest(4)), &json!(text)));
    }
    for (text, most_recent) in [("true", true), ("True", true), ("1", true), ("f", false)] {
        let arguments = json!({"repositoryName": "team/app", "mostRecent": text});
        let results = plugin.call(GET_IMAGE, arguments).await;
        match most_recent {
            true => assert_eq!(results.unwrap()["mostRecent"], true, "{text}"),
            false => assert!(results.unwrap_err().message().contains("4 images match"), "{text}"),
        }
    }
    let selection = json!({"tagStatus": "tagged", "tagPrefixLists": [1.5, true], "countType": "imageCountMoreThan",
        "countNumber": 1});
    let rules = json!([{"priority": 1, "description": 2, "selection": selection}]);
    let results = plugin.call(GET_DOCUMENT, json!({"rules": rules})).await.unwrap();
    assert_eq!(results["rules"][0]["selection"]["tagPrefixLists"], json!(["1.5", "true"]));
    assert_eq!(results["rules"][0]["description"], "2");
}

#[tokio::test]
async fn a_registry_of_another_account() {
    let (ecr, mut plugin) = registry().await;
    for (kind, thing) in [
        (
            "repositories",
            json!({"repositoryName": "shared", "repositoryArn": "arn:shared", "repositoryUri": "u/shared"}),
        ),
        ("images", json!({"repositoryName": "shared", "imageDigest": digest(7), "imageTags": ["v7"]})),
    ] {
        let mut thing = thing;
        thing["registryId"] = OTHER_REGISTRY.into();
        ecr.hold(kind, thing);
    }
    let results = plugin.call(GET_REPOSITORY, json!({"name": "shared", "registryId": OTHER_REGISTRY})).await.unwrap();
    assert_eq!((&results["registryId"], &results["mostRecentImageTags"]), (&json!(OTHER_REGISTRY), &json!(["v7"])));
    let arguments = json!({"repositoryName": "shared", "imageTag": "v7", "registryId": OTHER_REGISTRY});
    let results = plugin.call(GET_IMAGE, arguments.clone()).await.unwrap();
    assert_eq!(results["imageUri"], format!("u/shared@{}", digest(7)));
    assert!(
        ecr.requests()
            .iter()
            .all(|asked| asked.operation.contains("Tags") || asked.body["registryId"] == OTHER_REGISTRY)
    );

    ecr.answer_next(Answer::Token);
    ecr.answer_next(Answer::Error(400, "AccessDeniedException", "no resource-based policy allows it"));
    let error = plugin.call(GET_IMAGE, arguments).await.unwrap_err();
    assert!(
        error.message().ends_with("ecr:DescribeRepositories on the resource `*` by the resource-based policy, too."),
        "{error}"
    );
}

/// AWS decides what only AWS knows; the names here are all possible.
#[tokio::test]
async fn names_that_look_odd_are_asked_for() {
    let (ecr, mut plugin) = registry().await;
    for name in ["a__b", "a--b/c.d", "public.ecr.aws/docker/library/node", "quay.io/x", "app.dkr.old", "2048", "11"] {
        plugin.call(GET_REPOSITORY, json!({"name": name})).await.unwrap_err();
        assert_eq!(bodies(&ecr, "DescribeRepositories").last().unwrap()["repositoryNames"], json!([name]));
    }
    for prefix in ["ROOT", "team/", "docker-hub"] {
        plugin.call(GET_RULE, json!({"ecrRepositoryPrefix": prefix})).await.unwrap_err();
        let asked = bodies(&ecr, "DescribePullThroughCacheRules");
        assert_eq!(asked.last().unwrap()["ecrRepositoryPrefixes"], json!([prefix]));
    }
    ecr.answer_next(Answer::Error(400, "InvalidParameterException", "Invalid parameter at 'imageDigest'"));
    let arguments = json!({"repositoryName": "team/app", "imageDigest": "sha256:short"});
    let error = plugin.call(GET_IMAGE, arguments).await.unwrap_err();
    assert!(error.message().contains("AWS refused a parameter: Invalid parameter at 'imageDigest'"), "{error}");
}

#[tokio::test]
async fn ids_of_public_images() {
    let (ecr, mut plugin) = registry().await;
    ecr.hold("publicRepositories", json!({"repositoryName": "tool"}));
    ecr.hold("publicImages", json!({"repositoryName": "tool", "imageDigest": digest(1), "imageTags": ["v1"]}));
    let results = plugin.call(GET_PUBLIC_IMAGES, json!({"repositoryName": "tool", "imageIds": []})).await.unwrap();
    assert_eq!((&results["imageIds"], results["images"].as_array().unwrap().len()), (&json!([]), 1));
    let ids: Vec<_> = (0..150).map(|number| json!({"imageTag": format!("t{number}")})).collect();
    let arguments = json!({"repositoryName": "tool", "imageIds": ids});
    let error = plugin.call(GET_PUBLIC_IMAGES, arguments).await.unwrap_err();
    assert!(error.message().contains("(ImageNotFoundException)"), "{error}");
    let asked = bodies(&ecr, "DescribeImages");
    assert_eq!((&asked[0]["imageIds"], &asked[1]["imageIds"]), (&json!(null), &json!(ids)), "whole: AWS has the limit");
    let arguments = json!({"repositoryName": "tool", "imageIds": [{"imageTag": secret("v1")}]});
    let results = plugin.call(GET_PUBLIC_IMAGES, arguments).await.unwrap();
    assert_eq!(results["repositoryName"], secret("tool"), "a secret inside makes all of it secret");
}

const GET_TOKEN: &str = "aws:ecr/getAuthorizationToken:getAuthorizationToken";
const GET_REPOSITORIES: &str = "aws:ecr/getRepositories:getRepositories";
const GET_PUBLIC_TOKEN: &str = "aws:ecrpublic/getAuthorizationToken:getAuthorizationToken";

/// All functions that call AWS, with arguments for what [`holding_everything`] holds.
fn calls() -> [(&'static str, Json); 10] {
    [
        (GET_CREDENTIALS, json!({"registryId": OWN_REGISTRY})),
        (GET_IMAGE, json!({"repositoryName": "team/app", "imageTag": "v1"})),
        (GET_IMAGES, json!({"repositoryName": "team/app"})),
        (GET_PUBLIC_IMAGES, json!({"repositoryName": "tool"})),
        (GET_PUBLIC_TOKEN, json!({})),
        (GET_REPOSITORIES, json!({})),
        (GET_REPOSITORY, json!({"name": "team/app"})),
        (GET_RULE, json!({"ecrRepositoryPrefix": "hub"})),
        (GET_TEMPLATE, json!({"prefix": "ROOT"})),
        (GET_TOKEN, json!({})),
    ]
}

async fn holding_everything() -> (Ecr, Plugin) {
    let (ecr, mut plugin) = registry().await;
    ecr.hold("publicRepositories", json!({"repositoryName": "tool"}));
    ecr.hold("rules", json!({"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}));
    ecr.hold("templates", json!({"prefix": "ROOT"}));
    let mut configuration = ecr_configuration(&ecr);
    // A custom endpoint may have Regions of any name otherwise.
    configuration["skipRegionValidation"] = false.into();
    plugin.configure(configuration).await.unwrap();
    (ecr, plugin)
}

#[tokio::test]
async fn every_function_calls_the_region_that_is_given() {
    let (ecr, mut plugin) = holding_everything().await;
    let mut requests = 0;
    for (function, mut arguments) in calls() {
        arguments["region"] = "us-west-2".into();
        let results = plugin.call(function, arguments).await.unwrap();
        // The official one's results have none.
        if function != GET_CREDENTIALS {
            assert_eq!(results["region"], "us-west-2", "{function}");
        }
        let called = if function.contains("ecrpublic") { "us-east-1" } else { "us-west-2" };
        let made = ecr.requests();
        assert!(made.len() > requests && made[requests..].iter().all(|made| made.region == called), "{function}");
        requests = made.len();
    }
}

/// Amazon ECR Public is called in another Region than the one that is named, which has to be one all the same.
#[tokio::test]
async fn a_region_that_is_none_is_refused_by_every_function() {
    let (ecr, mut plugin) = holding_everything().await;
    for (function, arguments) in calls() {
        for region in ["EU-WEST-1", "us-east-1a", "us_east_1", "fips-us-east-1", "us-east-1.evil.example"] {
            let mut arguments = arguments.clone();
            arguments["region"] = region.into();
            let error = plugin.call(function, arguments).await.map(|_| ()).expect_err(function);
            assert!(error.message().contains("is not the name of an AWS Region"), "{function} {region}: {error}");
        }
    }
    assert_eq!(ecr.connections(), 0);
}

#[tokio::test]
async fn policies_that_are_none() {
    let (ecr, mut plugin) = registry().await;
    for (prefix, policy) in [("no-json", "rules: []"), ("cut", r#"{"rules": ["#), ("two", "{} {}")] {
        ecr.hold("templates", json!({"prefix": prefix, "lifecyclePolicy": policy}));
        let error = plugin.call(GET_TEMPLATE, json!({"prefix": prefix})).await.unwrap_err();
        assert!(error.message().contains("the answer has a policy that is not JSON"), "{error}");
    }
    ecr.hold("templates", json!({"prefix": "odd", "lifecyclePolicy": " {} ", "repositoryPolicy": "null"}));
    let results = plugin.call(GET_TEMPLATE, json!({"prefix": "odd"})).await.unwrap();
    assert_eq!((&results["lifecyclePolicy"], &results["repositoryPolicy"]), (&json!("{}"), &json!("null")));
}

#[tokio::test]
async fn lifecycle_rules_at_their_edges() {
    let (ecr, mut plugin) = registry().await;
    let document =
        async |plugin: &mut Plugin, rules: Json| plugin.call(GET_DOCUMENT, json!({"rules": rules})).await.unwrap();
    assert_eq!(document(&mut plugin, json!([])).await, json!({"json": "{\n  \"rules\": []\n}", "rules": []}));
    let selection = json!({"tagStatus": "any", "countType": "sinceImagePushed", "countNumber": 1e15, "countUnit": null,
        "tagPrefixLists": null});
    let rule =
        json!({"priority": 7, "description": "\"a\"\n\u{2028}é\u{1f4e6}", "selection": selection, "action": null});
    let results = document(&mut plugin, json!([rule, rule])).await;
    let text = results["json"].as_str().unwrap();
    assert!(text.contains(r#""description": "\"a\"\n\u2028é📦","#), "{text}");
    assert!(text.contains(r#""countNumber": 1000000000000000"#) && !text.contains("null"), "{text}");
    assert_eq!(text.matches(r#""rulePriority": 7,"#).count(), 2, "AWS finds that priorities are equal");
    let results = document(&mut plugin, json!([secret(rule)])).await;
    assert_eq!(
        results["json"]["value"].as_str().map(str::is_empty),
        Some(false),
        "a secret rule makes a secret: {results}"
    );
    assert_eq!(ecr.connections(), 0);
}

/// Engines and SDKs keep such calls to themselves at preview; whoever does not gets the argument's name.
#[tokio::test]
async fn arguments_that_are_not_known_yet_make_no_call() {
    let (ecr, mut plugin) = registry().await;
    for (function, arguments, property) in [
        (GET_REPOSITORY, json!({"name": UNKNOWN}), "name"),
        (GET_IMAGE, json!({"repositoryName": "team/app", "imageTag": UNKNOWN}), "imageTag"),
        (GET_IMAGES, json!({"repositoryName": UNKNOWN}), "repositoryName"),
        (GET_RULE, json!({"ecrRepositoryPrefix": UNKNOWN}), "ecrRepositoryPrefix"),
        (GET_TEMPLATE, json!({"prefix": UNKNOWN}), "prefix"),
        (
            GET_PUBLIC_IMAGES,
            json!({"repositoryName": "tool", "imageIds": [{"imageTag": UNKNOWN}]}),
            "imageIds[0].imageTag",
        ),
        (GET_DOCUMENT, json!({"rules": UNKNOWN}), "rules"),
        (GET_TOKEN, json!({"registryId": UNKNOWN}), "registryId"),
        (GET_REPOSITORIES, json!({"region": UNKNOWN}), "region"),
        (GET_PUBLIC_TOKEN, json!({"region": UNKNOWN}), "region"),
    ] {
        let response = plugin.invoke(function, arguments).await.unwrap();
        let failures: Vec<_> = response.failures.iter().map(|failure| failure.property.as_str()).collect();
        assert_eq!(failures, [property], "{function}");
        assert!(response.failures[0].reason.contains("is a value that is not known yet"), "{function}");
    }
    assert_eq!(ecr.connections(), 0);
}
