//! AWS STS: roles, and whose credentials these are.

use std::fmt;

use aws_credential_types::Credentials;
use aws_sdk_sts::{
    config::Region,
    types::{PolicyDescriptorType, Tag},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    super::{AssumeRole, Error, answer, files, patience::Failure, region, session::Session, shown, validity},
    Found, secrets,
};

/// How long the credentials of a role last unless someone says otherwise, as the SDK for Go has it.
const SECONDS: i32 = 900;

/// How long a file with an OpenID Connect token may be, in bytes: STS takes 20,000 characters.
const MAX_TOKEN: usize = 64 * 1024;

const ASSUME_ROLE: &str = "sts:AssumeRole";
const ASSUME_WITH_WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";
const GET_CALLER_IDENTITY: &str = "sts:GetCallerIdentity";

/// AWS STS in one Region.
pub(super) struct Sts<'a> {
    session: &'a Session,
    region: &'a str,
}

/// A role to assume with an OpenID Connect token.
pub(super) struct WebIdentityRole {
    /// The role; STS takes no external id, source identity and tags here.
    pub(super) role: AssumeRole,
    /// The token.
    pub(super) token: TokenSource,
}

/// Where an OpenID Connect token is.
pub(super) enum TokenSource {
    /// In the configuration.
    Inline(String),
    /// In a file, which is read anew for each try: its token is replaced before it is over.
    File(String),
}

/// For people.
impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("the web identity token of the configuration"),
            Self::File(path) => write!(f, "the web identity token in {}", shown::path(&files::path(path))),
        }
    }
}

impl TokenSource {
    /// The token.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] for a file that is of no use.
    pub(super) async fn read(&self) -> Result<String, Error> {
        let unfit = |problem| Error::Source { what: self.to_string(), problem };
        match self {
            Self::Inline(token) => Ok(token.clone()),
            Self::File(path) => {
                let token = files::read(&files::path(path)).await;
                let token = token.map_err(|unread| unfit(format!("the file {}", unread.problem())))?;
                if token.len() > MAX_TOKEN {
                    return Err(unfit(format!("the file is longer than {} KiB", MAX_TOKEN >> 10)));
                }
                String::from_utf8(token).map_err(|_| unfit("the file holds no text".to_owned()))
            }
        }
    }
}

/// Whose credentials they are, as STS knows it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The AWS account.
    pub account: String,
    /// The ARN of the user or of the role's session.
    pub arn: String,
}

impl<'a> Sts<'a> {
    /// STS in `region`.
    pub(super) const fn new(session: &'a Session, region: &'a str) -> Self {
        Self { session, region }
    }

    fn client(&self, credentials: Option<&Credentials>) -> aws_sdk_sts::Client {
        let mut config = self.session.sts().region(Region::new(self.region.to_owned()));
        config.set_credentials_provider(credentials.cloned().map(aws_sdk_sts::config::SharedCredentialsProvider::new));
        aws_sdk_sts::Client::from_conf(config.build())
    }

    fn session_name(&self, role: &AssumeRole) -> String {
        role.session_name.clone().unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
            let namespace = self.session.configuration.namespace;
            format!("pulumi-resource-{namespace}-{}", now.unwrap_or_default().as_millis())
        })
    }

    /// Sends a request, and waits out what passes. `secrets` are shown in no error.
    async fn send<T, E, F>(&self, action: &'static str, secrets: &[&str], request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let attempt = || {
            let output = request();
            async { output.await.map_err(|error| self.meaning(&error, secrets)) }
        };
        self.session.patience.call(&self.name(), action, attempt).await
    }

    /// What it is called, for people.
    fn name(&self) -> String {
        format!("AWS STS in {}", self.region)
    }

    /// What kept one try from its answer.
    fn meaning<E>(&self, error: &SdkError<E, HttpResponse>, secrets: &[&str]) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        answer::meaning(error, &self.name(), secrets).map(|error| error.in_region(self.region))
    }

    /// Assumes a role with credentials.
    ///
    /// # Errors
    ///
    /// [`Error::RoleNotAssumable`], [`Error::MfaRequired`], and whatever keeps STS from answering.
    pub(super) async fn assume_role(&self, base: &Credentials, role: &AssumeRole) -> Result<Credentials, Error> {
        region::check_partition(&role.role_arn, self.region)?;
        let tags = role.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|error| Error::Other(error.to_string()))?;
        let request = self
            .client(Some(base))
            .assume_role()
            .role_arn(&role.role_arn)
            .role_session_name(self.session_name(role))
            .duration_seconds(duration(role).unwrap_or(SECONDS))
            .set_external_id(role.external_id.clone())
            .set_policy(role.policy.clone())
            .set_policy_arns(policies(role))
            .set_source_identity(role.source_identity.clone())
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .set_transitive_tag_keys(some(&role.transitive_tag_keys));
        let [key, token] = secrets(base);
        // STS quotes what it refuses.
        let external_id = role.external_id.as_deref().unwrap_or_default();
        let told = [key, token, external_id, misplaced_session_name(role), shown::hidden_arn(&role.role_arn)];
        let output = self.send(ASSUME_ROLE, &told, || request.clone().send()).await;
        let output = output.map_err(|error| refused(role, ASSUME_ROLE, error))?;
        credentials(output.credentials)
    }

    /// Assumes a role with an OpenID Connect token.
    ///
    /// # Errors
    ///
    /// As [`Self::assume_role`], and [`Error::Source`] for a token that is of no use.
    pub(super) async fn assume_role_with_web_identity(&self, given: &WebIdentityRole) -> Result<Found, Error> {
        let role = &given.role;
        region::check_partition(&role.role_arn, self.region)?;
        let what = given.token.to_string();
        let unfit = |problem| Error::Source { what: what.clone(), problem };
        let request = self
            .client(None)
            .assume_role_with_web_identity()
            .role_arn(&role.role_arn)
            .role_session_name(self.session_name(role))
            .set_duration_seconds(duration(role))
            .set_policy(role.policy.clone())
            .set_policy_arns(policies(role));
        let attempt = || async {
            let token = given.token.read().await?;
            let told = [token.trim(), misplaced_session_name(role), shown::hidden_arn(&role.role_arn)];
            let output = request.clone().web_identity_token(token.trim()).send().await;
            output.map_err(|error| self.meaning(&error, &told))
        };
        let output = self.session.patience.call(&self.name(), ASSUME_WITH_WEB_IDENTITY, attempt).await;
        let output = output.map_err(|error| match error {
            Error::ExpiredCredentials(answer) | Error::InvalidParameter(answer) | Error::Other(answer) => unfit(answer),
            other => refused(role, ASSUME_WITH_WEB_IDENTITY, other),
        })?;
        Ok(Found::assumed(credentials(output.credentials)?, &what, &role.role_arn))
    }

    /// Whose the credentials are (GetCallerIdentity).
    ///
    /// # Errors
    ///
    /// Whatever keeps STS from answering.
    pub(super) async fn identity(&self, credentials: &Credentials) -> Result<Identity, Error> {
        let request = self.client(Some(credentials)).get_caller_identity();
        let identity = self.send(GET_CALLER_IDENTITY, &secrets(credentials), || request.clone().send()).await;
        let identity = identity.map_err(|error| error.needing(GET_CALLER_IDENTITY))?;
        let account = identity.account.ok_or(Error::Incomplete("no account in AWS STS's GetCallerIdentity"))?;
        Ok(Identity { account, arn: identity.arn.unwrap_or_default() })
    }

    /// Checks that the guard of accounts lets the credentials pass.
    ///
    /// # Errors
    ///
    /// [`Error::AccountNotAllowed`], and whatever keeps STS from answering.
    pub(super) async fn check_account(&self, credentials: &Credentials) -> Result<(), Error> {
        let configuration = &self.session.configuration;
        let (allowed, forbidden) = (&configuration.allowed_account_ids, &configuration.forbidden_account_ids);
        if allowed.is_empty() && forbidden.is_empty() {
            return Ok(());
        }
        let Identity { account, .. } = self.identity(credentials).await?;
        if forbidden.contains(&account) {
            return Err(Error::AccountNotAllowed { account, key: configuration.namespace.key("forbiddenAccountIds") });
        }
        if !allowed.is_empty() && !allowed.contains(&account) {
            return Err(Error::AccountNotAllowed { account, key: configuration.namespace.key("allowedAccountIds") });
        }
        Ok(())
    }
}

fn refused(role: &AssumeRole, action: &'static str, error: Error) -> Error {
    match error {
        Error::AccessDenied { answer, .. } if answer.contains("MultiFactorAuthentication") => {
            Error::MfaRequired { subject: format!("the role {}", shown::arn(&role.role_arn)) }
        }
        Error::AccessDenied { answer, .. } | Error::InvalidParameter(answer) | Error::Other(answer) => {
            Error::RoleNotAssumable { role: shown::arn(&role.role_arn), action, answer }
        }
        other => other,
    }
}

/// What stands in the place of a session's name and is none: STS quotes it.
fn misplaced_session_name(role: &AssumeRole) -> &str {
    role.session_name.as_deref().filter(|name| !validity::is_session_name(name)).unwrap_or_default()
}

fn duration(role: &AssumeRole) -> Option<i32> {
    let duration = validity::parse_duration(role.duration.as_deref()?)?;
    i32::try_from(duration.as_secs()).ok()
}

fn policies(role: &AssumeRole) -> Option<Vec<PolicyDescriptorType>> {
    let descriptor = |arn: &String| PolicyDescriptorType::builder().arn(arn).build();
    some(&role.policy_arns.iter().map(descriptor).collect::<Vec<_>>())
}

fn some<T: Clone>(values: &[T]) -> Option<Vec<T>> {
    (!values.is_empty()).then(|| values.to_vec())
}

fn credentials(given: Option<aws_sdk_sts::types::Credentials>) -> Result<Credentials, Error> {
    let has_keys = |given: &aws_sdk_sts::types::Credentials| {
        !given.access_key_id.is_empty() && !given.secret_access_key.is_empty()
    };
    let given = given.filter(has_keys).ok_or(Error::Incomplete("no credentials of the assumed role"))?;
    let expiry = given.expiration.try_into().ok();
    Ok(Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), expiry, "AWS STS"))
}
