//! HTTP to AWS: which way a request takes, whom it trusts, and where it went if it failed.

use std::{
    collections::HashMap,
    error, fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_smithy_http_client::{
    Connector, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider as TlsProvider, TlsContext, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{DateTime, date_time::Format};
use http::Uri;

use super::{
    Configuration,
    bounded_answers::{self, Refused},
    proxies::{NoWay, Proxies, Proxy, Scheme},
    trust,
};
use crate::steps::step;

/// An HTTP client whose parts are made when a request needs them: reading the system's certificate authorities takes
/// longer than all else at a start, and calls to `http` URLs need none.
#[derive(Clone)]
pub(super) struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    proxies: Proxies,
    /// Whom to trust in place of the system's certificate authorities.
    tls: Option<TlsContext>,
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

impl Http {
    /// A client that uses the proxies of the configuration and the environment, and trusts `tls`, or else
    /// the system's certificate authorities.
    pub(super) fn new(configuration: &Configuration, tls: Option<TlsContext>) -> Self {
        let proxies = Proxies::new(configuration);
        Self { shared: Arc::new(Shared { proxies, tls, connectors: Mutex::default() }) }
    }

    /// Finds the way of a request to `url`, and sends nothing.
    ///
    /// # Errors
    ///
    /// [`NoWay`].
    pub(super) fn rehearse(&self, url: &str) -> Result<(), NoWay> {
        url.parse().map_or(Ok(()), |uri| self.shared.route(&uri).map(drop))
    }

    /// What sends requests within the limits of `settings`.
    pub(super) fn connector(&self, settings: &HttpConnectorSettings) -> SharedHttpConnector {
        SharedHttpConnector::new(Router { shared: self.shared.clone(), settings: settings.clone() })
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
        self.connector(settings)
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
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let uri = match request.uri().parse::<Uri>() {
            Ok(uri) => uri,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let route = match self.shared.route(&uri) {
            Ok(route) => route,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let (target, shared, settings) = (route.target.clone(), self.shared.clone(), self.settings.clone());
        HttpConnectorFuture::new(async move {
            let connector = shared.connector(&route, settings).await?;
            let trial = Trial::of(&mut request);
            let (request, too_many) = bounded_answers::count_interim(request)?;
            let passed = async { bounded_answers::pass(connector.call(request).await?).await };
            let passed = tokio::select! {
                passed = passed => passed,
                () = too_many.cancelled() => Err(ConnectorError::user(Refused::ManyInterim.into())),
            };
            let passed = passed.map_err(|error| route.blame(error));
            trial.end(passed.is_ok());
            passed.inspect(|response| compare_clocks(&target, response))
        })
    }
}

/// A request that has no whole answer yet. If none comes, no later request takes its connection: one with HTTP/2 is everybody's,
/// and when it is dead nothing tells.
struct Trial {
    connection: CaptureSmithyConnection,
    is_good: bool,
}

impl Trial {
    fn of(request: &mut HttpRequest) -> Self {
        let connection = request.extension::<CaptureSmithyConnection>().cloned().unwrap_or_else(|| {
            let connection = CaptureSmithyConnection::new();
            request.add_extension(connection.clone());
            connection
        });
        Self { connection, is_good: false }
    }

    fn end(mut self, is_good: bool) {
        self.is_good = is_good;
    }
}

/// Whoever waited may have given up.
impl Drop for Trial {
    fn drop(&mut self) {
        if !self.is_good {
            self.connection.get().iter().for_each(ConnectionMetadata::poison);
        }
    }
}

impl Shared {
    fn route(&self, uri: &Uri) -> Result<Route, NoWay> {
        let scheme = scheme(uri);
        let proxy = self.proxies.of(uri, scheme)?.cloned();
        Ok(Route { scheme, target: target(uri), proxy })
    }

    async fn connector(
        &self,
        route: &Route,
        settings: HttpConnectorSettings,
    ) -> Result<SharedHttpConnector, ConnectorError> {
        let config = match &route.proxy {
            Some(proxy) => Proxies::config(route.scheme, proxy)?,
            None => ProxyConfig::disabled(),
        };
        let proxy = route.proxy.is_some().then_some(route.scheme);
        let proxy_has_tls = route.proxy.as_ref().is_some_and(|proxy| proxy.url.starts_with("https:"));
        let key = Key {
            tls: route.scheme == Scheme::Https || proxy_has_tls,
            proxy,
            connect_timeout: settings.connect_timeout(),
            read_timeout: settings.read_timeout(),
        };
        if let Some(connector) = self.connectors().get(&key) {
            return Ok(connector.clone());
        }
        let builder = Connector::builder().connector_settings(settings).proxy_config(config);
        let with_tls = |builder: ConnectorBuilder| builder.tls_provider(TlsProvider::Rustls(CryptoMode::AwsLc));
        let made = match &self.tls {
            _ if !key.tls => SharedHttpConnector::new(builder.build_http()),
            Some(tls) => SharedHttpConnector::new(with_tls(builder).tls_context(tls.clone()).build()),
            None => trust::with_system(move || SharedHttpConnector::new(with_tls(builder).build()))
                .await
                .map_err(|error| ConnectorError::user(NoWay(error).into()))?,
        };
        // Of two that were made at the same time one stays.
        Ok(self.connectors().entry(key).or_insert(made).clone())
    }

    fn connectors(&self) -> MutexGuard<'_, HashMap<Key, SharedHttpConnector>> {
        self.connectors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn scheme(uri: &Uri) -> Scheme {
    if uri.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http }
}

/// Where a request goes: `host:port`.
pub(super) fn target(uri: &Uri) -> String {
    let port = uri.port_u16().unwrap_or(match scheme(uri) {
        Scheme::Http => 80,
        Scheme::Https => 443,
    });
    format!("{}:{port}", uri.host().unwrap_or_default())
}

/// Tells how far this machine's clock is from that of the server at `target`.
fn compare_clocks(target: &str, response: &HttpResponse) {
    let Some(seconds) = skew(response) else { return };
    match seconds {
        -1..=1 => step!("clock", "this machine's agrees with that of {target} to the second"),
        2.. => step!("clock", "this machine's is {seconds} s ahead of that of {target}"),
        _ => step!("clock", "this machine's is {} s behind that of {target}", -seconds),
    }
}

/// By how many seconds this machine's clock is ahead of that of whoever answered; `None`: it did not say its time.
pub(super) fn skew(response: &HttpResponse) -> Option<i64> {
    let date = DateTime::from_str(response.headers().get("date")?, Format::HttpDate).ok()?;
    Some(DateTime::from(SystemTime::now()).secs() - date.secs())
}

/// The way of a request.
struct Route {
    scheme: Scheme,
    target: String,
    proxy: Option<Proxy>,
}

impl Route {
    /// The same error, which now also tells the way that the request took.
    fn blame(self, error: ConnectorError) -> ConnectorError {
        let (is_timeout, is_user, is_io, kind) = (error.is_timeout(), error.is_user(), error.is_io(), error.as_other());
        let failed = Box::new(Failed {
            target: self.target,
            proxy: self.proxy.map(|proxy| proxy.url),
            source: error.into_source(),
        });
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
