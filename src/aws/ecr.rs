//! The operations of Amazon ECR.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use aws_credential_types::Credentials;
use aws_sdk_ecr::types::{
    ImageDetail, ImageIdentifier, PullThroughCacheRule, Repository, RepositoryCreationTemplate, Tag,
};

use super::{
    AuthorizationData, Caller, Client, Error, answer, authorization,
    call::{List, PAGE, Place, send, send_pages},
    interceptors::Rehearsal,
    proxies::NoWay,
    region,
    session::Session,
};

const SERVICE: &str = "Amazon ECR";

/// Tells which way the call of GetAuthorizationToken in `region` would take, and does not make it.
///
/// # Errors
///
/// Those that come before a call.
pub(super) async fn rehearse(session: &Session, region: &str) -> Result<(), Error> {
    let rehearsal = Rehearsal::default();
    let keys = Credentials::new("none", "none", None, None, "rehearsal");
    let config = aws_sdk_ecr::config::Builder::new().credentials_provider(keys);
    let request = session.ecr(region).get_authorization_token().customize().config_override(config);
    let sent = request.interceptor(rehearsal.clone()).send().await;
    match (rehearsal.0.get(), sent) {
        (Some(url), _) => session.http.rehearse(url).map_err(|NoWay(error)| error),
        (None, Err(error)) => Err(answer::meaning(&error, &format!("{SERVICE} in {region}"), &[]).error),
        (None, Ok(_)) => Ok(()),
    }
}

/// The images of a repository, of which the one that was pushed last is kept: there can be many.
#[derive(Default)]
pub struct Images {
    /// How many there are.
    pub count: usize,
    /// The one that was pushed last: of several, the first.
    pub latest: Option<ImageDetail>,
}

impl List<ImageDetail> for Images {
    fn add(&mut self, images: Vec<ImageDetail>, _: usize) -> usize {
        let before = length(&self.latest);
        self.count += images.len();
        // max_by_key would take the last.
        self.latest = self.latest.take().into_iter().chain(images).reduce(|latest, image| {
            let pushed_later = image.image_pushed_at > latest.image_pushed_at;
            if pushed_later { image } else { latest }
        });
        length(&self.latest).saturating_sub(before)
    }
}

/// The length of all that is known of an image, in bytes.
fn length(image: &Option<ImageDetail>) -> usize {
    struct Length(usize);
    impl Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    let _never_fails = write!(length, "{image:?}");
    length.0
}

/// The names of repositories.
#[derive(Default)]
struct Names(Vec<String>);

impl List<Repository> for Names {
    fn add(&mut self, repositories: Vec<Repository>, _: usize) -> usize {
        let names = repositories.into_iter().map(|repository| repository.repository_name.unwrap_or_default());
        let before = self.0.len();
        self.0.extend(names);
        self.0[before..].iter().map(|name| name.len() + size_of::<String>()).sum()
    }
}

/// Amazon ECR in a Region, called as a configuration says.
pub struct Ecr {
    place: Place,
    sdk: aws_sdk_ecr::Client,
}

impl Ecr {
    /// Calls by `client` in `region`.
    ///
    /// # Errors
    ///
    /// See [`Client::caller`].
    pub async fn new(client: &Arc<Client>, region: &str) -> Result<Self, Error> {
        let place = Place::new(client, SERVICE, region).await?;
        let sdk = place.caller.session.ecr(region);
        Ok(Self { place, sdk })
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.place.caller
    }

    /// A token for the registry with this id, or for the caller's own (GetAuthorizationToken).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering, and an answer without a token.
    pub async fn authorization_data(&self, registry_id: Option<&str>) -> Result<AuthorizationData, Error> {
        let request = self.sdk.get_authorization_token();
        // AWS calls registryIds deprecated, yet they decide the proxyEndpoint: without them it is the caller's own.
        #[allow(deprecated)]
        let request = request.set_registry_ids(registry_id.map(|id| vec![id.to_owned()]));
        let answer = send!(self.place, aws_sdk_ecr, "ecr:GetAuthorizationToken", request).await?;
        let mut entries = answer.authorization_data.unwrap_or_default();
        if entries.is_empty() {
            return Err(Error::Incomplete("no authorization data"));
        }
        entries.retain(|entry| !authorization::is_of_another(entry.proxy_endpoint.as_deref(), registry_id));
        let data = entries.into_iter().next();
        let data = data.ok_or(Error::Incomplete("a token for another registry than the one that was asked for"))?;
        let data = authorization::read(data.authorization_token, data.expires_at, data.proxy_endpoint)?;
        match data.proxy_endpoint.as_deref() {
            None | Some("") => Err(Error::Incomplete("no proxy endpoint")),
            Some(_) => Ok(data),
        }
    }

    /// The repository with this name (DescribeRepositories).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering; [`Error::NotFound`] for a name that no repository has.
    pub async fn repositories(&self, registry_id: Option<&str>, name: &str) -> Result<Vec<Repository>, Error> {
        let request = self.sdk.describe_repositories().set_registry_id(registry_id.map(str::to_owned));
        let request = request.repository_names(name);
        send_pages!(self.place, aws_sdk_ecr, "ecr:DescribeRepositories", request, repositories).await
    }

    /// The names of all repositories of the caller's registry (DescribeRepositories).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering.
    pub async fn repository_names(&self) -> Result<Vec<String>, Error> {
        let request = self.sdk.describe_repositories().max_results(PAGE);
        let names: Names =
            send_pages!(self.place, aws_sdk_ecr, "ecr:DescribeRepositories", request, repositories).await?;
        Ok(names.0)
    }

    /// The tags of the repository with this ARN (ListTagsForResource): none in a partition that refuses to tell them, since
    /// several know no tags and say so in many ways.
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering.
    pub async fn tags(&self, arn: &str) -> Result<Vec<Tag>, Error> {
        let request = self.sdk.list_tags_for_resource().resource_arn(arn);
        let partition = self.place.partition();
        match send!(self.place, aws_sdk_ecr, "ecr:ListTagsForResource", request).await {
            Err(error) if partition != region::COMMERCIAL && error.is_refusal() => {
                log::warn!(
                    "the tags of {arn} are left out, since the partition {partition} does not tell them: {error}"
                );
                Ok(Vec::new())
            }
            answer => Ok(answer?.tags.unwrap_or_default()),
        }
    }

    /// The image with this id, or those of a repository (DescribeImages).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering; [`Error::NotFound`] for a repository or an image that is not there.
    pub async fn images(
        &self,
        registry_id: Option<&str>,
        repository: &str,
        id: Option<ImageIdentifier>,
    ) -> Result<Images, Error> {
        let request = self.sdk.describe_images().set_registry_id(registry_id.map(str::to_owned));
        let request = request.repository_name(repository);
        let request = match id {
            Some(id) => request.image_ids(id),
            None => request.max_results(PAGE),
        };
        send_pages!(self.place, aws_sdk_ecr, "ecr:DescribeImages", request, image_details).await
    }

    /// The ids of all images of a repository (ListImages).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering; [`Error::NotFound`] for a repository that is not there.
    pub async fn image_ids(&self, registry_id: Option<&str>, repository: &str) -> Result<Vec<ImageIdentifier>, Error> {
        let request = self.sdk.list_images().set_registry_id(registry_id.map(str::to_owned));
        let request = request.repository_name(repository).max_results(PAGE);
        send_pages!(self.place, aws_sdk_ecr, "ecr:ListImages", request, image_ids).await
    }

    /// The pull-through cache rule for a prefix (DescribePullThroughCacheRules).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering; [`Error::NotFound`] if there is none.
    pub async fn pull_through_cache_rule(&self, prefix: &str) -> Result<PullThroughCacheRule, Error> {
        let request = self.sdk.describe_pull_through_cache_rules().ecr_repository_prefixes(prefix);
        let answer = send!(self.place, aws_sdk_ecr, "ecr:DescribePullThroughCacheRules", request).await?;
        Error::unless_found(answer.pull_through_cache_rules)
    }

    /// The creation template for a prefix, and the registry's id (DescribeRepositoryCreationTemplates).
    ///
    /// # Errors
    ///
    /// Whatever keeps AWS from answering; [`Error::NotFound`] if there is none.
    pub async fn creation_template(&self, prefix: &str) -> Result<(RepositoryCreationTemplate, Option<String>), Error> {
        let request = self.sdk.describe_repository_creation_templates().prefixes(prefix);
        let answer = send!(self.place, aws_sdk_ecr, "ecr:DescribeRepositoryCreationTemplates", request).await?;
        Ok((Error::unless_found(answer.repository_creation_templates)?, answer.registry_id))
    }
}
