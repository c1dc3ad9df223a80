//! `PULUMI_AWS_ECR_CACHE_DIR`: tokens that processes share.

use std::{
    fs::{self, Permissions},
    io::ErrorKind,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use pulumi_resource_aws::proto::pulumirpc::LogSeverity;
use serde_json::{Value as Json, json};
use support::{
    ecr::{Answer, Ecr, token},
    engine::Engine,
    plugin::{Plugin, command, ecr_configuration},
    proxy::Proxy,
    sts::Sts,
    tls::{Authority, Tls},
};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinSet};

use crate::machine::make_pipe;

const REGISTRY: &str = "123456789012";
const HOUR: i64 = 60 * 60;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn command_with(folder: &Path) -> Command {
    let mut command = command();
    command.env("PULUMI_AWS_ECR_CACHE_DIR", folder);
    command
}

/// What a new process with this folder and configuration returns as token.
async fn get_with(folder: &Path, configuration: Json) -> Json {
    let mut plugin = Plugin::from_command(command_with(folder)).await;
    plugin.configure(configuration).await.unwrap();
    plugin.get_credentials(REGISTRY).await.unwrap()["authorizationToken"].clone()
}

async fn get(folder: &Path, ecr: &Ecr) -> Json {
    get_with(folder, ecr_configuration(ecr)).await
}

/// A folder that is not there yet.
fn folder() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a").join("b");
    (parent, folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn file(folder: &Path) -> PathBuf {
    let [file] = &files(folder)[..] else { panic!("not one file: {:?}", files(folder)) };
    file.clone()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

#[tokio::test]
async fn processes_share_tokens_in_private_files() {
    let ecr = Ecr::start().await.unwrap();
    let (_parent, folder) = folder();
    for _ in 0..3 {
        assert_eq!(get(&folder, &ecr).await, token(REGISTRY, 1));
    }
    assert_eq!(ecr.requests().len(), 1);
    assert_eq!((mode(&folder), mode(&file(&folder))), (0o700, 0o600));
    for secret in ["dummy-secret-key", "AKIDEXAMPLE", REGISTRY] {
        assert!(!file(&folder).to_string_lossy().contains(secret));
    }
}

#[tokio::test]
async fn nothing_is_shared_unless_asked_for() {
    let ecr = Ecr::start().await.unwrap();
    for number in 1..=2 {
        assert_eq!(get(Path::new(""), &ecr).await, token(REGISTRY, number));
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_refused() {
    let ecr = Ecr::start().await.unwrap();
    let own = tempfile::tempdir().unwrap();
    let with_mode = |name: &str, mode: u32| {
        let folder = own.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        folder
    };
    let foreign = with_mode("foreign", 0o700);
    let foreign = match chown(&foreign, Some(1), None) {
        Ok(()) => foreign,
        // Only root can give folders away; for anybody else root's are foreign.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => PathBuf::from("/usr"),
        Err(error) => panic!("{error}"),
    };
    fs::write(own.path().join("file"), "").unwrap();
    for (folder, reason) in [
        (with_mode("group", 0o770), "can be written by other users (mode 0770); run `chmod 700` on it"),
        (with_mode("world", 0o1777), "can be written by other users (mode 1777)"),
        (foreign, "belongs to another user"),
        (own.path().join("file").join("folder"), "cannot be created"),
        (PathBuf::from("relative"), "is not an absolute path"),
    ] {
        let engine = Engine::start().await.unwrap();
        let requests = ecr.requests().len();
        let mut command = command_with(&folder);
        command.arg(engine.address()).current_dir(own.path());
        let mut plugin = Plugin::from_command(command).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        plugin.get_credentials(REGISTRY).await.unwrap();
        assert_eq!(ecr.requests().len(), requests + 1);
        let line = format!("no tokens are shared between processes: {} {reason}", folder.display());
        assert_eq!(engine.wait_for_line(&line).await, LogSeverity::Warning);
        plugin.get_credentials("000000000012").await.unwrap();
        let warnings = engine.log().into_iter().filter(|(severity, _)| *severity == LogSeverity::Warning).count();
        assert_eq!(warnings, 1, "{:?}", engine.log());
    }
    assert!(files(&own.path().join("group")).is_empty());
    assert!(files(&own.path().join("world")).is_empty());
    assert!(!own.path().join("relative").exists());
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_replaced() {
    let ecr = Ecr::start().await.unwrap();
    let (_parent, folder) = folder();
    get(&folder, &ecr).await;
    let file = file(&folder);
    let good = fs::read_to_string(&file).unwrap();
    let with = |field: &str, value: Json| {
        let mut content: Json = serde_json::from_str(&good).unwrap();
        content[field] = value;
        content.to_string()
    };
    let mut requests = 1;
    for bad in [
        String::new(),
        "null".to_owned(),
        good[..good.len() / 2].to_owned(),
        "\0".repeat(good.len()),
        " ".repeat(1 << 20) + &good,
        with("key", "0".repeat(64).into()),
        with("authorizationToken", "QVdT".into()),
        with("expiresAt", i64::MAX.into()),
        with("gotAt", i64::MIN.into()),
    ] {
        fs::write(&file, &bad).unwrap();
        requests += 1;
        for _ in 0..2 {
            assert_eq!(get(&folder, &ecr).await, token(REGISTRY, requests), "{bad:.80}");
        }
    }
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        requests += 1;
        for _ in 0..2 {
            assert_eq!(get(&folder, &ecr).await, token(REGISTRY, requests), "{mode:o}");
        }
    }
    // Only root can give files away, and only root could read this one then.
    if chown(&file, Some(1), None).is_ok() {
        requests += 1;
        for _ in 0..2 {
            assert_eq!(get(&folder, &ecr).await, token(REGISTRY, requests));
        }
    }
    assert_eq!((ecr.requests().len(), mode(&file)), (requests, 0o600));
    let elsewhere = folder.join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert_eq!(get(&folder, &ecr).await, token(REGISTRY, requests + 1));
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
}

#[tokio::test]
async fn a_file_is_never_written_in_place() {
    let ecr = Ecr::start().await.unwrap();
    let (_parent, folder) = folder();
    get(&folder, &ecr).await;
    let file = file(&folder);
    fs::write(&file, "half").unwrap();
    // What a process reads that opened the file before.
    let opened = folder.join("opened");
    fs::hard_link(&file, &opened).unwrap();
    assert_eq!(get(&folder, &ecr).await, token(REGISTRY, 2));
    assert_eq!(get(&folder, &ecr).await, token(REGISTRY, 2));
    assert_eq!(fs::read_to_string(&opened).unwrap(), "half");
}

#[tokio::test]
async fn a_file_that_cannot_be_replaced_is_a_warning() {
    let ecr = Ecr::start().await.unwrap();
    let engine = Engine::start().await.unwrap();
    let (_parent, folder) = folder();
    get(&folder, &ecr).await;
    let file = file(&folder);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let mut command = command_with(&folder);
    command.arg(engine.address());
    let mut plugin = Plugin::from_command(command).await;
    plugin.configure(ecr_configuration(&ecr)).await.unwrap();
    plugin.get_credentials(REGISTRY).await.unwrap();
    let line = format!("a token could not be written to {}", folder.display());
    assert_eq!(engine.wait_for_line(&line).await, LogSeverity::Warning);
    assert_eq!(files(&folder), [file]);
}

#[tokio::test]
async fn a_token_is_shared_until_half_of_its_life_is_over() {
    let ecr = Ecr::start().await.unwrap();
    for (got_at, expires_at, shared) in [
        (-5, 7, true),
        (-7, 5, false),
        // The clock was set back since.
        (1, 13, false),
        (-12, 0, false),
        (0, 12, true),
    ] {
        let (_parent, folder) = folder();
        let before = ecr.requests().len();
        get(&folder, &ecr).await;
        let file = file(&folder);
        let mut content: Json = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        content["gotAt"] = (now() + got_at * HOUR).into();
        content["expiresAt"] = (now() + expires_at * HOUR).into();
        fs::write(&file, content.to_string()).unwrap();
        get(&folder, &ecr).await;
        assert_eq!(ecr.requests().len() == before + 1, shared, "from {got_at} h to {expires_at} h");
    }
}

#[tokio::test]
async fn a_token_that_may_not_be_served_again_is_not_written() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_always(Answer::TokenWith("expiresAt", json!(1_420_070_400)));
    let (_parent, folder) = folder();
    for number in 1..=2 {
        assert_eq!(get(&folder, &ecr).await, token(REGISTRY, number));
    }
    assert!(files(&folder).is_empty());
}

#[tokio::test]
async fn a_failure_is_not_written() {
    let ecr = Ecr::start().await.unwrap();
    ecr.answer_next(Answer::Error(400, "AccessDeniedException", "no"));
    let (_parent, folder) = folder();
    let mut plugin = Plugin::from_command(command_with(&folder)).await;
    plugin.configure(ecr_configuration(&ecr)).await.unwrap();
    plugin.error().await;
    assert!(files(&folder).is_empty());
}

#[tokio::test]
async fn a_token_is_for_one_caller_endpoint_region_and_registry() {
    let (ecr, other_ecr) = (Ecr::start().await.unwrap(), Ecr::start().await.unwrap());
    let (_parent, folder) = folder();
    let with = |key: &str, value: Json| {
        let mut configuration = ecr_configuration(&ecr);
        configuration[key] = value;
        configuration
    };
    for (requests, configuration) in
        [ecr_configuration(&ecr), with("accessKey", "AKIDANOTHER".into()), with("region", "us-west-2".into())]
            .into_iter()
            .enumerate()
    {
        for _ in 0..2 {
            assert_eq!(get_with(&folder, configuration.clone()).await, token(REGISTRY, requests + 1));
        }
    }
    get(&folder, &other_ecr).await;
    assert_eq!((ecr.requests().len(), other_ecr.requests().len()), (3, 1));
    let mut plugin = Plugin::from_command(command_with(&folder)).await;
    plugin.configure(ecr_configuration(&ecr)).await.unwrap();
    plugin.get_credentials("000000000012").await.unwrap();
    assert_eq!((ecr.requests().len(), files(&folder).len()), (4, 5));
}

#[tokio::test]
async fn the_environment_s_keys_and_endpoints_count_as_well() {
    let (ecr, other_ecr) = (Ecr::start().await.unwrap(), Ecr::start().await.unwrap());
    let (_parent, folder) = folder();
    for (access_key, endpoint, url) in [
        ("AKIDEXAMPLE", "AWS_ENDPOINT_URL", ecr.url()),
        ("AKIDANOTHER", "AWS_ENDPOINT_URL", ecr.url()),
        ("AKIDEXAMPLE", "AWS_ENDPOINT_URL_ECR", other_ecr.url()),
    ] {
        for _ in 0..2 {
            let mut command = command_with(&folder);
            command.env("AWS_ACCESS_KEY_ID", access_key).env("AWS_SECRET_ACCESS_KEY", "dummy").env(endpoint, &url);
            let mut plugin = Plugin::from_command(command).await;
            plugin.configure(json!({"region": "eu-west-1"})).await.unwrap();
            plugin.get_credentials(REGISTRY).await.unwrap();
        }
    }
    assert_eq!((ecr.requests().len(), other_ecr.requests().len(), files(&folder).len()), (2, 1, 3));
}

#[tokio::test]
async fn a_token_is_for_one_role() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let (_parent, folder) = folder();
    for (number, role) in ["One", "Another"].into_iter().enumerate() {
        let mut configuration = ecr_configuration(&ecr);
        configuration["assumeRoles"] = json!([{"roleArn": format!("arn:aws:iam::111122223333:role/{role}")}]);
        configuration["endpoints"] = json!([{"ecr": ecr.url(), "sts": sts.url()}]);
        // STS gives both processes the same keys here.
        for _ in 0..2 {
            assert_eq!(get_with(&folder, configuration.clone()).await, token(REGISTRY, number + 1));
        }
    }
    assert_eq!(get(&folder, &ecr).await, token(REGISTRY, 3));
}

#[tokio::test]
async fn aws_s_own_kinds_of_endpoints_are_kept_apart() {
    let (authority, ecr) = (Authority::new("ours"), Ecr::start().await.unwrap());
    let (parent, folder) = folder();
    let ca = parent.path().join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    for (number, (host, fips, dual_stack)) in [
        ("api.ecr.us-east-1.amazonaws.com", false, false),
        ("api.ecr-fips.us-east-1.amazonaws.com", true, false),
        ("ecr.us-east-1.api.aws", false, true),
        ("ecr-fips.us-east-1.api.aws", true, true),
    ]
    .into_iter()
    .enumerate()
    {
        let tls = Tls::start(authority.certificate(host), ecr.address()).await.unwrap();
        let proxy = Proxy::start_to(tls.address()).await.unwrap();
        let configuration = json!({"region": "us-east-1", "accessKey": "AKIDEXAMPLE", "secretKey": "dummy-secret-key",
            "useFipsEndpoint": fips, "useDualstackEndpoint": dual_stack,
            "httpsProxy": proxy.url(), "customCaBundle": ca});
        for _ in 0..2 {
            assert_eq!(get_with(&folder, configuration.clone()).await, token(REGISTRY, number + 1), "{host}");
        }
    }
    assert_eq!(ecr.requests().len(), 4);
}

#[tokio::test]
async fn many_processes_write_at_once() {
    let ecr = Ecr::start().await.unwrap();
    let (_parent, folder) = folder();
    let mut plugins = Vec::new();
    for _ in 0..20 {
        let mut plugin = Plugin::from_command(command_with(&folder)).await;
        plugin.configure(ecr_configuration(&ecr)).await.unwrap();
        plugins.push(plugin);
    }
    ecr.set_latency(Duration::from_millis(500));
    let mut calls = JoinSet::new();
    for mut plugin in plugins {
        calls.spawn(async move { plugin.get_credentials(REGISTRY).await.unwrap()["authorizationToken"].clone() });
    }
    let tokens = calls.join_all().await;
    let requests = ecr.requests().len();
    assert!(requests > 1, "the test would not notice that the processes are in each other's way");
    let shared = get(&folder, &ecr).await;
    assert!(tokens.contains(&shared));
    assert_eq!(ecr.requests().len(), requests);
    file(&folder);
}

#[tokio::test]
async fn old_files_of_ours_are_deleted() {
    let ecr = Ecr::start().await.unwrap();
    let (_parent, folder) = folder();
    get(&folder, &ecr).await;
    let age =
        |path: &Path| fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - 2 * DAY);
    let [old, foreign] = [folder.join(format!("{}.ecr-token.json", "0".repeat(64))), folder.join("notes.json")];
    for path in [&old, &foreign] {
        fs::write(path, "{}").unwrap();
        age(path).unwrap();
    }
    let mut configuration = ecr_configuration(&ecr);
    configuration["accessKey"] = "AKIDANOTHER".into();
    get_with(&folder, configuration).await;
    assert!(!old.exists());
    assert!(foreign.exists());
    assert_eq!(files(&folder).len(), 3);
}

/// A file that turns into a pipe between a look at it and its opening must not be waited for, and no link be followed.
#[tokio::test]
async fn a_pipe_or_a_link_in_place_of_a_token_is_not_waited_for() {
    let (_parent, folder) = folder();
    let ecr = Ecr::start().await.unwrap();
    get(&folder, &ecr).await;
    let file = file(&folder);
    fs::remove_file(&file).unwrap();
    make_pipe(&file);
    support::within_deadline("a token", get(&folder, &ecr)).await;
    let elsewhere = folder.join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    get(&folder, &ecr).await;
    assert_eq!(ecr.requests().len(), 3, "neither served");
}

/// Each new token looked at all of the folder.
#[tokio::test]
async fn a_full_folder_is_tidied_behind_the_calls() {
    let (_parent, folder) = folder();
    let ecr = Ecr::start().await.unwrap();
    get(&folder, &ecr).await;
    let long_ago = SystemTime::now() - 2 * DAY;
    for number in 0..2000 {
        let file = fs::File::create(folder.join(format!("{number}.ecr-token.json"))).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    let mut plugin = Plugin::from_command(command_with(&folder)).await;
    plugin.configure(ecr_configuration(&ecr)).await.unwrap();
    plugin.get_credentials("000000000001").await.unwrap();
    let tidied = async {
        while files(&folder).len() > 2 {
            tokio::task::yield_now().await;
        }
    };
    support::within_deadline("the folder's old files", tidied).await;
}

/// The processor time of 100 new tokens in a folder that holds so many files of others.
async fn time_beside(files: usize) -> Duration {
    let (_parent, folder) = folder();
    let ecr = Ecr::start().await.unwrap();
    get(&folder, &ecr).await;
    for number in 0..files {
        fs::File::create(folder.join(format!("{number}.txt"))).unwrap();
    }
    let mut plugin = Plugin::from_command(command_with(&folder)).await;
    plugin.configure(ecr_configuration(&ecr)).await.unwrap();
    let before = plugin.processor_time();
    for registry in 0..100 {
        plugin.get_credentials(&format!("{registry:012}")).await.unwrap();
    }
    plugin.processor_time() - before
}

/// To look at all of a folder once, as each process does, is little among 100 tokens.
#[tokio::test]
async fn a_new_token_costs_the_same_in_a_full_folder() {
    // As many as a token that is written may look at.
    let few = time_beside(256).await;
    let many = time_beside(50_000).await;
    assert!(many < 5 * few, "{few:?} became {many:?}");
}
