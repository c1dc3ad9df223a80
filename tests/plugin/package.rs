//! The package of its own: what the executable serves under its other name.

use std::path::Path;

use pulumi_resource_aws::{
    packages::AWS_ECR,
    proto::pulumirpc::{self as rpc, GetSchemaRequest},
};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr},
    plugin::{GET_CREDENTIALS, Plugin, command, ecr_configuration, executable, serving},
};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{error_texts::foreign, machine::Machine};

async fn version(executable: &Path) -> String {
    let output = Command::new(executable).arg("--version").output().await.expect("the plugin runs");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn a_copy_and_either_kind_of_link_serve_it() {
    let folder = TempDir::new_in(executable().parent().unwrap()).unwrap();
    let named = |kind: &str| {
        let folder = folder.path().join(kind);
        std::fs::create_dir(&folder).unwrap();
        folder.join("pulumi-resource-aws-ecr")
    };
    let [copy, hard, symbolic] = ["copy", "hard", "symbolic"].map(named);
    // Not by this process: while a child of another test still has the copy open for writing, nobody can run it.
    let copied = Command::new("cp").args([executable().as_ref(), copy.as_path()]).status().await.unwrap();
    assert!(copied.success());
    std::fs::hard_link(executable(), &hard).unwrap();
    std::os::unix::fs::symlink(executable(), &symbolic).unwrap();
    for path in [copy, hard, symbolic] {
        assert_eq!(version(&path).await, format!("pulumi-resource-aws-ecr {}\n", AWS_ECR.version), "{path:?}");
    }
}

#[tokio::test]
async fn its_functions_have_tokens_of_its_own() {
    serving(&AWS_ECR, async {
        let ecr = Ecr::start().await.unwrap();
        let mut plugin = Plugin::for_ecr(&ecr).await;
        assert_eq!(plugin.client.get_plugin_info(()).await.unwrap().into_inner().version, AWS_ECR.version);
        let credentials = plugin.get_credentials("123456789012").await.unwrap();
        assert_eq!(credentials["registryId"], "123456789012");
        let request = rpc::InvokeRequest { tok: GET_CREDENTIALS.to_owned(), args: None };
        let refused = plugin.client.invoke(request).await.map(drop).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::NotFound);
        let own = refused.message().replace(GET_CREDENTIALS, "");
        assert!(own.contains("this aws-ecr plugin (0."), "{own}");
        assert!(own.contains("aws-ecr:index:getCredentials"), "{own}");
        assert_eq!(foreign(&own), None, "{own}");
    })
    .await;
}

/// The names of what has the same name in the official package's module `ecr`.
const PUBLIC: [&str; 2] = ["aws-ecr:index:getPublicAuthorizationToken", "aws-ecr:index:getPublicImages"];

#[tokio::test]
async fn what_is_of_amazon_ecr_public_says_so() {
    serving(&AWS_ECR, async {
        let ecr = Ecr::start().await.unwrap();
        let mut plugin = Plugin::for_ecr(&ecr).await;
        let [token, images] = PUBLIC;
        plugin.call(token, json!({})).await.unwrap();
        // The stand-in holds no repository; who was asked counts.
        plugin.call(images, json!({"repositoryName": "my-app"})).await.unwrap_err();
        let asked: Vec<_> = ecr.requests().into_iter().map(|request| request.service).collect();
        assert_eq!(asked, ["ecr-public"; 2]);
    })
    .await;
}

#[tokio::test]
async fn tokens_and_passwords_are_secret_always() {
    serving(&AWS_ECR, async {
        for wish in ["false", "true"] {
            let ecr = Ecr::start().await.unwrap();
            let mut command = command();
            command.env("PULUMI_AWS_ECR_SECRET_RESULTS", wish);
            let mut plugin = Plugin::from_command(command).await;
            plugin.configure(ecr_configuration(&ecr)).await.unwrap();
            for function in ["getCredentials", "getAuthorizationToken", "getPublicAuthorizationToken"] {
                let arguments = match function {
                    "getCredentials" => json!({"registryId": "123456789012"}),
                    _ => json!({}),
                };
                let results = plugin.call(&format!("aws-ecr:index:{function}"), arguments).await.unwrap();
                let is_secret = |(_, value): &(&String, &Json)| value.get("4dabf18193072939515e22adb298388d").is_some();
                let secret: Vec<_> =
                    results.as_object().unwrap().iter().filter(is_secret).map(|(name, _)| name).collect();
                assert_eq!(secret, ["authorizationToken", "password"], "{function}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_it_refuses_it_refuses_in_its_own_words() {
    serving(&AWS_ECR, async {
        let mut plugin = Plugin::start().await;
        let refused = plugin.client.create(rpc::CreateRequest::default()).await.map(drop).unwrap_err();
        assert!(refused.message().contains("this aws-ecr plugin"), "{refused:?}");
        assert_eq!(foreign(refused.message()), None, "{refused:?}");
        let refused = plugin.configure(json!({"accessKey": "AKID"})).await.unwrap_err();
        assert!(refused.message().contains("aws-ecr:secretKey is missing"), "{refused:?}");
        assert_eq!(foreign(refused.message()), None, "{refused:?}");
        for argument in ["--help", "--colour"] {
            let output = command().arg(argument).output().await.unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(text.contains("Usage: pulumi-resource-aws-ecr "), "{text}");
            assert!(text.contains("PULUMI_DEBUG_PROVIDERS=aws-ecr:PORT"), "{text}");
            assert_eq!(foreign(&text), None, "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_configuration_has_its_namespace() {
    serving(&AWS_ECR, async {
        let ecr = Ecr::start().await.unwrap();
        let mut running = Machine::new().keys().start().await;
        let text = |value: Json| value.to_string();
        let variables = [
            ("aws-ecr:config:region", "eu-north-1".to_owned()),
            ("aws-ecr:config:endpoints", text(json!([{"ecr": ecr.url()}]))),
            ("aws:config:region", "us-east-1".to_owned()),
        ];
        let variables = variables.map(|(key, value)| (key.to_owned(), value)).into();
        let request = rpc::ConfigureRequest { variables, accept_secrets: true, ..Default::default() };
        running.plugin.client.handshake(rpc::ProviderHandshakeRequest::default()).await.unwrap();
        running.plugin.client.configure(request).await.unwrap();
        let asked = running.asked(&ecr).await;
        assert!(format!("{asked:?}").contains("eu-north-1"), "{asked:?}");
    })
    .await;
}

#[tokio::test]
async fn the_schema_is_derived_from_the_one_description() {
    let schema = serving(&AWS_ECR, async {
        let mut plugin = Plugin::start().await;
        let schema = plugin.client.get_schema(GetSchemaRequest::default()).await.unwrap().into_inner().schema;
        serde_json::from_str::<Json>(&schema).unwrap()
    })
    .await;
    let described: Json = serde_json::from_str(include_str!("../../schema.json")).unwrap();
    assert_eq!((&schema["name"], &schema["version"]), (&json!("aws-ecr"), &json!(AWS_ECR.version)));
    assert_eq!(schema["license"], "Apache-2.0");
    for keyword in ["aws", "ecr", "category/cloud", "kind/native"] {
        assert!(schema["keywords"].as_array().unwrap().contains(&json!(keyword)), "{keyword}");
    }
    let text = schema.to_string();
    for theirs in ["\"aws:", "#/types/aws:", "official provider", "aws package", "github.com/pulumi/pulumi-aws"] {
        assert!(!text.contains(theirs), "{theirs}: {text}");
    }
    let (own, all) = (schema["functions"].as_object().unwrap(), described["functions"].as_object().unwrap());
    assert_eq!(own.len(), all.len());
    let of_ecr_public: Vec<_> = own.keys().filter(|token| token.contains("Public")).collect();
    assert_eq!(of_ecr_public, PUBLIC);
    for (token, function) in all {
        let same = &own[(AWS_ECR.token)(token).as_ref()];
        for part in ["inputs", "outputs"] {
            let names = |function: &Json| {
                let properties = function[part]["properties"].as_object();
                properties.map(|properties| properties.keys().cloned().collect::<Vec<_>>())
            };
            assert_eq!(names(same), names(function), "{token}");
        }
    }
    let keys = schema["config"]["variables"].as_object().unwrap();
    assert!(keys.contains_key("assumeRoles") && !keys.contains_key("assumeRole") && !keys.contains_key("defaultTags"));
    assert_eq!(schema["config"]["variables"], schema["provider"]["inputProperties"]);
}

/// A key of the official provider's that this one leaves out, one of another namespace, and one that is misspelt: nobody else
/// reads `aws-ecr:`, so whoever set it meant this package.
#[tokio::test]
async fn keys_that_it_does_not_have_are_refused() {
    serving(&AWS_ECR, async {
        for (key, value) in [
            ("assumeRole", json!({"roleArn": "arn:aws:iam::111122223333:role/Deploy"})),
            ("aws:region", json!("eu-west-1")),
            ("reigon", json!("eu-west-1")),
            ("assumeRoles", json!([{"rolearn": "arn:aws:iam::111122223333:role/Deploy"}])),
        ] {
            let told = Plugin::start().await.configure(json!({ key: value })).await.unwrap_err();
            assert!(told.message().contains("is not a key of aws-ecr's configuration, which has here: "), "{told:?}");
        }
    })
    .await;
    let of_the_official_one = json!({"region": "eu-west-1", "defaultTags": {"tags": {"a": "b"}}, "unheardOf": "x"});
    Plugin::start().await.configure(of_the_official_one).await.unwrap();
}

#[tokio::test]
async fn sessions_of_roles_are_named_for_it() {
    serving(&AWS_ECR, async {
        let (ecr, sts) = (Ecr::start().await.unwrap(), support::sts::Sts::start().await.unwrap());
        ecr.answer_always(Answer::Html(404));
        let role = json!([{"roleArn": "arn:aws:iam::111122223333:role/Deploy"}]);
        let configuration = json!({"region": "eu-west-1", "maxRetries": 1, "assumeRoles": role, "endpoints": [{"ecr": ecr.url()}, {"sts": sts.url()}]});
        Machine::new().keys().error(configuration).await;
        let asked = format!("{:?}", sts.asked());
        assert!(asked.contains("pulumi-resource-aws-ecr-"), "{asked}");
    })
    .await;
}
