use std::time::Duration;

use thiserror::Error as ThisError;

use super::{Namespace, patience::InWords, region};

/// Why AWS gave no answer that can be used. The text is one sentence without a full stop: what happened. What to do
/// next is [`Error::advice`].
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Error {
    /// No source names a Region.
    #[error(
        "no AWS Region is configured: looked at {namespace}:region, AWS_REGION, AWS_DEFAULT_REGION and the region of profile \
         {profile}"
    )]
    NoRegion {
        /// The profile that names none.
        profile: String,
        /// What stands in front of the configuration's keys.
        namespace: Namespace,
    },
    /// A Region that cannot exist.
    #[error("{0} is not the name of an AWS Region")]
    InvalidRegion(String),
    /// The role and the Region belong to different partitions of AWS.
    #[error("{region} is in the partition {region_partition}, but the role {role} is in {role_partition}")]
    WrongPartition {
        /// The role's ARN.
        role: String,
        /// The partition in it.
        role_partition: String,
        /// The Region that was to be called.
        region: String,
        /// Its partition.
        region_partition: &'static str,
    },
    /// The credentials are unknown in a partition that is not the commercial one.
    #[error("the credentials are not known in {region}, which is in the partition {partition}: {answer}")]
    UnknownInPartition {
        /// The Region that was called.
        region: String,
        /// Its partition.
        partition: &'static str,
        /// What AWS said.
        answer: String,
    },
    /// No source has credentials.
    #[error("no AWS credentials were found; looked, in this order, at: {}", .0.join("; "))]
    NoCredentials(Vec<String>),
    /// A source has credentials, but they could not be had from it.
    #[error("{what} gave no AWS credentials: {problem}")]
    Source {
        /// The source.
        what: String,
        /// What went wrong.
        problem: String,
    },
    /// There is no such profile.
    #[error("there is no profile {profile} in the shared AWS files, only: {}", list(.known))]
    ProfileNotFound {
        /// The name.
        profile: String,
        /// The profiles that there are.
        known: Vec<String>,
    },
    /// A profile contradicts itself or lacks something.
    #[error("profile {profile} is not complete: {problem}")]
    Profile {
        /// The name.
        profile: String,
        /// What is wrong.
        problem: String,
    },
    /// A shared file does not end.
    #[error("the shared AWS file {path} {problem}")]
    UnreadableFile {
        /// Its path.
        path: String,
        /// What is wrong; a predicate.
        problem: String,
    },
    /// The bundle of certificate authorities is of no use.
    #[error("the CA bundle {path} {problem}")]
    CaBundle {
        /// Its path.
        path: String,
        /// What is wrong; a predicate.
        problem: String,
    },
    /// An environment variable has no meaning.
    #[error("the environment variable {name} {problem}")]
    Setting {
        /// Its name.
        name: String,
        /// What is wrong; a predicate.
        problem: String,
    },
    /// The configuration has no endpoint.
    #[error("the configuration leads to no endpoint: {0}")]
    Endpoint(String),
    /// The sign-in of IAM Identity Center (SSO) is over, or there is none.
    #[error("the SSO session of profile {profile} {problem}")]
    Sso {
        /// The profile that signs in.
        profile: String,
        /// What is wrong; a predicate.
        problem: &'static str,
    },
    /// The sign-in of `aws login` is over, or there is none.
    #[error("the login session of profile {profile} {problem}")]
    Login {
        /// The profile that signs in.
        profile: String,
        /// What is wrong; a predicate.
        problem: &'static str,
    },
    /// A code of a device is asked for, which nobody can type here.
    #[error("{subject} asks for multi-factor authentication, and a provider cannot ask for a code")]
    MfaRequired {
        /// The profile or the role.
        subject: String,
    },
    /// STS refuses a role.
    #[error("the role {role} could not be assumed: {answer}")]
    RoleNotAssumable {
        /// The role's ARN.
        role: String,
        /// The action that was refused.
        action: &'static str,
        /// What STS said.
        answer: String,
    },
    /// The guard of accounts refuses the credentials.
    #[error("the credentials belong to the AWS account {account}, which {key} does not let pass")]
    AccountNotAllowed {
        /// The account.
        account: String,
        /// The key of the configuration.
        key: String,
    },
    /// The credentials may not do this.
    #[error("AWS denied access: {answer}")]
    AccessDenied {
        /// What AWS said.
        answer: String,
        /// The permission that the call needs.
        action: &'static str,
    },
    /// What was asked for is not there.
    #[error("AWS did not find it: {0}")]
    NotFound(String),
    /// More than one thing is what was asked for.
    #[error("{0} images match, not one")]
    Several(usize),
    /// A list without end.
    #[error("AWS's list goes on after {0} entries")]
    EndlessList(usize),
    /// The Region belongs to a partition without ECR Public.
    #[error("Amazon ECR Public is not in the partition {partition}, to which {region} belongs")]
    NotPublic {
        /// The Region.
        region: String,
        /// Its partition.
        partition: &'static str,
    },
    /// The credentials are over.
    #[error("the AWS credentials have expired: {0}")]
    ExpiredCredentials(String),
    /// AWS does not know the credentials.
    #[error("AWS does not accept the credentials: {0}")]
    InvalidCredentials(String),
    /// The machine's clock is wrong.
    #[error("AWS refused the request's time: {0}")]
    ClockSkew(String),
    /// AWS finds an argument wrong.
    #[error("AWS refused a parameter: {0}")]
    InvalidParameter(String),
    /// Too many calls.
    #[error("AWS throttled the call, which was tried {}: {answer}", times(.tries))]
    Throttled {
        /// What AWS said.
        answer: String,
        /// How often.
        tries: u32,
    },
    /// AWS has a problem of its own.
    #[error("AWS failed: {0}")]
    Server(String),
    /// No connection, or it broke.
    #[error("{} could not be reached{}: {problem}", .target, through(.proxy))]
    Unreachable {
        /// `host:port`.
        target: String,
        /// The proxy's URL, without a password.
        proxy: Option<String>,
        /// What went wrong.
        problem: String,
    },
    /// The machine has no more for this process.
    #[error("the machine gives the plugin no more open files: {0}")]
    OpenFiles(String),
    /// No trust.
    #[error("no secure connection to {target} could be made{}: {problem}", through(.proxy))]
    Tls {
        /// `host:port`.
        target: String,
        /// The proxy's URL, without a password.
        proxy: Option<String>,
        /// What went wrong.
        problem: String,
    },
    /// No answer in time.
    #[error("{} did not answer in time{}", .target, through(.proxy))]
    Timeout {
        /// `host:port`, or what else was asked.
        target: String,
        /// The proxy's URL, without a password.
        proxy: Option<String>,
    },
    /// An answer of another form than AWS's.
    #[error("the answer is none of AWS's: {0}")]
    Malformed(String),
    /// An answer in which a part is missing.
    #[error("the answer has {0}")]
    Incomplete(&'static str),
    /// Anything else that AWS says.
    #[error("AWS answered: {0}")]
    Other(String),
    /// What did not pass, however often it was tried.
    #[error("{error}, tried {tries} times in {}", InWords(*.time))]
    Lasting {
        /// How the last try ended.
        error: Box<Self>,
        /// The tries.
        tries: u32,
        /// How long they took.
        time: Duration,
    },
}

impl Error {
    /// The same error, which for credentials that are unknown outside the commercial partition says so.
    pub(super) fn in_region(self, region: &str) -> Self {
        match (self, region::partition(region)) {
            (Self::InvalidCredentials(answer), partition) if partition != region::COMMERCIAL => {
                Self::UnknownInPartition { region: region.to_owned(), partition, answer }
            }
            (error, _) => error,
        }
    }

    /// The same error after so many tries in so much time.
    pub(super) fn after(self, tries: u32, time: Duration) -> Self {
        match self {
            Self::Throttled { answer, .. } => Self::Throttled { answer, tries },
            error if tries < 2 => error,
            error => Self::Lasting { error: Box::new(error), tries, time },
        }
    }

    /// The error as it was at each try.
    pub(super) fn at_each_try(&self) -> &Self {
        match self {
            Self::Lasting { error, .. } => error,
            error => error,
        }
    }

    /// The same error, which for a denied call names the permission that it needs, for example
    /// `ecr:GetAuthorizationToken`.
    pub(super) fn needing(self, action: &'static str) -> Self {
        match self {
            Self::AccessDenied { answer, .. } => Self::AccessDenied { answer, action },
            Self::Lasting { error, tries, time } => {
                Self::Lasting { error: Box::new(error.needing(action)), tries, time }
            }
            error => error,
        }
    }

    /// Whether AWS understood and said no, rather than that the call failed or nothing was there.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::AccessDenied { .. } | Self::InvalidParameter(_) | Self::Other(_))
    }

    /// The first of what was found.
    pub(crate) fn unless_found<T>(found: impl IntoIterator<Item = Vec<T>>) -> Result<T, Self> {
        let first = found.into_iter().flatten().next();
        first.ok_or_else(|| Self::NotFound("its answer is empty".to_owned()))
    }

    /// What to do next: one sentence without a full stop. `namespace` stands in front of the configuration's keys.
    pub fn advice(&self, namespace: Namespace) -> String {
        let text = match self {
            Self::NoRegion { .. } => "Set one, for example with `pulumi config set aws:region eu-west-1`",
            Self::InvalidRegion(_) => "Correct it, for example to eu-west-1",
            Self::WrongPartition { .. } => "Use a role and a Region of one partition",
            Self::UnknownInPartition { .. } => {
                "Use credentials of that partition, or another Region: each partition has accounts of its own"
            }
            Self::NoCredentials(_) => {
                "Set AWS_PROFILE, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or aws:profile, or sign in with `aws \
                 sso login`"
            }
            Self::Source { .. } => "Correct that source, or configure another one",
            Self::ProfileNotFound { .. } => "Correct aws:profile, AWS_PROFILE or the profile that refers to it",
            Self::Profile { .. } => "Correct the profile in the shared AWS config file",
            Self::UnreadableFile { .. } => {
                "Correct aws:sharedConfigFiles, aws:sharedCredentialsFiles, AWS_CONFIG_FILE or \
                 AWS_SHARED_CREDENTIALS_FILE"
            }
            Self::CaBundle { .. } => {
                "Correct aws:customCaBundle, AWS_CA_BUNDLE or the profile's ca_bundle: it names a PEM file of \
                 certificates"
            }
            Self::Setting { .. } => "Correct or unset it",
            Self::Endpoint(_) => "Check the Region, aws:endpoints, and the settings for FIPS and dual-stack",
            Self::Sso { profile, .. } => return format!("Run `aws sso login --profile {profile}`"),
            Self::Login { profile, .. } => return format!("Run `aws login --profile {profile}`"),
            Self::MfaRequired { .. } => {
                "Get temporary credentials with `aws sts get-session-token` or `aws sts assume-role`, and put them into \
                 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
            }
            Self::RoleNotAssumable { role, action, answer } if is_explicit(answer) => {
                let policy = policy(answer).unwrap_or("policy");
                return format!("Take the action {action} on the role `{role}` out of the {policy} that denies it");
            }
            Self::RoleNotAssumable { role, action, .. } => {
                return format!(
                    "Allow the credentials the action {action} on the resource `{role}`, and let the role's trust \
                     policy name them"
                );
            }
            Self::AccountNotAllowed { .. } => "Use credentials of another account, or change that key",
            Self::AccessDenied { answer, action } => {
                // AWS names both, unless a policy of another kind denies it.
                let action = word_after(answer, "not authorized to perform: ").unwrap_or(action);
                let resource = word_after(answer, "on resource: ").unwrap_or("*");
                let it = format!("the action {action} on the resource `{resource}`");
                return match policy(answer) {
                    policy if is_explicit(answer) => {
                        format!("Take {it} out of the {} that denies it", policy.unwrap_or("policy"))
                    }
                    Some(policy) if policy != IDENTITY_BASED => {
                        format!("Allow these credentials {it} by the {policy}, too")
                    }
                    _ => format!("Allow these credentials {it}"),
                };
            }
            Self::NotFound(_) => "Check the names in the arguments, the Region, and whose registry it is",
            Self::Several(_) => "Name the image by imageTag or imageDigest, or set mostRecent to true",
            Self::EndlessList(_) => "Check that the endpoint's URL is that of Amazon ECR, or look up single ones",
            Self::NotPublic { .. } => "Use a Region and credentials of the partition aws",
            Self::ExpiredCredentials(_) => "Get new ones and set them again, or sign in again",
            Self::InvalidCredentials(_) => {
                "Check the access key, the secret key and the session token, and that they are of the Region's partition"
            }
            Self::ClockSkew(_) => "Set this machine's clock, for example by switching time synchronisation on",
            Self::InvalidParameter(_) => {
                "Check the arguments, and that registryId is the id of an AWS account that exists"
            }
            Self::Throttled { .. } => "Try again later, or make fewer calls at the same time",
            Self::Server(_) => "Try again; if it lasts, look at the AWS Health Dashboard for the Region",
            Self::Unreachable { .. } => {
                "Check the network, the proxy, the Region and, if one is configured, the endpoint's URL"
            }
            Self::OpenFiles(_) => "Raise that limit where the engine is started, or make fewer calls at the same time",
            Self::Tls { .. } => {
                "Set aws:customCaBundle or AWS_CA_BUNDLE to the certificate of the authority that the server or an \
                 inspecting proxy uses, and check the endpoint's host name"
            }
            Self::Timeout { .. } => {
                "Try again; if it lasts, check the network, the proxy, the Region and the endpoint's URL"
            }
            Self::Malformed(_) => {
                "Check that the endpoint's URL is that of the service and that no proxy answers in its place"
            }
            Self::Incomplete(_) => "Check that the endpoint's URL is that of the service",
            Self::Other(_) => "Look the answer up in the service's API reference",
            Self::Lasting { error, .. } => return error.advice(namespace),
        };
        // These texts are this file's own, so nothing else is taken for a key.
        text.replace("aws:", &format!("{namespace}:"))
    }
}

/// The policies of the credentials themselves.
const IDENTITY_BASED: &str = "identity-based policy";

/// The kinds of policies, as AWS names the one that denies or lacks a permission.
const POLICIES: [&str; 7] = [
    IDENTITY_BASED,
    "resource-based policy",
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
];

/// The kind of policy that AWS names in a refusal.
fn policy(answer: &str) -> Option<&'static str> {
    POLICIES.into_iter().find(|policy| answer.contains(policy))
}

/// Whether a policy says no, which no other policy can undo, rather than that none says yes.
fn is_explicit(answer: &str) -> bool {
    answer.contains("an explicit deny")
}

fn word_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_whitespace().next()
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none at all".to_owned() } else { names.join(", ") }
}

fn times(tries: &u32) -> String {
    if *tries == 1 { "once".to_owned() } else { format!("{tries} times") }
}

fn through(proxy: &Option<String>) -> String {
    proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
}
