//! The services that a call needs on its way to ECR, and credentials and tokens that end while it waits.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::{Value as Json, json};
use support::{
    ecr::{Ecr, token},
    http::{Reply, Server},
    listener::Vacant,
    sts::{self, Sts},
};
use tokio::task::JoinSet;

use super::{THROTTLED, at};
use crate::{
    credentials::{SESSION_CACHE, SSO_SESSION, instance, issuer, metadata_at, portal, sso_token, sso_token_to_renew},
    machine::{Machine, REGISTRY, calls, with},
};

const ROLE: &str = "arn:aws:iam::111122223333:role/Deploy";

/// What a container's service answers.
fn container_keys(access_key: &str, expiry: DateTime) -> Reply {
    let expiry = expiry.fmt(Format::DateTime).expect("a date");
    let keys = json!({"AccessKeyId": access_key, "SecretAccessKey": "s", "Token": "t", "Expiration": expiry});
    Reply::Body(200, keys.to_string())
}

/// When credentials end that last for longer than any test.
fn far_off() -> DateTime {
    DateTime::from_secs(32_472_144_000)
}

/// The services on the way, and ECR.
const SERVICES: [&str; 6] = ["ECR", "STS", "SSO", "SSO's token service", "a container's", "an instance's"];

/// A machine and a configuration with which a call asks one of the [`SERVICES`] at `url`, before it asks ECR.
fn asking(service: &str, url: &str, ecr: &Ecr) -> (Machine, Json) {
    match service {
        "ECR" => (Machine::new().keys(), at(url)),
        "STS" => {
            let more = json!({"assumeRoles": [{"roleArn": ROLE}], "endpoints": [{"sts": url}]});
            (Machine::new().keys(), with(calls(ecr), more))
        }
        "SSO" => {
            let machine = Machine::new().config(SSO_SESSION).file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z"));
            (machine, with(calls(ecr), json!({"profile": "p", "endpoints": [{"sso": url}]})))
        }
        "SSO's token service" => {
            let cached = sso_token_to_renew("2999-01-01T00:00:00Z");
            let machine = Machine::new().config(SSO_SESSION).file(SESSION_CACHE, cached);
            (machine.var("AWS_ENDPOINT_URL_SSO_OIDC", url), with(calls(ecr), json!({"profile": "p"})))
        }
        "a container's" => (Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", url), calls(ecr)),
        _ => {
            let machine = Machine::new().without("AWS_EC2_METADATA_DISABLED");
            (machine.var("AWS_EC2_METADATA_SERVICE_ENDPOINT", url), calls(ecr))
        }
    }
}

/// What a service says that has too much to do, or is ill.
fn busy(status: u16) -> Reply {
    Reply::Body(status, "busy".to_owned())
}

#[tokio::test]
async fn what_passes_at_a_service_on_the_way_is_waited_out() {
    let ecr = Ecr::start().await.unwrap();
    for status in [429, 503] {
        let sts = Sts::start().await.unwrap();
        let sts_endpoint = || with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}));
        sts.answer_next(3, busy(status));
        let configuration = with(sts_endpoint(), json!({"assumeRoles": [{"roleArn": ROLE}]}));
        let asked = Machine::new().keys().configured(configuration).await.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), sts.asked().len()), ("ASIADeploy", 4));
        sts.answer_next(3, busy(status));
        let role = json!({"assumeRoleWithWebIdentity": {"roleArn": ROLE, "webIdentityToken": "token"}});
        let asked = Machine::new().configured(with(sts_endpoint(), role)).await.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), sts.asked().len()), ("ASIADeploy", 8));

        let container = Server::start(|_| container_keys("ASIACONTAINER", far_off())).await.unwrap();
        container.answer_next(3, busy(status));
        let machine = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url());
        let asked = machine.configured(calls(&ecr)).await.asked(&ecr).await;
        assert_eq!((asked.access_key.as_str(), container.asked().len()), ("ASIACONTAINER", 4));
    }
}

#[tokio::test]
async fn what_aws_sts_says_when_it_is_busy_is_waited_out() {
    let ecr = Ecr::start().await.unwrap();
    let no_key = "Couldn't retrieve verification key from your identity provider";
    for (code, message) in
        [("Throttling", "Rate exceeded"), ("IDPCommunicationError", "try again"), ("InvalidIdentityToken", no_key)]
    {
        let sts = Sts::start().await.unwrap();
        let busy = Reply::Body(400, sts::error(code, message));
        let roles = [
            (Machine::new().keys(), json!({"assumeRoles": [{"roleArn": ROLE}]})),
            (Machine::new(), json!({"assumeRoleWithWebIdentity": {"roleArn": ROLE, "webIdentityToken": "token"}})),
        ];
        for (number, (machine, role)) in (1..).zip(roles) {
            sts.answer_next(2, busy.clone());
            let endpoint = with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}));
            let asked = machine.configured(with(endpoint, role)).await.asked(&ecr).await;
            assert_eq!((asked.access_key.as_str(), sts.asked().len()), ("ASIADeploy", 3 * number), "{code}");
        }
    }
}

#[tokio::test]
async fn a_web_identity_that_is_wrong_is_asked_for_once() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    sts.fail(400, "InvalidIdentityToken", "Incorrect token audience");
    let role = json!({"assumeRoleWithWebIdentity": {"roleArn": ROLE, "webIdentityToken": "token"}});
    let endpoint = with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}));
    Machine::new().error(with(endpoint, role)).await;
    assert_eq!(sts.asked().len(), 1);
}

#[tokio::test]
async fn a_metadata_service_that_wants_a_token_after_all_is_asked_for_one() {
    let (ecr, metadata) = (Ecr::start().await.unwrap(), metadata_at("127.0.0.1:0", true).await);
    metadata.answer_next(1, Reply::Never);
    assert_eq!(instance(&metadata).configured(calls(&ecr)).await.asked(&ecr).await.access_key, "ASIAINSTANCE");
    let asked = metadata.asked().into_iter().map(|asked| asked.method).collect::<Vec<_>>();
    assert_eq!(asked, ["PUT", "GET", "PUT", "GET", "GET"]);
}

#[tokio::test]
async fn what_passes_at_the_metadata_service_is_waited_out() {
    let ecr = Ecr::start().await.unwrap();
    for status in [429, 503] {
        let metadata = metadata_at("127.0.0.1:0", true).await;
        metadata.answer_next(3, busy(status));
        let mut running = instance(&metadata).configured(calls(&ecr)).await;
        assert_eq!(running.asked(&ecr).await.access_key, "ASIAINSTANCE");
        let asked = metadata.asked().into_iter().map(|asked| asked.method).collect::<Vec<_>>();
        assert_eq!(asked, ["PUT", "PUT", "PUT", "PUT", "GET", "GET"]);
    }
}

#[tokio::test]
async fn what_passes_at_iam_identity_center_is_waited_out() {
    let ecr = Ecr::start().await.unwrap();
    for status in [429, 503] {
        let (portal, issuer) = (portal(200).await, issuer(200).await);
        portal.answer_next(2, busy(status));
        issuer.answer_next(2, busy(status));
        issuer.answer_next(1, Reply::WithHeader(400, "{}".to_owned(), ("x-amzn-errortype", "SlowDownException")));
        let configuration = with(calls(&ecr), json!({"profile": "p", "endpoints": [{"sso": portal.url()}]}));
        let machine = Machine::new().config(SSO_SESSION).var("AWS_ENDPOINT_URL_SSO_OIDC", issuer.url());
        let machine = machine.file(SESSION_CACHE, sso_token_to_renew("2999-01-01T00:00:00Z"));
        let asked = machine.configured(configuration).await.asked(&ecr).await;
        assert_eq!(asked.access_key, "ASIASSO");
        assert_eq!((issuer.asked().len(), portal.asked().len()), (4, 3));
    }
}

#[tokio::test]
async fn what_a_service_asks_for_is_heeded_wherever_it_is() {
    let nobody = Ecr::start().await.unwrap();
    let mut tasks = JoinSet::new();
    for name in SERVICES {
        for (header, least) in [(("retry-after", "2"), 2), (("x-amz-retry-after", "3000"), 3)] {
            let times = Arc::new(Mutex::new(Vec::new()));
            let seen = times.clone();
            let server = Server::start(move |_| {
                seen.lock().unwrap().push(Instant::now());
                Reply::WithHeader(503, "{}".to_owned(), header)
            });
            let server = server.await.unwrap();
            let (machine, configuration) = asking(name, &server.url(), &nobody);
            tasks.spawn(async move {
                let error = machine.error(with(configuration, json!({"maxRetries": 2}))).await;
                let [first, second] = times.lock().unwrap()[..2] else { panic!("not two tries: {error}") };
                assert!(second - first >= Duration::from_secs(least), "{name}, {header:?}: {:?}", second - first);
                drop(server);
            });
        }
    }
    tasks.join_all().await;
    assert!(nobody.requests().is_empty());
}

#[tokio::test]
async fn a_service_that_never_is_there_ends_the_call_soon() {
    let (vacant, nobody) = (Vacant::take().unwrap(), Ecr::start().await.unwrap());
    let url = format!("http://{}", vacant.address().unwrap());
    let mut tasks = JoinSet::new();
    for name in SERVICES {
        let (machine, configuration) = asking(name, &url, &nobody);
        tasks.spawn(async move { (name, machine.error(configuration).await) });
    }
    for (name, error) in tasks.join_all().await {
        // It is one of several places without credentials, whose tries are not told.
        if name == "an instance's" {
            assert!(error.contains(" could not be reached: "), "{error}");
            continue;
        }
        let tried = error.split_once(", tried ").map(|(_, rest)| rest);
        let seconds = tried.and_then(|rest| rest.split_once(" times in ")?.1.split(' ').next()?.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| seconds < 20), "{name}: {error}");
    }
}

#[tokio::test]
async fn cancel_and_a_signal_end_a_wait_for_any_of_them() {
    let nobody = Arc::new(Ecr::start().await.unwrap());
    let mut tasks = JoinSet::new();
    for (name, signal) in SERVICES.into_iter().flat_map(|name| [(name, None), (name, Some("TERM"))]) {
        let nobody = nobody.clone();
        tasks.spawn(async move {
            let server = Server::start(|_| busy(503)).await.unwrap();
            let (machine, configuration) = asking(name, &server.url(), &nobody);
            let mut running = machine.configured(configuration).await;
            let call = running.plugin.begin(json!({"registryId": REGISTRY}));
            running.engine.wait_for_status(|line| !line.is_empty()).await;
            match signal {
                Some(signal) => running.plugin.signal(signal).await,
                None => drop(running.plugin.client.cancel(()).await.unwrap()),
            }
            assert_eq!(call.await.unwrap().map(drop).unwrap_err().code(), tonic::Code::Cancelled, "{name}");
            match signal {
                Some(_) => assert_eq!(running.plugin.wait().await.0, Some(0), "{name}"),
                None => assert_eq!(running.engine.wait_for_status(str::is_empty).await, ""),
            }
        });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn credentials_that_end_while_a_call_waits_are_replaced() {
    let ecr = Ecr::start().await.unwrap();
    let asked = AtomicUsize::new(0);
    // They count as over a minute before their end, and the third wait ends six seconds from now or later.
    let soon = DateTime::from(SystemTime::now() + Duration::from_secs(65));
    let container = Server::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => container_keys("ASIAFIRST", soon),
        _ => container_keys("ASIASECOND", far_off()),
    });
    let container = container.await.unwrap();
    (0..4).for_each(|_| ecr.answer_next(THROTTLED));
    let machine = Machine::new().var("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url());
    assert_eq!(machine.configured(calls(&ecr)).await.asked(&ecr).await.access_key, "ASIASECOND");
    assert_eq!((ecr.requests()[0].access_key.as_str(), container.asked().len()), ("ASIAFIRST", 2));
}

#[tokio::test]
async fn a_token_that_is_replaced_while_a_call_waits_is_read_anew() {
    let ecr = Ecr::start().await.unwrap();
    for service in ["STS", "a container's"] {
        let machine = Machine::new().file("token", "first");
        let path = machine.path("token");
        let answer = move |given: &str, answer: Reply| match given {
            "second" => answer,
            _ => {
                fs::write(&path, "second").expect("the home can be written to");
                busy(503)
            }
        };
        let path = machine.path("token");
        let mut running = match service {
            "STS" => {
                let server = Server::start(move |asked| {
                    let keys = sts::answer(asked, Duration::from_secs(3600));
                    answer(&asked.field("WebIdentityToken"), Reply::Body(200, keys))
                });
                let sts = server.await.unwrap();
                let role = json!({"roleArn": ROLE, "webIdentityTokenFile": path});
                let more = json!({"assumeRoleWithWebIdentity": role, "endpoints": [{"sts": sts.url()}]});
                (machine.configured(with(calls(&ecr), more)).await, sts)
            }
            _ => {
                let server = Server::start(move |asked| {
                    answer(asked.header("authorization"), container_keys("ASIADeploy", far_off()))
                });
                let container = server.await.unwrap();
                let machine = machine.var("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url());
                (machine.var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path).configured(calls(&ecr)).await, container)
            }
        };
        assert_eq!(running.0.asked(&ecr).await.access_key, "ASIADeploy", "{service}");
        assert_eq!(running.1.asked().len(), 2, "{service}");
    }
}

#[tokio::test]
async fn a_request_that_was_refused_for_its_time_is_dated_by_aws_s_clock() {
    let later = |minutes: u64| DateTime::from(SystemTime::now() + Duration::from_secs(60 * minutes));
    let server = Server::start(move |asked| {
        let half_an_hour = later(30).fmt(Format::DateTime).unwrap().replace(['-', ':'], "");
        if asked.header("x-amz-date") > half_an_hour.as_str() {
            let times = json!({"expiresAt": far_off().secs(), "proxyEndpoint": "https://x"});
            let data = with(json!({"authorizationToken": token(REGISTRY, 1)}), times);
            return Reply::Body(200, json!({"authorizationData": [data]}).to_string());
        }
        let date = later(60).fmt(Format::HttpDate).unwrap().leak();
        let refused = json!({"__type": "InvalidSignatureException", "message": "Signature expired: it is later"});
        Reply::WithHeader(400, refused.to_string(), ("date", date))
    });
    let server = server.await.unwrap();
    let mut running = Machine::new().keys().configured(at(&server.url())).await;
    running.plugin.get_credentials(REGISTRY).await.expect("a token");
    assert_eq!(server.asked().len(), 2);
}
