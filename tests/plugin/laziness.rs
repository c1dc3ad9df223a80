//! Nothing is asked or looked up before a function is called.

use pulumi_resource_aws::proto::pulumirpc as rpc;
use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
    plugin::{Plugin, command, ecr_configuration},
};

use crate::machine::with;

#[tokio::test]
async fn nothing_is_opened_before_the_first_invoke() {
    let ecr = Ecr::start().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let marker = home.path().join("asked");
    // Whoever looks for credentials runs this process, and whoever asks for a Region or a role calls the stand-in.
    let config = format!("[default]\ncredential_process = touch {}\nregion = eu-west-1\n", marker.display());
    std::fs::write(home.path().join("config"), config).unwrap();
    let mut command = command();
    command
        .env("AWS_CONFIG_FILE", home.path().join("config"))
        .env("AWS_ENDPOINT_URL", ecr.url())
        .env_remove("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", ecr.url());
    let mut plugin = Plugin::from_command(command).await;
    plugin.client.get_plugin_info(()).await.unwrap();
    let before = plugin.sockets();

    plugin.client.get_schema(rpc::GetSchemaRequest::default()).await.unwrap();
    plugin.check_config(json!({"endpoints": [{"ecr": ecr.url(), "sts": ecr.url()}]})).await.unwrap();
    plugin.client.diff_config(rpc::DiffRequest::default()).await.unwrap();
    plugin.configure(json!({"endpoints": [{"ecr": ecr.url(), "sts": ecr.url()}]})).await.unwrap();

    assert_eq!(plugin.sockets(), before, "a socket was opened");
    assert_eq!(ecr.connections(), 0, "AWS was called");
    assert!(!marker.exists(), "credentials were looked for");

    plugin.error().await;
    assert!(marker.exists(), "the test would not notice a look-up");
}

#[tokio::test]
async fn explicit_keys_and_region_open_one_connection() {
    let ecr = Ecr::start().await.unwrap();
    let metadata = Server::start(|_| Reply::Body(500, String::new())).await.unwrap();
    let mut command = command();
    command.env_remove("AWS_EC2_METADATA_DISABLED").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
    let mut plugin = Plugin::from_command(command).await;
    plugin.configure(ecr_configuration(&ecr)).await.unwrap();
    let before = plugin.sockets();
    plugin.get_credentials("123456789012").await.unwrap();
    assert_eq!((ecr.connections(), plugin.sockets()), (1, before + 1));
    assert!(metadata.asked().is_empty());
}

#[tokio::test]
async fn nothing_is_opened_or_read_whatever_is_configured() {
    let server = Server::start(|_| Reply::Body(500, String::new())).await.unwrap();
    let (url, role) = (server.url(), "arn:aws:iam::111122223333:role/r");
    let base = json!({
        "endpoints": [{"ecr": url, "sts": url, "sso": url}],
        "ec2MetadataServiceEndpoint": url,
        "httpProxy": url,
        "httpsProxy": url,
        "assumeRoles": [{"roleArn": role}],
        "allowedAccountIds": ["111122223333"],
        "maxRetries": 1,
        "skipCredentialsValidation": false,
        "skipRequestingAccountId": false,
    });
    let mut asked = 0;
    for more in [
        json!({"profile": "p", "sharedConfigFiles": ["/absent"], "customCaBundle": "/absent"}),
        json!({"assumeRoleWithWebIdentity": {"roleArn": role, "webIdentityTokenFile": "/absent"}}),
        json!({"accessKey": "AKIDEXAMPLE", "secretKey": "s", "region": "eu-west-1"}),
    ] {
        let configuration = with(base.clone(), more);
        let mut command = command();
        command.env_remove("AWS_EC2_METADATA_DISABLED");
        let mut plugin = Plugin::from_command(command).await;
        plugin.client.get_plugin_info(()).await.unwrap();
        let before = plugin.sockets();
        let checked = plugin.check_config(configuration.clone()).await.unwrap();
        assert_eq!(checked.failures.len(), 0, "{configuration}");
        plugin.configure(configuration.clone()).await.expect("absent files are not missed yet");
        assert_eq!(plugin.sockets(), before, "a socket was opened: {configuration}");
        assert_eq!(server.asked().len(), asked, "{configuration}");
        plugin.error().await;
        asked = server.asked().len();
    }
    assert_ne!(asked, 0, "the test would not notice a call");
}
