//! How AWS is called: proxies, trust, tries, times, and the user agent.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use pulumi_resource_aws::packages::{AWS, AWS_ECR};
use serde_json::json;
use support::{
    ecr::{Answer, Ecr},
    http::{Reply, Server},
    moto::Moto,
    plugin::serving,
    proxy::Proxy,
    tls::{Authority, Tls},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::{
    machine::{Machine, REGISTRY, calls, make_pipe, with},
    servers::{MAX_MEMORY_KB, peak_memory},
};

/// A host that no name server is asked for: only the proxy hears of it.
const REMOTE: &str = "ecr.test";

#[tokio::test]
async fn a_proxy_is_configured_or_in_the_environment() {
    for (scheme, target) in [("http", "http://ecr.test/"), ("https", "ecr.test:443")] {
        let proxy = Proxy::start().await.unwrap();
        let endpoint = json!({"region": "eu-west-1", "endpoints": [{"ecr": format!("{scheme}://{REMOTE}")}]});
        let configured = json!({format!("{scheme}Proxy"): proxy.url_with("user", "pass%40word")});
        let variable = format!("{}_PROXY", scheme.to_uppercase());
        for (machine, more) in [
            (Machine::new(), configured),
            (Machine::new().var(&variable, proxy.url_with("user", "pass%40word")), json!({})),
            (
                Machine::new().without(&variable).var(&variable.to_lowercase(), proxy.url_with("user", "pass%40word")),
                json!({}),
            ),
        ] {
            let before = proxy.heads().len();
            let error = machine.keys().error(with(endpoint.clone(), with(more, json!({"maxRetries": 1})))).await;
            assert_eq!(proxy.targets(), [target]);
            assert!(!error.contains("pass"), "{error}");
            let expected = format!("Basic {}", BASE64_STANDARD.encode("user:pass@word"));
            let [head] = &proxy.heads()[before..] else { panic!("one request") };
            let authorization = head.iter().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("proxy-authorization").then_some(value)
            });
            assert_eq!(authorization, Some(expected.as_str()), "{scheme}");
        }
    }
}

#[tokio::test]
async fn one_proxy_serves_both_schemes_unless_there_is_another() {
    for (variables, more, first_is_asked) in [
        (vec![], "httpProxy", true),
        (vec!["HTTPS_PROXY"], "httpProxy", false),
        (vec!["ALL_PROXY"], "httpProxy", true),
        (vec!["ALL_PROXY"], "httpsProxy", true),
        (vec!["ALL_PROXY"], "userAgents", false),
    ] {
        let (first, second) = (Proxy::start().await.unwrap(), Proxy::start().await.unwrap());
        let machine = Machine::new().keys().without("HTTPS_PROXY").without("HTTP_PROXY").without("ALL_PROXY");
        let machine = variables.iter().fold(machine, |machine, name| machine.var(name, second.url()));
        let more = match more {
            "userAgents" => json!({}),
            key => json!({key: first.url()}),
        };
        let endpoint = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": [{"ecr": "https://ecr.test"}]});
        let error = machine.error(with(endpoint, more.clone())).await;
        let asked = if first_is_asked { [&first, &second] } else { [&second, &first] };
        assert_eq!((asked[0].targets(), asked[1].targets()), (vec!["ecr.test:443".to_owned()], vec![]), "{more}");
        assert!(error.contains(&format!("through the proxy {}: it refused ", asked[0].url())), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_of_everything_that_speaks_no_http_is_left_out() {
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().keys().without("HTTP_PROXY").without("HTTPS_PROXY");
    let machine = machine.var("ALL_PROXY", "socks5://127.0.0.1:9");
    machine.configured(calls(&ecr)).await.asked(&ecr).await;
}

#[tokio::test]
async fn tls_goes_through_a_proxy_to_the_server() {
    let (authority, ecr) = (Authority::new("ours"), Ecr::start().await.unwrap());
    let tls = Tls::start(authority.certificate(REMOTE), ecr.address()).await.unwrap();
    let proxy = Proxy::start_to(tls.address()).await.unwrap();
    let machine = Machine::new().keys().file("ca.pem", authority.pem());
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": format!("https://{REMOTE}")}],
        "httpsProxy": proxy.url(), "customCaBundle": machine.path("ca.pem")});
    let asked = machine.configured(configuration).await.asked(&ecr).await;
    assert_eq!(asked.access_key, "AKIDENVIRONMENT");
    assert_eq!(proxy.targets(), ["ecr.test:443"]);
}

#[tokio::test]
async fn calls_share_a_connection_with_a_server_that_speaks_http2() {
    let (authority, ecr) = (Authority::new("ours"), Ecr::start().await.unwrap());
    let tls = Tls::start_http2(authority.certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let machine = Machine::new().keys().file("ca.pem", authority.pem());
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": tls.url()}],
        "customCaBundle": machine.path("ca.pem")});
    let mut running = machine.configured(configuration).await;
    running.asked(&ecr).await;
    let calls: Vec<_> =
        (0..10).map(|number| running.plugin.begin(json!({"registryId": format!("{number:012}")}))).collect();
    for call in calls {
        call.await.unwrap().expect("a token");
    }
    assert_eq!(ecr.connections(), 1);
}

#[tokio::test]
async fn no_proxy_leaves_hosts_out() {
    for (machine, more) in [
        (Machine::new(), json!({"noProxy": "other.example, .test"})),
        (Machine::new().var("NO_PROXY", "ecr.test"), json!({})),
        (Machine::new().var("NO_PROXY", "other"), json!({"noProxy": "*"})),
    ] {
        let proxy = Proxy::start().await.unwrap();
        let configuration = with(
            json!({"region": "eu-west-1", "endpoints": [{"ecr": "https://ecr.test"}], "httpsProxy": proxy.url()}),
            with(more, json!({"maxRetries": 1})),
        );
        let error = machine.keys().error(configuration).await;
        assert!(error.contains("ecr.test:443 could not be reached: "), "{error}");
        assert!(proxy.heads().is_empty());
    }
}

#[tokio::test]
async fn this_machine_and_the_link_are_never_called_through_a_proxy() {
    let (proxy, ecr) = (Proxy::start().await.unwrap(), Ecr::start().await.unwrap());
    let machine =
        || Machine::new().var("HTTP_PROXY", proxy.url()).var("ALL_PROXY", proxy.url()).without("NO_PROXY").keys();
    let more = json!({"httpProxy": proxy.url()});
    machine().configured(with(calls(&ecr), more)).await.asked(&ecr).await;
    let endpoint = format!("http://localhost:{}", ecr.address().port());
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": endpoint}]});
    machine().configured(configuration).await.asked(&ecr).await;
    assert!(proxy.heads().is_empty(), "neither AWS nor the engine is called by the proxy: {:?}", proxy.heads());
}

#[tokio::test]
async fn an_unreachable_host_is_named_with_its_proxy() {
    let configuration = json!({"region": "eu-west-1", "maxRetries": 1});
    let error = Machine::new().keys().error(configuration).await;
    let expected = "api.ecr.eu-west-1.amazonaws.com:443 could not be reached through the proxy http://127.0.0.1:9: ";
    assert!(error.contains(expected), "{error}");
    let machine = Machine::new().keys().var("HTTPS_PROXY", "socks5://user:to-hide@127.0.0.1:9");
    let error = machine.error(json!({"region": "eu-west-1"})).await;
    let expected = "the environment variable HTTPS_PROXY names a SOCKS proxy, which is not supported: ";
    assert!(error.contains(expected) && !error.contains("to-hide"), "{error}");
}

#[tokio::test]
async fn a_ca_bundle_is_trusted_wherever_it_is_named() {
    let authority = Authority::new("ours");
    let machine = || Machine::new().keys().file("ca.pem", authority.pem());
    let configured = machine();
    let path = configured.path("ca.pem");
    let variable = machine();
    let variable_path = variable.path("ca.pem");
    let profile = machine();
    let profile_path = profile.path("ca.pem");
    let absent = "[default]\nca_bundle = /absent\n";
    for (machine, more) in [
        (configured.var("AWS_CA_BUNDLE", "/absent").config(absent), json!({"customCaBundle": path})),
        (machine(), json!({"customCaBundle": "~/ca.pem"})),
        (variable.var("AWS_CA_BUNDLE", variable_path).config(absent), json!({})),
        (profile.config(&format!("[default]\nca_bundle = {profile_path}\n")), json!({})),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let tls = Tls::start(authority.certificate("127.0.0.1"), ecr.address()).await.unwrap();
        let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": tls.url()}]});
        machine.configured(with(configuration, more)).await.asked(&ecr).await;
    }
}

#[tokio::test]
async fn moto_is_called_over_tls() {
    let (authority, folder) = (Authority::new("ours"), tempfile::tempdir().unwrap());
    let moto = Moto::start_tls(&authority.certificate("127.0.0.1"), folder.path()).await;
    let machine = Machine::new().keys().file("ca.pem", authority.pem());
    let configuration =
        json!({"region": "eu-west-1", "endpoints": [{"ecr": moto.url()}], "customCaBundle": machine.path("ca.pem")});
    let mut running = machine.configured(configuration).await;
    let results = running.plugin.get_credentials(REGISTRY).await.expect("a token");
    assert_eq!(results["password"], format!("{REGISTRY}-auth-token"));
}

#[tokio::test]
async fn a_ca_bundle_that_is_no_good_says_why() {
    let malformed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    for (content, part) in [
        (Some(malformed), "holds a malformed certificate, number 1"),
        (Some(broken), "holds a malformed certificate, number 1"),
        (Some("no certificate"), "holds no certificate in PEM form"),
        (Some(""), "holds no certificate in PEM form"),
        (None, "cannot be read: No such file or directory"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let machine = Machine::new().keys();
        let path = machine.path("ca.pem");
        let machine = content.into_iter().fold(machine, |machine, content| machine.file("ca.pem", content));
        let mut running = machine.configured(with(calls(&ecr), json!({"customCaBundle": path}))).await;
        let error = running.plugin.error().await;
        assert!(error.contains(&format!("the CA bundle {path} {part}")), "{error}");
        std::fs::write(&path, Authority::new("ours").pem()).unwrap();
        running.plugin.get_credentials(REGISTRY).await.expect("a failure is not remembered");
    }
}

#[tokio::test]
async fn the_system_s_authorities_are_trusted_without_a_bundle() {
    let ecr = Ecr::start().await.unwrap();
    let tls = Tls::start(Authority::new("ours").certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let configuration = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": [{"ecr": tls.url()}]});
    let error = Machine::new().keys().error(configuration.clone()).await;
    assert!(error.contains("the certificate's authority is not trusted"), "{error}");

    let authority = Authority::new("the system's");
    let tls = Tls::start(authority.certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let machine = Machine::new().keys().file("system.pem", authority.pem());
    // OpenSSL's variable for where the system's authorities are.
    let path = machine.path("system.pem");
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": tls.url()}]});
    machine.var("SSL_CERT_FILE", path).configured(configuration).await.asked(&ecr).await;
}

#[tokio::test]
async fn a_machine_without_authorities_says_so() {
    let ecr = Ecr::start().await.unwrap();
    let tls = Tls::start(Authority::new("ours").certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let configuration = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": [{"ecr": tls.url()}]});
    let machine = Machine::new().keys().var("SSL_CERT_FILE", "/absent").var("SSL_CERT_DIR", "/absent");
    let error = machine.error(configuration).await;
    assert!(error.contains("is not trusted (this machine has no certificate authorities: its package"), "{error}");
}

#[tokio::test]
async fn a_ca_bundle_that_cannot_be_read_to_its_end_is_given_up() {
    let ecr = Ecr::start().await.unwrap();
    let machine = Machine::new().keys();
    let path = machine.path("pipe");
    make_pipe(&path);
    let error = machine.error(with(calls(&ecr), json!({"customCaBundle": path}))).await;
    assert!(error.contains("/pipe cannot be read in time"), "{error}");
}

/// Nor are the system's authorities, while which the plugin serves other calls.
#[tokio::test]
async fn authorities_that_cannot_be_read_to_their_end_stop_one_call_alone() {
    let machine = Machine::new().keys();
    let path = machine.path("pipe");
    make_pipe(&path);
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": "https://127.0.0.1:1"}]});
    let mut running = machine.var("SSL_CERT_FILE", path).configured(configuration).await;
    let stuck = running.plugin.begin(json!({"registryId": REGISTRY}));
    for _ in 0..100 {
        running.plugin.client.get_plugin_info(()).await.expect("it is served");
    }
    assert!(!stuck.is_finished());
    let error = stuck.await.unwrap().map(drop).unwrap_err();
    assert!(error.message().contains("SSL_CERT_FILE names a file that cannot be read in time"), "{error:?}");
}

/// Nor do they where a bundle takes their place: the sentence about a certificate that it does not trust asks for none of them.
#[tokio::test]
async fn beside_a_bundle_the_system_s_authorities_are_not_read() {
    let ecr = Ecr::start().await.unwrap();
    let tls = Tls::start(Authority::new("another").certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let machine = Machine::new().keys().file("ca.pem", Authority::new("ours").pem());
    let [path, bundle] = ["pipe", "ca.pem"].map(|name| machine.path(name));
    make_pipe(&path);
    for without_end in [&*path, "/dev/zero"] {
        let configuration = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": [{"ecr": tls.url()}],
            "customCaBundle": bundle});
        let running = Machine::new().keys().var("SSL_CERT_FILE", without_end).configured(configuration).await;
        let mut plugin = running.plugin;
        let error = support::within_deadline("the sentence", plugin.error()).await;
        assert!(error.contains("the certificate's authority is not trusted. "), "{error}");
    }
}

/// Nor are they read again for the sentence: what was a file may be something else by now.
#[tokio::test]
async fn the_system_s_authorities_are_read_once() {
    let ecr = Ecr::start().await.unwrap();
    let (trusted, other) = (Authority::new("the system's"), Authority::new("another"));
    let trusting = Tls::start(trusted.certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let distrusted = Tls::start(other.certificate("127.0.0.1"), ecr.address()).await.unwrap();
    let machine = Machine::new().keys().file("system.pem", trusted.pem());
    let path = machine.path("system.pem");
    let configuration = json!({"region": "us-east-1", "maxRetries": 1,
        "endpoints": [{"ecr": trusting.url(), "ecrpublic": distrusted.url()}]});
    let mut running = machine.var("SSL_CERT_FILE", &path).configured(configuration).await;
    running.asked(&ecr).await;
    std::fs::remove_file(&path).unwrap();
    make_pipe(&path);
    let call = running.plugin.invoke("aws:ecrpublic/getAuthorizationToken:getAuthorizationToken", json!({}));
    let error = support::within_deadline("the sentence", call).await.map(drop).unwrap_err();
    assert!(error.message().contains("the certificate's authority is not trusted. "), "{error:?}");
}

/// The file has 20 GB on no disk.
#[tokio::test]
async fn a_folder_of_authorities_has_a_bound() {
    let machine = Machine::new().keys().file("authorities/12345678.0", "");
    let folder = machine.path("authorities");
    let file = std::fs::File::options().write(true).open(format!("{folder}/12345678.0")).unwrap();
    file.set_len(20 << 30).unwrap();
    let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": "https://127.0.0.1:1"}]});
    let mut running = machine.var("SSL_CERT_DIR", &folder).configured(configuration).await;
    let error = running.plugin.error().await;
    assert!(error.contains("the environment variable SSL_CERT_DIR holds more than 8 MiB"), "{error}");
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
    // One of the kernel, which says that it is empty and has an entry for each page of memory.
    std::fs::remove_file(format!("{folder}/12345678.0")).unwrap();
    std::os::unix::fs::symlink("/proc/self/pagemap", format!("{folder}/12345678.0")).unwrap();
    let error = running.plugin.error().await;
    assert!(error.contains("the environment variable SSL_CERT_DIR holds more than 8 MiB"), "{error}");
}

#[tokio::test]
async fn a_call_is_tried_as_often_as_configured() {
    let throttled = Answer::Error(400, "ThrottlingException", "Rate exceeded");
    for (machine, more, tries) in [
        (Machine::new(), json!({"maxRetries": 0}), 1),
        (Machine::new(), json!({"maxRetries": "2"}), 2),
        (Machine::new(), json!({"maxRetries": 2, "retryMode": "adaptive"}), 2),
        (Machine::new().var("AWS_MAX_ATTEMPTS", "2"), json!({}), 2),
        (Machine::new().config("[default]\nmax_attempts = 2\n"), json!({}), 2),
        (Machine::new().config("[default]\nmax_attempts = 7\n").var("AWS_MAX_ATTEMPTS", "2"), json!({}), 2),
        (Machine::new().var("AWS_MAX_ATTEMPTS", "7"), json!({"maxRetries": 1}), 1),
    ] {
        let ecr = Ecr::start().await.unwrap();
        ecr.answer_always(throttled.clone());
        let error = machine.keys().error(with(calls(&ecr), more.clone())).await;
        assert_eq!(ecr.requests().len(), tries, "{more}");
        let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
        assert!(error.contains(&format!("AWS throttled the call, which was tried {times}: ")), "{error}");
    }
}

#[tokio::test]
async fn an_empty_bucket_ends_the_tries() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::Error(500, "ServerException", "internal"));
    let more = json!({"maxRetries": 5, "tokenBucketRateLimiterCapacity": 1});
    Machine::new().keys().error(with(calls(&ecr), more)).await;
    assert_eq!(ecr.requests().len(), 1, "one try more costs more than the bucket holds");
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::Error(500, "ServerException", "internal"));
    let more = json!({"maxRetries": 2, "tokenBucketRateLimiterCapacity": 0});
    Machine::new().keys().configured(with(calls(&ecr), more)).await.asked(&ecr).await;
    assert_eq!(ecr.requests().len(), 2, "a bucket of 0 is none of one's own");
}

#[tokio::test]
async fn tries_wait_for_random_times() {
    async fn wait() -> Duration {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let times = asked.clone();
        let server = Server::start(move |_| {
            times.lock().unwrap().push(Instant::now());
            Reply::Body(400, r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#.to_owned())
        });
        let endpoint = server.await.unwrap();
        let configuration = json!({"region": "eu-west-1", "maxRetries": 2, "endpoints": [{"ecr": endpoint.url()}]});
        Machine::new().keys().error(configuration).await;
        let [first, second] = asked.lock().unwrap()[..] else { panic!("two tries") };
        second - first
    }
    // A throttled call waits for one to two seconds. Eight waits that are spread evenly over a second lie within a tenth of
    // one less often than once in 100,000.
    let mut tasks: JoinSet<_> = (0..8).map(|_| wait()).collect();
    let mut waits = Vec::new();
    while let Some(wait) = tasks.join_next().await {
        waits.push(wait.unwrap());
    }
    let (shortest, longest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
    assert!(*longest - *shortest > Duration::from_millis(100), "{waits:?}");
}

#[tokio::test]
async fn the_mode_of_tries_is_the_sdk_s_own() {
    // The SDK tells AWS by a letter in the user agent which mode it uses.
    for (machine, more, letter) in [
        (Machine::new(), json!({}), "E"),
        (Machine::new(), json!({"retryMode": "adaptive"}), "F"),
        (Machine::new().var("AWS_RETRY_MODE", "adaptive"), json!({}), "F"),
        (Machine::new().var("AWS_RETRY_MODE", "adaptive"), json!({"retryMode": "standard"}), "E"),
        (Machine::new().config("[default]\nretry_mode = adaptive\n"), json!({}), "F"),
        (Machine::new().config("[default]\nretry_mode = adaptive\n").var("AWS_RETRY_MODE", "standard"), json!({}), "E"),
    ] {
        let ecr = Ecr::start().await.unwrap();
        let asked = machine.keys().configured(with(calls(&ecr), more)).await.asked(&ecr).await;
        let features = asked.user_agent.split(' ').find_map(|part| part.strip_prefix("m/")).expect("features");
        assert!(features.split(',').any(|feature| feature == letter), "{features}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_take_connections_is_given_up() {
    // A queue of none is full with one connection that nobody takes, and the system leaves the next one waiting.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _queued = TcpStream::connect(address).await.unwrap();
    let endpoint = json!([{"ecr": format!("http://{address}")}]);
    let configuration = json!({"region": "eu-west-1", "maxRetries": 1, "endpoints": endpoint});
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::Never);
    let connects = async {
        ecr.wait_for_requests(1).await;
        Machine::new().keys().error(configuration).await
    };
    let error = tokio::select! {
        error = connects => error,
        _ = Machine::new().keys().error(with(calls(&ecr), json!({"maxRetries": 1}))) => {
            panic!("a connection is waited for as long as an answer")
        }
    };
    // The limit of a whole try would not know the address.
    assert!(error.contains(&format!("{address} did not answer in time. Try again; if it lasts")), "{error}");
}

#[tokio::test]
async fn the_user_agent_names_this_product_and_the_user_s() {
    for package in [&AWS, &AWS_ECR] {
        serving(package, async {
            let ecr = Ecr::start().await.unwrap();
            let more = json!({"userAgents": ["tool/1.0 (comment)", "other/2"]});
            let machine = Machine::new().keys().var("AWS_SDK_UA_APP_ID", "my-app");
            let asked = machine.configured(with(calls(&ecr), more)).await.asked(&ecr).await;
            for part in [&format!("lib/{}/{} ", package.executable(), package.version), "app/my-app", "api/ecr/"] {
                assert!(asked.user_agent.contains(part), "{}", asked.user_agent);
            }
            assert!(asked.user_agent.ends_with(" tool/1.0 (comment) other/2"), "{}", asked.user_agent);
        })
        .await;
    }
}
