//! Profiles of the shared files: what they say, then the calls that it takes.
//!
//! aws-config's own reading leaves out `duration_seconds` and `mfa_serial`, runs `credential_process` without a limit and
//! reports all else as one kind of error.

use aws_config::profile::Profile;
use aws_credential_types::Credentials;

use super::{
    super::{
        AssumeRole, Error,
        session::Session,
        shared_files::{SharedFiles, unquoted},
    },
    Answer, Found, container, environment, instance, process, sso,
    sts::{Sts, TokenSource, WebIdentityRole},
};

/// What a profile says, with those that it refers to.
struct Plan {
    /// The profile that holds the base, which is the last in the chain.
    profile: String,
    base: Base,
    /// The roles to assume, the first one first.
    roles: Vec<AssumeRole>,
}

enum Base {
    Keys(Credentials),
    Environment,
    Container,
    Instance,
    WebIdentity(WebIdentityRole),
    Sso(sso::SignIn),
    Process(String),
    None,
}

/// The credentials of the selected profile.
pub(super) async fn selected(session: &Session, sts: &Sts<'_>) -> Answer {
    let files = &session.files;
    let name = files.selected();
    if !files.is_named() && files.profile(name).is_err() {
        return Ok(Err(format!("profile {name} (there is none in the shared AWS files)")));
    }
    let plan = Plan::new(files, name)?;
    let base = match base(session, sts, &plan).await? {
        Ok(base) => base,
        Err(why_not) if plan.roles.is_empty() && plan.profile == name => {
            return Ok(Err(format!("profile {name} ({why_not})")));
        }
        Err(why_not) => return Err(incomplete(&plan.profile, &why_not)),
    };
    let mut found = Found { source: format!("profile {name}: {}", base.source), ..base }.checked()?;
    for role in &plan.roles {
        let credentials = sts.assume_role(&found.credentials, role).await?;
        found = Found::assumed(credentials, &found.source, &role.role_arn).checked()?;
    }
    Ok(Ok(found))
}

async fn base(session: &Session, sts: &Sts<'_>, plan: &Plan) -> Answer {
    let name = &plan.profile;
    match &plan.base {
        Base::Keys(credentials) => Ok(Ok(Found::new(credentials.clone(), format!("keys of profile {name}")))),
        Base::Environment => Ok(environment()),
        Base::Container => container::credentials(session).await,
        Base::Instance => instance::credentials(session).await,
        Base::WebIdentity(role) => sts.assume_role_with_web_identity(role).await.map(Ok),
        Base::Sso(sign_in) => sso::credentials(session, name, sign_in).await.map(Ok),
        Base::Process(command) => {
            let credentials = process::credentials(name, command).await?;
            Ok(Ok(Found::new(credentials, format!("the credential_process of profile {name}"))))
        }
        Base::None => Ok(Err("it has no credentials".to_owned())),
    }
}

impl Plan {
    fn new(files: &SharedFiles, selected: &str) -> Result<Self, Error> {
        let (mut name, mut visited, mut roles) = (selected, Vec::new(), Vec::new());
        let base = loop {
            if visited.contains(&name) {
                let chain = visited.join(", ");
                return Err(incomplete(selected, &format!("its source_profile leads in a circle: {chain}, {name}")));
            }
            visited.push(name);
            let profile = files.profile(name)?;
            let Some(role) = role(profile)? else { break base_of(files, profile)? };
            match (get(profile, "source_profile"), get(profile, "credential_source")) {
                (Some(_), Some(_)) => {
                    return Err(incomplete(name, "source_profile and credential_source exclude each other"));
                }
                (Some(source), None) if source == name => {
                    roles.push(role);
                    break base_of(files, profile)?;
                }
                (Some(source), None) => {
                    roles.push(role);
                    name = source;
                    // Keys end a chain, even in a profile that has a role as well.
                    if let Some(keys) = keys(files.profile(name)?)? {
                        break Base::Keys(keys);
                    }
                }
                (None, Some(source)) => {
                    roles.push(role);
                    break named(profile, source)?;
                }
                (None, None) => {
                    return Err(incomplete(name, "role_arn needs a source_profile or a credential_source beside it"));
                }
            }
        };
        roles.reverse();
        Ok(Self { profile: name.to_owned(), base, roles })
    }
}

fn get<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    profile.get(key).map(unquoted).filter(|value| !value.is_empty())
}

fn incomplete(profile: &str, problem: &str) -> Error {
    Error::Profile { profile: profile.to_owned(), problem: problem.to_owned() }
}

/// The role that a profile assumes with other credentials.
fn role(profile: &Profile) -> Result<Option<AssumeRole>, Error> {
    let Some(role_arn) = get(profile, "role_arn").filter(|_| get(profile, "web_identity_token_file").is_none()) else {
        return Ok(None);
    };
    if get(profile, "mfa_serial").is_some() {
        return Err(Error::MfaRequired { subject: format!("profile {} (by mfa_serial)", profile.name()) });
    }
    let text = |key| get(profile, key).map(str::to_owned);
    Ok(Some(AssumeRole {
        role_arn: role_arn.to_owned(),
        duration: text("duration_seconds"),
        external_id: text("external_id"),
        session_name: text("role_session_name"),
        ..AssumeRole::default()
    }))
}

fn keys(profile: &Profile) -> Result<Option<Credentials>, Error> {
    match (get(profile, "aws_access_key_id"), get(profile, "aws_secret_access_key")) {
        (Some(access_key), Some(secret_key)) => {
            let token = get(profile, "aws_session_token").map(str::to_owned);
            Ok(Some(Credentials::new(access_key, secret_key, token, None, "profile")))
        }
        (Some(_), None) => Err(incomplete(profile.name(), "aws_secret_access_key is missing beside aws_access_key_id")),
        (None, Some(_)) => Err(incomplete(profile.name(), "aws_access_key_id is missing beside aws_secret_access_key")),
        (None, None) => Ok(None),
    }
}

fn named(profile: &Profile, source: &str) -> Result<Base, Error> {
    match source.to_ascii_lowercase().as_str() {
        "environment" => Ok(Base::Environment),
        "ecscontainer" => Ok(Base::Container),
        "ec2instancemetadata" => Ok(Base::Instance),
        _ => Err(incomplete(
            profile.name(),
            &format!("credential_source must be Environment, EcsContainer or Ec2InstanceMetadata, but is {source}"),
        )),
    }
}

fn base_of(files: &SharedFiles, profile: &Profile) -> Result<Base, Error> {
    if let Some(keys) = keys(profile)? {
        return Ok(Base::Keys(keys));
    }
    if let Some(source) = get(profile, "credential_source") {
        return named(profile, source);
    }
    if let Some(file) = get(profile, "web_identity_token_file") {
        let role_arn = get(profile, "role_arn");
        let role_arn =
            role_arn.ok_or_else(|| incomplete(profile.name(), "web_identity_token_file needs a role_arn"))?;
        return Ok(Base::WebIdentity(WebIdentityRole {
            role: AssumeRole {
                role_arn: role_arn.to_owned(),
                session_name: get(profile, "role_session_name").map(str::to_owned),
                ..AssumeRole::default()
            },
            token: TokenSource::File(file.to_owned()),
        }));
    }
    if let Some(sign_in) = sign_in(files, profile)? {
        return Ok(Base::Sso(sign_in));
    }
    // The shell takes the quotes of a command, which belong to its words.
    if let Some(command) = profile.get("credential_process").filter(|command| !command.is_empty()) {
        return Ok(Base::Process(command.to_owned()));
    }
    if get(profile, "login_session").is_some() {
        let name = profile.name();
        return Err(incomplete(
            name,
            &format!(
                "it signs in by `aws login`, which is not supported here; `credential_process = aws configure \
                 export-credentials --profile {name} --format process` in another profile hands its credentials on"
            ),
        ));
    }
    Ok(Base::None)
}

fn sign_in(files: &SharedFiles, profile: &Profile) -> Result<Option<sso::SignIn>, Error> {
    let (account_id, role_name) = (get(profile, "sso_account_id"), get(profile, "sso_role_name"));
    let (session, start_url) = (get(profile, "sso_session"), get(profile, "sso_start_url"));
    if [account_id, role_name, session, start_url].iter().all(Option::is_none) {
        return Ok(None);
    }
    let name = profile.name();
    let setting = |key: &str| match session {
        Some(session) => files
            .sso_session(session, key)
            .ok_or_else(|| incomplete(name, &format!("there is no section [sso-session {session}]"))),
        None => Ok(get(profile, key)),
    };
    let (start_url, region) = (setting("sso_start_url")?, setting("sso_region")?);
    let needed = |key: &str, value: Option<&str>| {
        value.map(str::to_owned).ok_or_else(|| incomplete(name, &format!("{key} is missing for SSO")))
    };
    Ok(Some(sso::SignIn {
        account_id: needed("sso_account_id", account_id)?,
        role_name: needed("sso_role_name", role_name)?,
        region: needed("sso_region", region)?,
        cache: session.map_or_else(|| needed("sso_start_url", start_url), |session| Ok(session.to_owned()))?,
        start_url: needed("sso_start_url", start_url)?,
    }))
}
