//! The URLs of services that the configuration, the environment and the profile have.

use super::{
    Configuration, Error,
    settings::{Settings, variable},
    shared_files::unquoted,
    validity,
};
use crate::steps::step;

/// A service, under the names that settings have for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// Below `aws:endpoints`.
    pub(super) configured: &'static str,
    /// Below a `services` section; in capitals behind `AWS_ENDPOINT_URL_`.
    property: &'static str,
    /// Further variables, which Terraform has for some services.
    older: &'static [&'static str],
}

/// The variable for all services.
const OF_ALL: &str = "AWS_ENDPOINT_URL";

impl Service {
    /// The variables for this service alone.
    fn variables(self) -> impl Iterator<Item = String> {
        let own = format!("{OF_ALL}_{}", self.property.to_ascii_uppercase());
        [own].into_iter().chain(self.older.iter().map(|name| (*name).to_owned()))
    }
}

pub(super) const ECR: Service = Service { configured: "ecr", property: "ecr", older: &[] };
pub(super) const ECR_PUBLIC: Service = Service { configured: "ecrpublic", property: "ecr_public", older: &[] };
pub(super) const STS: Service =
    Service { configured: "sts", property: "sts", older: &["TF_AWS_STS_ENDPOINT", "AWS_STS_ENDPOINT"] };
pub(super) const SSO: Service = Service { configured: "sso", property: "sso", older: &[] };
pub(super) const SSO_OIDC: Service = Service { configured: "ssooidc", property: "sso_oidc", older: &[] };

/// All that are called here.
pub(super) const ALL: [Service; 5] = [ECR, ECR_PUBLIC, STS, SSO, SSO_OIDC];

/// The URL to call for a service, as it is signed: without a user and a password, which AWS does not ask for.
///
/// # Errors
///
/// [`Error::Setting`] and [`Error::Profile`] for what is no URL.
pub(super) fn url(
    configuration: &Configuration,
    settings: &Settings,
    service: Service,
) -> Result<Option<String>, Error> {
    let named = named(configuration, settings, service)?;
    if let Some((source, url)) = &named {
        step!("endpoint", "{}: {}, by {source}", service.configured, validity::origin(url));
    }
    Ok(named.map(|(_, url)| validity::called(&url)))
}

/// Whether the configuration or the environment has a URL for a service alone.
pub(super) fn is_own(configuration: &Configuration, service: Service) -> bool {
    configuration.endpoint(service.configured).is_some() || service.variables().any(|name| variable(&name).is_some())
}

/// The URL that is named for a service, behind what names it: the configuration, the environment for this service, for all,
/// or the profile in the same order.
fn named(
    configuration: &Configuration,
    settings: &Settings,
    service: Service,
) -> Result<Option<(String, String)>, Error> {
    if let Some(url) = configuration.endpoint(service.configured) {
        return Ok(Some((configuration.namespace.key("endpoints"), url.to_owned())));
    }
    let are_ignored = settings.boolean("ignore_configured_endpoint_urls")? == Some(true);
    // The official provider itself looks at those of a service that has older ones, ignored or not.
    let own = service.variables().filter(|_| !are_ignored || !service.older.is_empty());
    let names = own.chain((!are_ignored).then(|| OF_ALL.to_owned()));
    if let Some((name, url)) = names.filter_map(|name| variable(&name).map(|url| (name, url))).next() {
        let wrong = |problem: &str| Error::Setting { name: name.clone(), problem: problem.to_owned() };
        let url = checked(&url).map_err(wrong)?;
        return Ok(Some((name, url)));
    }
    if are_ignored {
        return Ok(None);
    }
    let services = settings.property("services").and_then(|name| settings.other_section("services", name));
    let nested = services.and_then(|services| services.nested(service.property, "endpoint_url"));
    let wrong = |problem| settings.wrong("endpoint_url", problem);
    let url = nested.or_else(|| settings.property("endpoint_url")).map(|url| checked(url).map_err(wrong));
    Ok(url.transpose()?.map(|url| (settings.of_profile("endpoint_url"), url)))
}

/// The URL without quotes around it, which environment files of containers leave there, or why it is none to call.
fn checked(url: &str) -> Result<String, &'static str> {
    match unquoted(url) {
        url if !validity::is_url(url) => Err("is not the URL of a server"),
        url if validity::is_aws_in_the_clear(url) => Err("is not https, although the host is AWS's own"),
        url => Ok(url.to_owned()),
    }
}
