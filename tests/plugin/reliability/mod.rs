//! Faults on order, and `docs/reliability.md` beside them: each of its rows is played here or names the test that plays it,
//! and the document is what the tests hold.

mod elsewhere;
mod places;

use std::{fmt::Write as _, sync::Arc};

use serde_json::json;
use support::{
    faults::{self, Ends, Fault},
    tls::Authority,
};
use tokio::task::JoinSet;

use crate::{
    machine::{REGISTRY, Running, with},
    servers::{MAX_MEMORY_KB, peak_memory},
};
use places::{Ground, Impostors, Place};

const DOCUMENT: &str = include_str!("../../../docs/reliability.md");

/// How many are played at the same time: most of them wait.
const AT_ONCE: usize = 16;

/// One of the document's tables.
struct Table {
    title: &'static str,
    place: Place,
    faults: Vec<Fault>,
}

fn tables(impostors: &Impostors) -> Vec<Table> {
    let table = |title, place, faults| Table { title, place, faults };
    vec![
        table("On the way", Place::Ecr, faults::connections()),
        table("Answers that are none", Place::Ecr, faults::answers()),
        table("What Amazon ECR says in place of a token", Place::Ecr, faults::refusals()),
        table("Tokens that are none", Place::Ecr, faults::tokens()),
        table("Answers that are odd", Place::Ecr, faults::oddities()),
        table("TLS", Place::Tls, impostors.tls_faults()),
        table("HTTP/2, which the server may choose over TLS", Place::Http2, faults::http2()),
        table("Proxies", Place::Proxy, impostors.proxy_faults()),
        table("AWS STS, asked for a role", Place::Sts, places::sts_faults()),
        table("The metadata service of EC2", Place::Metadata, places::metadata_faults()),
        table("The service of ECS and EKS for containers", Place::Container, places::container_faults()),
        table("IAM Identity Center", Place::Portal, places::portal_faults()),
    ]
}

impl Table {
    /// As the document has it.
    fn markdown(&self) -> String {
        let head = "| What goes wrong | What a program sees | It is tried |\n|---|---|---|\n";
        self.faults.iter().fold(format!("## {}\n\n{head}", self.title), |mut text, fault| {
            writeln!(text, "| {} | {} | {} |", fault.what, fault.sees, fault.ends).expect("a string takes all");
            text
        })
    }
}

/// Plays a fault to a program, and holds what it meets against what is said of it.
async fn play(place: Place, fault: Fault, authority: &Authority) {
    let Ground { machine, configuration, gate, _servers } = Ground::new(place, authority).await;
    gate.play(Some(fault.wire.clone()));
    let mut running = machine.start().await;
    if let Ends::WithPatience(patience) = fault.ends {
        running.plugin.configure(configuration.clone()).await.expect("a good configuration");
        let _call = running.plugin.begin(json!({"registryId": REGISTRY}));
        // The first line may come before the first try has ended.
        running.engine.wait_for_status(|line| line.contains(&format!(", at most {patience}: "))).await;
        running.plugin.client.cancel(()).await.expect("it is served");
    }
    let before = gate.asked();
    let tries = end(&mut running, &fault, &configuration).await;
    // A try of the metadata service is more than one request.
    if place != Place::Metadata {
        assert_eq!(gate.asked() - before, tries, "{}: {:?}", fault.what, running.engine.log());
    }
    gate.play(None);
    running.plugin.get_credentials(REGISTRY).await.unwrap_or_else(|status| panic!("next {}: {status:?}", fault.what));
    let peak = peak_memory(&running.plugin);
    assert!(peak < MAX_MEMORY_KB, "{}: {peak} kB", fault.what);
}

/// Lets a call meet a fault; how often it is tried.
async fn end(running: &mut Running, fault: &Fault, configuration: &serde_json::Value) -> usize {
    let (limit, tries) = match fault.ends {
        Ends::WithPatience(_) if fault.is_slow() => (json!({"maxRetries": 1}), 1),
        Ends::WithPatience(_) => (json!({"maxRetries": 2}), 2),
        Ends::WithToken | Ends::AtOnce => (json!({}), 1),
    };
    running.plugin.configure(with(configuration.clone(), limit)).await.expect("a good configuration");
    let result = running.plugin.get_credentials(REGISTRY).await;
    if fault.ends == Ends::WithToken {
        let token = result.unwrap_or_else(|status| panic!("{}: {status:?}", fault.what));
        assert_eq!(token["password"], "password", "{}", fault.what);
        if fault.sees.contains("a warning") {
            running.engine.wait_for_line("the token that AWS gave was over at ").await;
        }
        return tries;
    }
    let message = result.map(drop).expect_err(fault.what).message().to_owned();
    let (_, what) = message.split_once(": ").unwrap_or_else(|| panic!("{message:?} names no call"));
    assert!(fault.is_seen(what), "{}: {what:?} is not {:?}", fault.what, fault.sees);
    tries
}

#[tokio::test]
async fn each_fault_ends_as_documented_and_the_next_call_works() {
    let authority = Arc::new(Authority::new("ours"));
    let impostors = Impostors::start(&authority).await;
    let tables = tables(&impostors).into_iter();
    let mut faults: Vec<_> =
        tables.flat_map(|table| table.faults.into_iter().map(move |fault| (table.place, fault))).collect();
    // Those that take long go first.
    faults.sort_by_key(|(_, fault)| fault.is_slow());
    let mut playing = JoinSet::new();
    while let Some((place, fault)) = faults.pop() {
        if playing.len() >= AT_ONCE {
            playing.join_next().await.expect("one of them").expect("it ends as documented");
        }
        let authority = authority.clone();
        playing.spawn(async move { play(place, fault, &authority).await });
    }
    while let Some(played) = playing.join_next().await {
        played.expect("it ends as documented");
    }
}

#[tokio::test]
async fn the_document_is_what_is_tested() {
    let impostors = Impostors::start(&Authority::new("ours")).await;
    let played: Vec<_> = tables(&impostors).iter().map(Table::markdown).collect();
    let tables = [played, elsewhere::markdown()].concat();
    let rows = tables.iter().flat_map(|table| table.lines()).filter(|line| line.starts_with("| ")).count();
    assert!(rows - tables.len() >= 60);
    let (_, documented) = DOCUMENT.split_once("\n## ").expect("tables");
    let expected = tables.join("\n");
    assert!(format!("## {documented}") == expected, "docs/reliability.md is to end so:\n\n{expected}");
}

/// The limits that the document tells, as the code has them.
#[test]
fn the_limits_of_a_try_are_those_of_the_code() {
    let session = include_str!("../../../src/aws/session.rs");
    let seconds = |name: &str| {
        let (_, value) = session.split_once(&format!("const {name}: Duration = Duration::from_secs(")).expect(name);
        value.split(')').next().expect("a number").to_owned()
    };
    let [connect, read, attempt] = ["CONNECT_TIMEOUT", "READ_TIMEOUT", "ATTEMPT_TIMEOUT"].map(seconds);
    let told =
        format!("A try takes {attempt} seconds at most: {connect} to connect and {read} until an answer begins.");
    let document = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(document.contains(&told), "docs/reliability.md lacks {told:?}");
    assert!(document.contains(&format!("{} MiB", MAX_MEMORY_KB / 1024)));
}
