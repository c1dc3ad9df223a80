//! `allowedAccountIds` and `forbiddenAccountIds`.

use serde_json::json;
use support::{
    ecr::Ecr,
    sts::{ACCOUNT, Sts, secret_key, session_token},
};

use crate::machine::{Machine, calls, with};

#[tokio::test]
async fn accounts_pass_or_not() {
    for (guard, refused_by) in [
        (json!({"allowedAccountIds": [ACCOUNT]}), None),
        (json!({"allowedAccountIds": format!("[\"000000000000\", {ACCOUNT}]")}), None),
        (json!({"forbiddenAccountIds": ["000000000000"]}), None),
        (json!({"allowedAccountIds": ["000000000000"]}), Some("aws:allowedAccountIds")),
        (json!({"forbiddenAccountIds": [ACCOUNT]}), Some("aws:forbiddenAccountIds")),
    ] {
        let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
        let configuration = with(with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]})), guard.clone());
        let mut running = Machine::new().keys().configured(configuration).await;
        assert!(sts.asked().is_empty(), "nothing is asked before the first token");
        for registry in ["000000000001", "000000000002"] {
            match (running.plugin.get_credentials(registry).await, refused_by) {
                (Ok(_), None) => {
                    let [asked] = &sts.asked()[..] else { panic!("one question: {guard}") };
                    assert_eq!(
                        (asked.field("Action").as_str(), asked.access_key()),
                        ("GetCallerIdentity", "AKIDENVIRONMENT")
                    );
                    assert!(asked.is_signed_with("environment-secret"));
                }
                (Err(status), Some(key)) => {
                    let part =
                        format!("the credentials belong to the AWS account {ACCOUNT}, which {key} does not let pass");
                    assert!(status.message().contains(&part), "{}", status.message());
                    assert_eq!(ecr.connections(), 0, "no token is asked for");
                }
                (result, _) => panic!("{guard}: {:?}", result.map(drop)),
            }
        }
    }
}

#[tokio::test]
async fn it_is_the_role_s_account_that_counts() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let more = json!({"allowedAccountIds": [ACCOUNT], "endpoints": [{"sts": sts.url()}],
        "assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/R"}]});
    Machine::new().keys().configured(with(calls(&ecr), more)).await.asked(&ecr).await;
    let [role, identity] = &sts.asked()[..] else { panic!("a role and whose it is") };
    assert_eq!((role.field("Action").as_str(), role.access_key()), ("AssumeRole", "AKIDENVIRONMENT"));
    assert_eq!((identity.field("Action").as_str(), identity.access_key()), ("GetCallerIdentity", "ASIAR"));
    assert!(identity.is_signed_with(&secret_key("ASIAR")));
    assert_eq!(identity.header("x-amz-security-token"), session_token("ASIAR"));
}

#[tokio::test]
async fn without_a_guard_nobody_asks_whose_credentials_these_are() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    let configuration = with(calls(&ecr), json!({"endpoints": [{"sts": sts.url()}]}));
    Machine::new().keys().configured(configuration).await.asked(&ecr).await;
    assert!(sts.asked().is_empty());
}

#[tokio::test]
async fn credentials_that_may_not_say_whose_they_are_lack_that_permission() {
    let (ecr, sts) = (Ecr::start().await.unwrap(), Sts::start().await.unwrap());
    sts.fail(403, "AccessDenied", "explicit deny");
    let more = json!({"allowedAccountIds": [ACCOUNT], "endpoints": [{"sts": sts.url()}]});
    let error = Machine::new().keys().error(with(calls(&ecr), more)).await;
    assert!(
        error.ends_with("Allow these credentials the action sts:GetCallerIdentity on the resource `*`."),
        "{error}"
    );
}
