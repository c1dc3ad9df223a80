//! HTTP to AWS: which proxy, which certificate authorities, and where a request went that failed.

use std::{
    collections::HashMap,
    env, error, fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider as TlsProvider, TlsContext, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::{Configuration, Error, validity};

/// An HTTP client whose parts are made when a request needs them: reading the system's certificate authorities takes
/// longer than all else at a start, and calls to `http` URLs need none.
#[derive(Clone)]
pub(super) struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    proxies: Proxies,
    tls: TlsContext,
    connectors: Mutex<HashMap<Key, SharedHttpConnector>>,
}

/// What tells connectors apart.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    tls: bool,
    proxy: Option<Scheme>,
    connect_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
}

impl Http {
    /// A client that uses the proxies of the configuration and the environment, and trusts `tls`.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an environment variable that names no proxy.
    pub(super) fn new(configuration: &Configuration, tls: TlsContext) -> Result<Self, Error> {
        let proxies = Proxies::new(configuration)?;
        Ok(Self { shared: Arc::new(Shared { proxies, tls, connectors: Mutex::default() }) })
    }
}

/// Without proxies: their URLs may hold passwords.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

impl HttpClient for Http {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Router { shared: self.shared.clone(), settings: settings.clone() })
    }
}

/// Sends each request by the connector for its URL.
struct Router {
    shared: Arc<Shared>,
    settings: HttpConnectorSettings,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl HttpConnector for Router {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = match request.uri().parse::<Uri>() {
            Ok(uri) => uri,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let route = self.shared.route(&uri);
        let response = match self.shared.connector(&route, &self.settings) {
            Ok(connector) => connector.call(request),
            Err(error) => return HttpConnectorFuture::ready(Err(error)),
        };
        HttpConnectorFuture::new(async move { response.await.map_err(|error| route.blame(error)) })
    }
}

impl Shared {
    fn route(&self, uri: &Uri) -> Route {
        let scheme = if uri.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http };
        let port = uri.port_u16().unwrap_or(match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        });
        let proxy = self.proxies.of(uri);
        Route { scheme, target: format!("{}:{port}", uri.host().unwrap_or_default()), proxy }
    }

    fn connector(
        &self,
        route: &Route,
        settings: &HttpConnectorSettings,
    ) -> Result<SharedHttpConnector, ConnectorError> {
        let proxy = route.proxy.is_some().then_some(route.scheme);
        let config = proxy.map_or_else(|| Ok(ProxyConfig::disabled()), |scheme| self.proxies.config(scheme))?;
        let proxy_has_tls = route.proxy.as_ref().is_some_and(|proxy| proxy.starts_with("https:"));
        let key = Key {
            tls: route.scheme == Scheme::Https || proxy_has_tls,
            proxy,
            connect_timeout: settings.connect_timeout(),
            read_timeout: settings.read_timeout(),
        };
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(key).or_insert_with_key(|key| {
            let builder = Connector::builder().connector_settings(settings.clone()).proxy_config(config);
            SharedHttpConnector::new(if key.tls {
                builder.tls_provider(TlsProvider::Rustls(CryptoMode::AwsLc)).tls_context(self.tls.clone()).build()
            } else {
                builder.build_http()
            })
        });
        Ok(connector.clone())
    }
}

/// The way of a request.
#[derive(Debug, Clone)]
struct Route {
    scheme: Scheme,
    target: String,
    /// The proxy's URL, without a password.
    proxy: Option<String>,
}

impl Route {
    /// The same error, which now also tells the way that the request took.
    fn blame(self, error: ConnectorError) -> ConnectorError {
        let (is_timeout, is_user, is_io, kind) = (error.is_timeout(), error.is_user(), error.is_io(), error.as_other());
        let failed = Box::new(Failed { target: self.target, proxy: self.proxy, source: error.into_source() });
        match () {
            () if is_timeout => ConnectorError::timeout(failed),
            () if is_user => ConnectorError::user(failed),
            () if is_io => ConnectorError::io(failed),
            () => ConnectorError::other(failed, kind),
        }
    }
}

/// A request that got no answer.
#[derive(Debug)]
pub(super) struct Failed {
    /// `host:port`.
    pub(super) target: String,
    /// The proxy's URL, without a password.
    pub(super) proxy: Option<String>,
    source: Box<dyn error::Error + Send + Sync>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not answer", self.target)
    }
}

impl error::Error for Failed {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// The proxies of the configuration and the environment.
struct Proxies {
    http: Option<String>,
    https: Option<String>,
    matcher: Matcher,
}

impl Proxies {
    fn new(configuration: &Configuration) -> Result<Self, Error> {
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
    fn of(&self, uri: &Uri) -> Option<String> {
        if uri.host().is_some_and(is_local) {
            return None;
        }
        let proxy = self.matcher.intercept(uri)?;
        Some(proxy.uri().to_string().trim_end_matches('/').to_owned())
    }

    fn config(&self, scheme: Scheme) -> Result<ProxyConfig, ConnectorError> {
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
