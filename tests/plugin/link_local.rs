//! The services of containers and instances at the addresses that they have in AWS: in a network of the test's own, which
//! has nothing but those.

use std::{env, process::Command};

use support::{
    ecr::Ecr,
    http::{Reply, Server},
};

use crate::{
    credentials::{CONTAINER_KEYS, metadata_at},
    machine::{Machine, calls},
};

/// Set in the process that runs in the network.
const INSIDE: &str = "LINK_LOCAL_NETWORK";
const NETWORK: &str =
    "ip link set lo up && ip address add 169.254.170.2 dev lo && ip address add 169.254.169.254 dev lo";

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
    let machine = Machine::new().var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/task?id=1");
    let mut running = machine.configured(calls(&ecr)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "ASIACONTAINER");
    assert_eq!(container.asked()[0].path, "/v2/credentials/task?id=1");
    assert_eq!(running.source().await, "the container's service at http://169.254.170.2/v2/credentials/task");

    let _instance = metadata_at("169.254.169.254:80", true).await;
    let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED");
    assert_eq!(machine.configured(calls(&ecr)).await.asked(&ecr).await.access_key, "ASIAINSTANCE");
}
