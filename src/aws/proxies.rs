//! Which proxy a request takes.

use std::{env, net::IpAddr};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::{Configuration, Error, validity};

/// The schemes of URLs, each with a proxy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// The proxies of the configuration and the environment.
pub(super) struct Proxies {
    http: Option<String>,
    https: Option<String>,
    matcher: Matcher,
}

impl Proxies {
    pub(super) fn new(configuration: &Configuration) -> Result<Self, Error> {
        let everything = proxy_of_everything();
        let http = proxy(configuration.http_proxy.as_ref(), ["HTTP_PROXY", "http_proxy"])?;
        let https = proxy(configuration.https_proxy.as_ref(), ["HTTPS_PROXY", "https_proxy"])?;
        let https = https.or_else(|| configuration.http_proxy.clone()).or_else(|| everything.clone());
        let http = http.or(everything);
        let not = configuration.no_proxy.clone().or_else(|| variable(["NO_PROXY", "no_proxy"]).map(|(_, value)| value));
        let matcher = Matcher::builder()
            .http(http.clone().unwrap_or_default())
            .https(https.clone().unwrap_or_default())
            .no(not.unwrap_or_default())
            .build();
        Ok(Self { http, https, matcher })
    }

    /// The URL of the proxy for `uri`, without a password.
    pub(super) fn of(&self, uri: &Uri) -> Option<String> {
        if uri.host().is_some_and(is_local) {
            return None;
        }
        let proxy = self.matcher.intercept(uri)?;
        Some(proxy.uri().to_string().trim_end_matches('/').to_owned())
    }

    pub(super) fn config(&self, scheme: Scheme) -> Result<ProxyConfig, ConnectorError> {
        let config = match scheme {
            Scheme::Http => ProxyConfig::http(self.http.clone().unwrap_or_default()),
            Scheme::Https => ProxyConfig::https(self.https.clone().unwrap_or_default()),
        };
        config.map_err(|error| ConnectorError::user(error.into()))
    }
}

fn proxy(configured: Option<&String>, variables: [&'static str; 2]) -> Result<Option<String>, Error> {
    if let Some(url) = configured {
        return Ok(Some(url.clone()));
    }
    let Some((name, value)) = variable(variables) else { return Ok(None) };
    let problem = || "is not the URL of an HTTP proxy".to_owned();
    proxy_url(value).map(Some).ok_or_else(|| Error::Setting { name: name.to_owned(), problem: problem() })
}

/// What `ALL_PROXY` names, which is for all programs: unlike the others it may well name a proxy of another kind, SOCKS
/// for example, and is then not meant for HTTP.
fn proxy_of_everything() -> Option<String> {
    let (name, value) = variable(["ALL_PROXY", "all_proxy"])?;
    let url = proxy_url(value);
    if url.is_none() {
        log::debug!("{name} is not the URL of an HTTP proxy; it is ignored");
    }
    url
}

fn proxy_url(value: String) -> Option<String> {
    let url = if value.contains("://") { value } else { format!("http://{value}") };
    validity::is_url(&url).then_some(url)
}

/// The first of the variables that is set and not empty.
fn variable(names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, env::var(name).ok().filter(|value| !value.is_empty())?)))
}

/// Whether `host` is this machine or the link, where the metadata services of instances and containers are.
fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local() || ip.segments()[..2] == [0xfd00, 0xec2],
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_hosts() {
        for host in
            ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "169.254.169.254", "[fd00:ec2::254]"]
        {
            assert!(is_local(host), "{host}");
        }
        for host in ["localhost.example.com", "10.0.0.1", "ecr.eu-west-1.amazonaws.com", "[2001:db8::1]", ""] {
            assert!(!is_local(host), "{host}");
        }
    }
}
