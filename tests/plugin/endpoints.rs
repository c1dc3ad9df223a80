//! Which hosts are called, as a proxy is asked for them: nothing leaves the machine.

use serde_json::{Value as Json, json};
use support::{ecr::Ecr, proxy::Proxy, sts::Sts};

use crate::{
    credentials::{SESSION_CACHE, SSO_SESSION, sso_token, sso_token_to_renew},
    machine::{Machine, calls, with},
};

/// What the proxy was asked for.
async fn targets(machine: Machine, configuration: Json) -> Vec<String> {
    let proxy = Proxy::start().await.unwrap();
    let machine =
        machine.keys().var("HTTPS_PROXY", proxy.url()).var("HTTP_PROXY", proxy.url()).var("AWS_MAX_ATTEMPTS", "1");
    machine.error(configuration).await;
    proxy.targets()
}

#[tokio::test]
async fn each_partition_has_its_hosts() {
    for (region, host) in [
        ("eu-west-1", "api.ecr.eu-west-1.amazonaws.com:443"),
        ("cn-north-1", "api.ecr.cn-north-1.amazonaws.com.cn:443"),
        ("us-gov-west-1", "api.ecr.us-gov-west-1.amazonaws.com:443"),
        ("us-iso-east-1", "api.ecr.us-iso-east-1.c2s.ic.gov:443"),
        ("us-isob-east-1", "api.ecr.us-isob-east-1.sc2s.sgov.gov:443"),
        ("eu-isoe-west-1", "api.ecr.eu-isoe-west-1.cloud.adc-e.uk:443"),
        ("us-isof-south-1", "api.ecr.us-isof-south-1.csp.hci.ic.gov:443"),
    ] {
        assert_eq!(targets(Machine::new(), json!({"region": region})).await, [host]);
    }
}

#[tokio::test]
async fn fips_and_dual_stack_come_from_the_configuration_the_environment_and_the_profile() {
    let region = json!({"region": "us-east-1"});
    let profile = |line: &str| Machine::new().config(&format!("[default]\n{line}\n"));
    let fips = "api.ecr-fips.us-east-1.amazonaws.com:443";
    let dual_stack = "ecr.us-east-1.api.aws:443";
    for (machine, more, host) in [
        (Machine::new(), json!({"useFipsEndpoint": "true"}), fips),
        (Machine::new().var("AWS_USE_FIPS_ENDPOINT", "true"), json!({}), fips),
        (profile("use_fips_endpoint = true"), json!({}), fips),
        (Machine::new(), json!({"useDualstackEndpoint": true}), dual_stack),
        (Machine::new().var("AWS_USE_DUALSTACK_ENDPOINT", "true"), json!({}), dual_stack),
        (profile("use_dualstack_endpoint = true"), json!({}), dual_stack),
        (
            Machine::new(),
            json!({"useFipsEndpoint": true, "useDualstackEndpoint": true}),
            "ecr-fips.us-east-1.api.aws:443",
        ),
        (
            Machine::new().var("AWS_USE_FIPS_ENDPOINT", "true"),
            json!({"useFipsEndpoint": false}),
            "api.ecr.us-east-1.amazonaws.com:443",
        ),
        (
            Machine::new().var("AWS_USE_DUALSTACK_ENDPOINT", "true"),
            json!({"useDualstackEndpoint": false}),
            "api.ecr.us-east-1.amazonaws.com:443",
        ),
        (
            profile("use_fips_endpoint = true").var("AWS_USE_FIPS_ENDPOINT", "false"),
            json!({}),
            "api.ecr.us-east-1.amazonaws.com:443",
        ),
        (
            Machine::new(),
            json!({"useFipsEndpoint": true, "region": "us-gov-west-1"}),
            "api.ecr-fips.us-gov-west-1.amazonaws.com:443",
        ),
        (
            Machine::new(),
            json!({"useDualstackEndpoint": true, "region": "cn-north-1"}),
            "ecr.cn-north-1.api.amazonwebservices.com.cn:443",
        ),
    ] {
        assert_eq!(targets(machine, with(region.clone(), more.clone())).await, [host], "{more}");
    }
}

#[tokio::test]
async fn sts_is_called_in_its_own_region_and_partition() {
    for (partition, more, host) in [
        ("aws", json!({}), "sts.eu-west-1.amazonaws.com:443"),
        ("aws", json!({"stsRegion": "us-east-2"}), "sts.us-east-2.amazonaws.com:443"),
        ("aws", json!({"stsRegion": "us-east-2", "useFipsEndpoint": true}), "sts-fips.us-east-2.amazonaws.com:443"),
        ("aws", json!({"useDualstackEndpoint": true}), "sts.eu-west-1.api.aws:443"),
        ("aws-cn", json!({"region": "cn-north-1"}), "sts.cn-north-1.amazonaws.com.cn:443"),
        ("aws-us-gov", json!({"region": "us-gov-east-1"}), "sts.us-gov-east-1.amazonaws.com:443"),
        ("aws-iso", json!({"region": "us-iso-east-1"}), "sts.us-iso-east-1.c2s.ic.gov:443"),
    ] {
        let role = json!([{"roleArn": format!("arn:{partition}:iam::111122223333:role/r")}]);
        let configuration = with(json!({"region": "eu-west-1", "assumeRoles": role}), more);
        assert_eq!(targets(Machine::new(), configuration).await, [host]);
    }
}

#[tokio::test]
async fn sso_is_called_in_the_region_of_the_session() {
    let profile = SSO_SESSION.replace("eu-west-1", "eu-north-1");
    let machine = Machine::new().config(&profile).file(SESSION_CACHE, sso_token_to_renew("2999-01-01T00:00:00Z"));
    let hosts = targets(machine, json!({"region": "eu-west-1", "profile": "p"})).await;
    assert_eq!(hosts, ["oidc.eu-north-1.amazonaws.com:443"]);
    let machine = Machine::new().config(&profile).file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z"));
    let hosts = targets(machine, json!({"region": "eu-west-1", "profile": "p"})).await;
    assert_eq!(hosts, ["portal.sso.eu-north-1.amazonaws.com:443"]);
}

#[tokio::test]
async fn custom_endpoints_come_from_the_configuration_the_environment_and_the_profile() {
    let profile = |lines: &str| Machine::new().config(lines);
    for service in [true, false] {
        let name = if service { "AWS_ENDPOINT_URL_ECR" } else { "AWS_ENDPOINT_URL" };
        let ecr = Ecr::start().await.unwrap();
        let lines = match service {
            true => format!("[default]\nservices = s\n[services s]\necr =\n  endpoint_url = {}\n", ecr.url()),
            false => format!("[default]\nendpoint_url = {}\n", ecr.url()),
        };
        for machine in [Machine::new().var(name, ecr.url()), profile(&lines)] {
            let mut running = machine.keys().configured(json!({"region": "eu-west-1"})).await;
            assert_eq!(running.asked(&ecr).await.region, "eu-west-1");
        }
    }
}

#[tokio::test]
async fn the_endpoint_that_is_named_most_closely_wins() {
    const PLACES: usize = 5;
    for winner in 0..PLACES {
        let ecr = Ecr::start().await.unwrap();
        // Those before the winner lead nowhere, those behind it do not exist.
        let url =
            |place: usize| (place <= winner).then(|| if place == winner { ecr.url() } else { NOWHERE.to_owned() });
        let line = |place: usize| url(place).map(|url| format!("endpoint_url = {url}\n")).unwrap_or_default();
        let profile = format!("[default]\n{}services = s\n[services s]\necr =\n  {}", line(0), line(1));
        let machine = Machine::new().keys().config(&profile);
        let machine = machine.var("AWS_ENDPOINT_URL", url(2).unwrap_or_default());
        let machine = machine.var("AWS_ENDPOINT_URL_ECR", url(3).unwrap_or_default());
        let configured = url(4).map_or_else(|| json!({}), |url| json!({"endpoints": [{"ecr": url}]}));
        let configuration = with(json!({"region": "eu-west-1", "maxRetries": 1}), configured);
        machine.configured(configuration).await.asked(&ecr).await;
    }
}

/// A URL that refuses connections.
const NOWHERE: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn endpoints_of_the_environment_and_the_profile_can_be_left_out() {
    let region = json!({"region": "eu-west-1"});
    let profile = format!("[default]\nendpoint_url = {NOWHERE}\n");
    for machine in [
        Machine::new().config(&profile).var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        Machine::new().config(&format!("{profile}ignore_configured_endpoint_urls = true\n")),
        Machine::new().var("AWS_ENDPOINT_URL_ECR", NOWHERE).var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ] {
        assert_eq!(targets(machine, region.clone()).await, ["api.ecr.eu-west-1.amazonaws.com:443"]);
    }
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().keys().var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    machine.configured(calls(&ecr)).await.asked(&ecr).await;
}

#[tokio::test]
async fn each_service_is_called_at_its_own_endpoint() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let more = json!({"assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/r"}]});
    let profile = format!("[default]\nservices = s\n[services s]\nsts =\n  endpoint_url = {}\n", sts.url());
    for machine in [Machine::new().var("AWS_ENDPOINT_URL_STS", sts.url()), Machine::new().config(&profile)] {
        machine.keys().configured(with(calls(&ecr), more.clone())).await.asked(&ecr).await;
    }
    assert_eq!((sts.asked().len(), ecr.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_custom_endpoint_is_called_whatever_is_said_of_fips_but_not_as_dual_stack() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = Machine::new().keys().var("AWS_USE_FIPS_ENDPOINT", "true").configured(calls(&ecr)).await;
    running.asked(&ecr).await;
    let error = Machine::new().keys().var("AWS_USE_DUALSTACK_ENDPOINT", "true").error(calls(&ecr)).await;
    assert!(error.contains("the configuration leads to no endpoint: "), "{error}");
    assert!(error.contains("Dualstack") && error.ends_with("and the settings for FIPS and dual-stack."), "{error}");
}

#[tokio::test]
async fn aws_s_own_hosts_are_called_by_tls_alone() {
    const OPEN: &str = "http://api.ecr.eu-west-1.amazonaws.com";
    let mut running = Machine::new().start().await;
    let failures = running.plugin.check_config(json!({"endpoints": json!([{"ecr": OPEN}]).to_string()})).await;
    let failures = failures.unwrap().failures;
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(
        (failure.property.as_str(), failure.reason.as_str()),
        ("endpoints[0].ecr", "must be https, since the host is AWS's own")
    );
    let proxy = Proxy::start().await.unwrap();
    let profile = format!("[default]\nendpoint_url = {OPEN}\n");
    for machine in [Machine::new().var("AWS_ENDPOINT_URL_ECR", OPEN), Machine::new().config(&profile)] {
        let machine = machine.var("HTTP_PROXY", proxy.url()).keys();
        let error = machine.error(json!({"region": "eu-west-1"})).await;
        assert!(error.contains("is not https, although the host is AWS's own"), "{error}");
    }
    assert!(proxy.heads().is_empty(), "nothing is sent");
}
