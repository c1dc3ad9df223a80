//! `credential_process`: what a command is given, and what becomes of what it starts.

use support::ecr::Ecr;

use crate::{
    credentials::{runs, until},
    machine::{Machine, calls},
};

const KEYS: &str = r#"{"version": 1, "accesskeyid": "AKIDCOMMAND", "SecretAccessKey": "s", "Token": "not this one"}"#;

fn machine(command: &str) -> Machine {
    Machine::new().file("keys", KEYS).config(&format!("[default]\ncredential_process = {command}\n"))
}

#[tokio::test]
async fn a_command_gets_the_user_s_environment_without_the_engine_s_secrets() {
    let ecr = Ecr::start().await.unwrap();
    let secrets = [
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "PULUMI_CONFIG_SECRET_KEYS",
    ];
    let machine = machine("env > ~/environment; cat ~/keys").var("VAULT_ADDR", "user's").var("PULUMI_STACK", "dev");
    let machine = secrets.into_iter().fold(machine, |machine, name| machine.var(name, "to-hide"));
    let mut running = machine.configured(calls(&ecr)).await;
    let asked = running.asked(&ecr).await;
    assert_eq!((asked.access_key.as_str(), asked.session_token.as_str()), ("AKIDCOMMAND", ""));
    let environment = std::fs::read_to_string(running.path("environment")).unwrap();
    assert!(!environment.contains("to-hide"), "{environment}");
    assert!(environment.contains("VAULT_ADDR=user's") && environment.contains("PULUMI_STACK=dev"), "{environment}");
}

#[tokio::test]
async fn what_a_command_leaves_running_lives_on_and_is_not_waited_for() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = machine("sleep 1000 & echo $! > ~/child; cat ~/keys").configured(calls(&ecr)).await;
    assert_eq!(running.asked(&ecr).await.access_key, "AKIDCOMMAND");
    let pid = std::fs::read_to_string(running.path("child")).unwrap();
    assert!(runs(&pid));
    let ended = std::process::Command::new("kill").arg(pid.trim()).status().unwrap();
    assert!(ended.success());
    until("the child's end", || !runs(&pid)).await;
}

#[tokio::test]
async fn what_a_command_leaves_running_ends_with_it_if_it_fails() {
    let ecr = Ecr::start().await.unwrap();
    let mut running = machine("sleep 1000 & echo $! > ~/child; exit 3").configured(calls(&ecr)).await;
    let error = running.plugin.error().await;
    assert!(error.contains("it ended with exit status: 3"), "{error}");
    let pid = std::fs::read_to_string(running.path("child")).unwrap();
    until("the child's end", || !runs(&pid)).await;
}
