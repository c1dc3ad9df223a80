//! The services of containers and instances at the addresses that they have in AWS: in a network of the test's own, which
//! has nothing but those.

use std::{env, process::Command};

use serde_json::json;
use support::{
    ecr::Ecr,
    http::{Reply, Server},
};

use crate::{
    credentials::{CONTAINER_KEYS, metadata_at},
    machine::{Machine, calls, with},
};

/// Set in the process that runs in the network.
const INSIDE: &str = "LINK_LOCAL_NETWORK";
const NETWORK: &str = "ip link set lo up && for address in 169.254.170.2 169.254.170.23 169.254.169.254 fd00:ec2::254; do \
                       ip address add $address dev lo || exit; done";

#[tokio::test]
async fn containers_and_instances_find_their_services_at_their_addresses() {
    if env::var_os(INSIDE).is_some() {
        return inside().await;
    }
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "sh", "-c", script]).arg(env::current_exe().unwrap());
        command.env(INSIDE, "true").output()
    };
    if !unshared(NETWORK).is_ok_and(|output| output.status.success()) {
        assert!(env::var_os("CI").is_none(), "no network of one's own: needs user namespaces and iproute2");
        eprintln!("SKIPPED: no network of one's own: needs user namespaces and iproute2");
        return;
    }
    let this = "link_local::containers_and_instances_find_their_services_at_their_addresses";
    let output = unshared(&format!("{NETWORK} && exec \"$0\" --exact {this} --nocapture")).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

async fn inside() {
    let ecr = Ecr::start().await.unwrap();
    let container =
        Server::start_at("169.254.170.2:80", |_| Reply::Body(200, CONTAINER_KEYS.to_owned())).await.unwrap();
    let machine = Machine::new()
        .var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/task?id=1")
        .var("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/not-asked");
    let mut running = machine.configured(calls(&ecr)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIACONTAINER");
    assert_eq!(container.asked()[0].path, "/v2/credentials/task?id=1");
    assert_eq!(running.source().await, "the container's service at http://169.254.170.2");

    let pod = Server::start_at("169.254.170.23:80", |_| Reply::Body(200, CONTAINER_KEYS.to_owned())).await.unwrap();
    let machine = Machine::new().file("token", "pod-token");
    let token = machine.path("token");
    let machine = machine
        .var("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials")
        .var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token);
    assert_eq!(machine.configured(calls(&ecr)).await.asked(&ecr).await.access_key, "ASIACONTAINER");
    assert_eq!(pod.asked()[0].header("authorization"), "pod-token");

    // Before there is any other.
    let _newer = metadata_at("[fd00:ec2::254]:80", true).await;
    let machine = || Machine::new().without("AWS_EC2_METADATA_DISABLED");
    for (machine, more) in [
        (machine(), json!({"ec2MetadataServiceEndpointMode": "IPv6"})),
        (machine().var("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6"), json!({})),
        (machine().config("[default]\nec2_metadata_service_endpoint_mode = IPv6\n"), json!({})),
    ] {
        let mut running = machine.configured(with(calls(&ecr), more)).await;
        assert_eq!(running.asked(&ecr).await.access_key, "ASIAINSTANCE");
    }

    let _instance = metadata_at("169.254.169.254:80", true).await;
    let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED");
    assert_eq!(machine.configured(calls(&ecr)).await.asked(&ecr).await.access_key, "ASIAINSTANCE");
}
