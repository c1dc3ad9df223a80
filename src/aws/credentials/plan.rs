//! What the configuration, the environment and the profiles say of credentials, before anything is called.

use std::fmt;

use aws_credential_types::Credentials;

use super::{
    super::{
        AssumeRole, Configuration, Error, Namespace, WebIdentity,
        session::Session,
        settings::{Settings, variable},
        shared_files::Section,
        shown,
    },
    container,
    login::Login,
    process::Process,
    sso::SignIn,
    sts::{TokenSource, WebIdentityRole},
};

/// Where the first credentials come from, and what is made of them.
pub(super) struct Plan {
    /// The source of the first credentials.
    pub(super) base: Base,
    /// How the profile is called that says so, if one does.
    pub(super) profile: Option<String>,
    /// The roles of profiles, to be assumed one with the credentials of the other.
    pub(super) roles: Vec<AssumeRole>,
    /// Why the sources before this one have nothing.
    tried: Vec<String>,
}

/// A source of credentials.
pub(super) enum Base {
    /// Keys, and how their place is called.
    Keys(Credentials, String),
    /// A role that is assumed with an OpenID Connect token.
    WebIdentity(WebIdentityRole),
    /// IAM Identity Center.
    Sso(SignIn),
    /// `aws login`.
    Login(Login),
    /// A command.
    Process(Process),
    /// The service of a container, at a URL.
    Container(String),
    /// The instance metadata service.
    Instance,
}

/// For people.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(_, source) => f.write_str(source),
            Self::WebIdentity(given) => {
                write!(f, "{}, then the role {}", given.token, shown::arn(&given.role.role_arn))
            }
            Self::Sso(_) => f.write_str("IAM Identity Center (SSO)"),
            Self::Login(_) => f.write_str("aws login"),
            Self::Process(process) => f.write_str(&process.title()),
            Self::Container(url) => f.write_str(&container::title(url)),
            Self::Instance => f.write_str("the instance metadata service, if there is one"),
        }
    }
}

impl Plan {
    /// The plan of a session.
    ///
    /// # Errors
    ///
    /// What is wrong with the source that counts.
    pub(super) fn new(session: &Session) -> Result<Self, Error> {
        let (configuration, settings) = (&session.configuration, &session.settings);
        if let Some(keys) = configured_keys(configuration) {
            return Ok(keys.into());
        }
        if let Some(role) = &configuration.assume_role_with_web_identity {
            return Ok(Base::WebIdentity(configured_web_identity(configuration.namespace, role)?).into());
        }
        let mut tried = Vec::new();
        // A profile that the configuration names wins over the environment; one that AWS_PROFILE names does not.
        if configuration.profile.is_none() {
            match environment() {
                Ok(keys) => return Ok(keys.into()),
                Err(why_not) => tried.push(why_not),
            }
            match web_identity_of_environment()? {
                Some(role) => return Ok(Base::WebIdentity(role).into()),
                None => tried.push("a web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set)".to_owned()),
            }
        }
        let name = settings.profile();
        let title = format!("profile {}", settings.shown_profile());
        let Ok(profile) = settings.section(name) else {
            tried.push(format!("{title} (there is none in the shared AWS files)"));
            return Ok(Self { base: machine(&mut tried)?, profile: None, roles: Vec::new(), tried });
        };
        let (base, roles) = Chain::default().follow(settings, name, profile)?;
        let base = match base {
            Some(base) => base,
            None => {
                tried.push(format!("{title} (it has no credentials)"));
                machine(&mut tried)?
            }
        };
        Ok(Self { base, profile: Some(title), roles, tried })
    }

    /// That nothing has credentials, the last source neither.
    pub(super) fn nothing(&self, why_not: String) -> Error {
        Error::NoCredentials(self.tried.iter().cloned().chain([why_not]).collect())
    }
}

impl From<Base> for Plan {
    fn from(base: Base) -> Self {
        Self { base, profile: None, roles: Vec::new(), tried: Vec::new() }
    }
}

fn configured_keys(configuration: &Configuration) -> Option<Base> {
    let (access_key, secret_key) = (configuration.access_key.as_ref()?, configuration.secret_key.as_ref()?);
    let keys = Credentials::new(access_key, secret_key, configuration.token.clone(), None, "provider configuration");
    Some(Base::Keys(keys, "the provider configuration (accessKey, secretKey)".to_owned()))
}

fn environment() -> Result<Base, String> {
    // Behind the name of today, that of older SDKs.
    let first_of = |name: &str, older: &str| {
        variable(name).or_else(|| variable(older)).ok_or_else(|| format!("the environment ({name} is not set)"))
    };
    let access_key = first_of("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY")?;
    let secret_key = first_of("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY")?;
    let keys = Credentials::new(access_key, secret_key, variable("AWS_SESSION_TOKEN"), None, "environment");
    Ok(Base::Keys(keys, "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)".to_owned()))
}

/// The role of `assumeRoleWithWebIdentity`, completed by the environment.
fn configured_web_identity(namespace: Namespace, given: &WebIdentity) -> Result<WebIdentityRole, Error> {
    let what = namespace.key("assumeRoleWithWebIdentity");
    let missing = |problem: &str| Error::Source { what: what.clone(), problem: problem.to_owned() };
    let role_arn = given.role_arn.clone().or_else(|| variable("AWS_ROLE_ARN"));
    let file = || given.web_identity_token_file.clone().or_else(|| variable("AWS_WEB_IDENTITY_TOKEN_FILE"));
    let token = match &given.web_identity_token {
        Some(token) => TokenSource::Inline(token.clone()),
        None => TokenSource::File(file().ok_or_else(|| {
            missing("neither webIdentityToken, webIdentityTokenFile nor AWS_WEB_IDENTITY_TOKEN_FILE is set")
        })?),
    };
    let role = AssumeRole {
        role_arn: role_arn.ok_or_else(|| missing("neither roleArn nor AWS_ROLE_ARN is set"))?,
        duration: given.duration.clone(),
        policy: given.policy.clone(),
        policy_arns: given.policy_arns.clone(),
        session_name: given.session_name.clone().or_else(|| variable("AWS_ROLE_SESSION_NAME")),
        ..AssumeRole::default()
    };
    Ok(WebIdentityRole { role, token })
}

/// The role that `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN` name, as Amazon EKS sets them.
fn web_identity_of_environment() -> Result<Option<WebIdentityRole>, Error> {
    let Some(file) = variable("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
    let problem = "is not set beside AWS_WEB_IDENTITY_TOKEN_FILE".to_owned();
    let missing = Error::Setting { name: "AWS_ROLE_ARN".to_owned(), problem };
    let role_arn = variable("AWS_ROLE_ARN").ok_or(missing)?;
    let role = AssumeRole { role_arn, session_name: variable("AWS_ROLE_SESSION_NAME"), ..AssumeRole::default() };
    Ok(Some(WebIdentityRole { role, token: TokenSource::File(file) }))
}

/// The source that the machine has: a container's service, else the instance's.
fn machine(tried: &mut Vec<String>) -> Result<Base, Error> {
    match container::url()? {
        Ok(url) => Ok(Base::Container(url)),
        Err(why_not) => {
            tried.push(why_not);
            Ok(Base::Instance)
        }
    }
}

/// The profiles along `source_profile`.
#[derive(Default)]
struct Chain<'a> {
    visited: Vec<&'a str>,
    roles: Vec<AssumeRole>,
}

impl<'a> Chain<'a> {
    /// Follows the chain from `name` on to its base, which the first profile may leave to the machine, and the roles to
    /// assume from there on.
    fn follow(
        mut self,
        settings: &'a Settings,
        mut name: &'a str,
        mut profile: &'a Section,
    ) -> Result<(Option<Base>, Vec<AssumeRole>), Error> {
        let base = loop {
            if let Some(missing) = profile.missing_key {
                return Err(incomplete(name, &format!("{missing} is missing beside the other key")));
            }
            // Where the chain leads back to a profile, that one stands for its credentials without its role.
            let is_again = self.visited.contains(&name);
            let (is_first, role_arn) = (self.visited.is_empty(), profile.get("role_arn").filter(|_| !is_again));
            let keys = keys(name, profile);
            let source = profile.get("source_profile").filter(|_| !is_again && (is_first || keys.is_none()));
            if !is_again && role_arn.is_none() {
                check_role(name, profile)?;
            }
            if is_first || keys.is_none() {
                check_sources(name, profile)?;
            }
            let uses_role = source.is_some() || keys.is_some() || profile.get("web_identity_token_file").is_none();
            if let Some(role_arn) = role_arn.filter(|_| uses_role) {
                self.roles.push(role(name, profile, role_arn)?);
            }
            self.visited.push(name);
            let Some(source) = source else {
                break keys.map_or_else(|| base(settings, name, profile), |keys| Ok(Some(keys)))?;
            };
            let found = settings.section(source).ok().ok_or_else(|| {
                let known = settings.profiles().join(", ");
                incomplete(name, &format!("its source_profile names none of the profiles, which are: {known}"))
            })?;
            (name, profile) = (source, found);
        };
        if base.is_none() && self.visited.len() > 1 {
            return Err(incomplete(name, "it has no credentials, and another profile refers to it"));
        }
        self.roles.reverse();
        Ok((base, self.roles))
    }
}

fn incomplete(profile: &str, problem: &str) -> Error {
    Error::Profile { profile: shown::name(profile), problem: problem.to_owned() }
}

/// The sources that are for roles.
const OF_ROLES: [&str; 3] = ["source_profile", "credential_source", "web_identity_token_file"];

/// Checks that a profile without a role names no source that is for roles.
fn check_role(name: &str, profile: &Section) -> Result<(), Error> {
    match OF_ROLES.into_iter().find(|key| profile.get(key).is_some()) {
        Some(source) => Err(incomplete(name, &format!("{source} needs a role_arn"))),
        None => Ok(()),
    }
}

/// Checks that a profile names one source.
fn check_sources(name: &str, profile: &Section) -> Result<(), Error> {
    let sources = OF_ROLES.into_iter().chain(["credential_process"]);
    let named: Vec<_> = sources.filter(|key| profile.get(key).is_some()).collect();
    match named[..] {
        [] | [_] => Ok(()),
        _ => Err(incomplete(name, &format!("{} exclude each other", named.join(" and ")))),
    }
}

/// The role that a profile assumes with other credentials.
fn role(name: &str, profile: &Section, role_arn: &str) -> Result<AssumeRole, Error> {
    if profile.get("mfa_serial").is_some() {
        return Err(Error::MfaRequired { subject: format!("profile {} (by mfa_serial)", shown::name(name)) });
    }
    let text = |key| profile.get(key).map(str::to_owned);
    let seconds = profile.get("duration_seconds").and_then(|seconds| seconds.parse::<u64>().ok());
    Ok(AssumeRole {
        role_arn: role_arn.to_owned(),
        // The SDK for Go leaves shorter ones out.
        duration: seconds.filter(|seconds| seconds / 60 > 15).map(|seconds| seconds.to_string()),
        external_id: text("external_id"),
        session_name: text("role_session_name"),
        ..AssumeRole::default()
    })
}

fn keys(name: &str, profile: &Section) -> Option<Base> {
    let (access_key, secret_key) = (profile.get("aws_access_key_id")?, profile.get("aws_secret_access_key")?);
    let token = profile.get("aws_session_token").map(str::to_owned);
    let keys = Credentials::new(access_key, secret_key, token, None, "profile");
    Some(Base::Keys(keys, format!("keys of profile {}", shown::name(name))))
}

/// What a profile without keys has.
fn base(settings: &Settings, name: &str, profile: &Section) -> Result<Option<Base>, Error> {
    if let Some(source) = profile.get("credential_source") {
        return named(name, source).map(Some);
    }
    if let Some(file) = profile.get("web_identity_token_file") {
        let role_arn =
            profile.get("role_arn").ok_or_else(|| incomplete(name, "web_identity_token_file needs a role_arn"))?;
        let session_name = profile.get("role_session_name").map(str::to_owned);
        let role = AssumeRole { role_arn: role_arn.to_owned(), session_name, ..AssumeRole::default() };
        return Ok(Some(Base::WebIdentity(WebIdentityRole { role, token: TokenSource::File(file.to_owned()) })));
    }
    if let Some(sign_in) = sign_in(settings, name, profile)? {
        return Ok(Some(Base::Sso(sign_in)));
    }
    if let Some(session) = profile.get("login_session") {
        return Ok(Some(Base::Login(Login { profile: name.to_owned(), session: session.to_owned() })));
    }
    let process = |command: &str| Base::Process(Process { profile: name.to_owned(), command: command.to_owned() });
    Ok(profile.get("credential_process").map(process))
}

fn named(name: &str, source: &str) -> Result<Base, Error> {
    let nothing = |why_not: String| incomplete(name, &format!("its credential_source is {why_not}"));
    match source {
        "Environment" => environment().map_err(nothing),
        "EcsContainer" => container::url()?.map(Base::Container).map_err(nothing),
        "Ec2InstanceMetadata" => Ok(Base::Instance),
        _ => Err(incomplete(name, "credential_source must be Environment, EcsContainer or Ec2InstanceMetadata")),
    }
}

fn sign_in(settings: &Settings, name: &str, profile: &Section) -> Result<Option<SignIn>, Error> {
    let session = profile.get("sso_session");
    let keys = ["sso_account_id", "sso_region", "sso_role_name", "sso_start_url"];
    if session.is_none() && keys.iter().all(|key| profile.get(key).is_none()) {
        return Ok(None);
    }
    let place = match session {
        Some(session) => settings.other_section("sso-session", session.trim()).ok_or_else(|| {
            incomplete(name, "there is no section [sso-session …] with the name that its sso_session has")
        })?,
        None => profile,
    };
    let needed = |place: &Section, key: &str| {
        place.get(key).map(str::to_owned).ok_or_else(|| incomplete(name, &format!("{key} is missing for SSO")))
    };
    for key in ["sso_region", "sso_start_url"] {
        if profile.get(key).is_some_and(|value| place.get(key) != Some(value)) {
            return Err(incomplete(name, &format!("its {key} is not that of its sso_session")));
        }
    }
    let start_url = needed(place, "sso_start_url")?;
    Ok(Some(SignIn {
        profile: name.to_owned(),
        account_id: needed(profile, "sso_account_id")?,
        role_name: needed(profile, "sso_role_name")?,
        region: needed(place, "sso_region")?,
        cache: session.unwrap_or(&start_url).to_owned(),
    }))
}
