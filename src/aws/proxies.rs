//! Which proxy a request takes.
//!
//! URLs and the hosts to leave out are read by the rules of Go's `golang.org/x/net/http/httpproxy`.

use std::{fmt, net::IpAddr};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;

use super::{Configuration, Error, settings::variable};
use crate::{redaction, steps::step};

/// The schemes of URLs, each with a proxy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// The proxies of the configuration and the environment.
pub(super) struct Proxies {
    http: Option<Named>,
    https: Option<Named>,
    without: Vec<Without>,
}

/// What is set as a proxy, and what sets it.
#[derive(Clone)]
struct Named {
    name: String,
    proxy: Result<Proxy, &'static str>,
}

/// A proxy.
///
/// There is no `Debug`: it may hold a password.
#[derive(Clone)]
pub(super) struct Proxy {
    /// The URL without user and password, the only part that is ever shown.
    pub(super) url: String,
    /// The user and the password, encoded as in a URL.
    user: Option<(String, String)>,
}

/// What keeps a request from being sent at all: a proxy that is none, or authorities that cannot be read.
#[derive(Debug)]
pub(super) struct NoWay(pub(super) Error);

impl fmt::Display for NoWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NoWay {}

const NO_URL: &str = "is not the URL of an HTTP proxy (characters of a password other than letters, digits and \
                      -._~!$&'()*+,;=:@ are encoded in a URL, for example # as %23)";
const SOCKS: &str = "names a SOCKS proxy, which is not supported: name an HTTP proxy, or the hosts of AWS in NO_PROXY";

impl Proxy {
    /// Reads a URL; without a scheme it is one of `http`. The last `@` ends the password.
    ///
    /// # Errors
    ///
    /// What is wrong; a predicate.
    pub(super) fn new(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "socks5" | "socks5h" | "socks4" | "socks4a" | "socks" => return Err(SOCKS),
            "https" => "https",
            // Go speaks HTTP to whatever it does not know.
            _ => "http",
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let url = format!("{scheme}://{host}");
        let is_host = url.parse::<Uri>().is_ok_and(|url| {
            let port = url.authority().and_then(|all| all.as_str().strip_prefix(url.host()?)).unwrap_or_default();
            let is_port = port.strip_prefix(':').is_none_or(|port| port.parse::<u16>().is_ok());
            is_port && url.host().is_some_and(|host| !host.is_empty())
        });
        if !is_host || !user.is_none_or(is_user) {
            return Err(NO_URL);
        }
        let encoded = |text: &str| text.replace('@', "%40");
        let user = user.map(|user| user.split_once(':').unwrap_or((user, "")));
        Ok(Self { url, user: user.map(|(user, password)| (encoded(user), encoded(password))) })
    }
}

/// Whether Go takes `text` for a user and a password.
fn is_user(text: &str) -> bool {
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(char);
    let is_encoded = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    text.chars().all(is_allowed) && text.split('%').skip(1).all(is_encoded)
}

impl Proxies {
    pub(super) fn new(configuration: &Configuration) -> Self {
        let configured = |key, url: &Option<String>| {
            let name = configuration.namespace.key(key);
            url.as_deref().map(|url| Named { name, proxy: Proxy::new(url) })
        };
        let configured_http = configured("httpProxy", &configuration.http_proxy);
        let everything = proxy_of_everything();
        let http = configured_http.clone().or_else(|| named(["HTTP_PROXY", "http_proxy"]));
        let https = configured("httpsProxy", &configuration.https_proxy);
        let https = https.or_else(|| named(["HTTPS_PROXY", "https_proxy"])).or(configured_http);
        let without =
            configuration.no_proxy.clone().or_else(|| first_of(["NO_PROXY", "no_proxy"]).map(|(_, list)| list));
        let without = without.unwrap_or_default().split(',').filter_map(Without::new).collect();
        Self { http: http.or_else(|| everything.clone()), https: https.or(everything), without }
    }

    /// The proxy for `uri`.
    ///
    /// # Errors
    ///
    /// [`NoWay`], if the one that is set for it is none.
    pub(super) fn of(&self, uri: &Uri, scheme: Scheme) -> Result<Option<&Proxy>, NoWay> {
        let named = match scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if scheme == Scheme::Https { 443 } else { 80 });
        let Some(Named { name, proxy }) = named else {
            step!("proxy", "none for {host}:{port}: none is set");
            return Ok(None);
        };
        if is_local(&host) || self.without.iter().any(|without| without.covers(&host, port)) {
            let why = if is_local(&host) { "it is this machine or beside it" } else { "noProxy or NO_PROXY covers it" };
            step!("proxy", "none for {host}:{port}: {why}");
            return Ok(None);
        }
        if let Ok(proxy) = proxy {
            step!("proxy", "{} for {host}:{port}, by {name}", proxy.url);
        }
        let invalid = |problem: &&str| Error::Setting { name: name.clone(), problem: (*problem).to_owned() };
        proxy.as_ref().map(Some).map_err(|problem| NoWay(invalid(problem)))
    }

    /// How the SDK's HTTP client is told of the proxy of a scheme.
    pub(super) fn config(scheme: Scheme, proxy: &Proxy) -> Result<ProxyConfig, ConnectorError> {
        let config = match scheme {
            Scheme::Http => ProxyConfig::http(proxy.url.as_str()),
            Scheme::Https => ProxyConfig::https(proxy.url.as_str()),
        };
        let config = config.map_err(|_| ConnectorError::user(NO_URL.into()))?;
        Ok(match &proxy.user {
            Some((user, password)) => config.with_basic_auth(user, password),
            None => config,
        })
    }
}

/// The passwords in the environment's proxies, with their users and alone.
pub(super) fn passwords() -> impl Iterator<Item = String> {
    let names = [["HTTP_PROXY", "http_proxy"], ["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];
    names.into_iter().flatten().filter_map(variable).flat_map(|url| {
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        redaction::user(&url).into_iter().map(str::to_owned).collect::<Vec<_>>()
    })
}

fn named(names: [&'static str; 2]) -> Option<Named> {
    first_of(names).map(|(name, url)| Named { name: name.to_owned(), proxy: Proxy::new(&url) })
}

/// What `ALL_PROXY` names, which is for all programs: unlike the others it may well name a proxy of another kind, SOCKS
/// for example, and is then not meant for HTTP.
fn proxy_of_everything() -> Option<Named> {
    let named = named(["ALL_PROXY", "all_proxy"])?;
    if named.proxy.is_err() {
        step!(debug, "proxy", "{} is not the URL of an HTTP proxy; it is ignored", named.name);
        return None;
    }
    Some(named)
}

/// The first of the variables that is set.
fn first_of(names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, variable(name)?)))
}

/// Hosts that are called without a proxy: an entry of `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
enum Without {
    /// `*`.
    All,
    /// The addresses that share the first bits of one.
    Network(IpAddr, u8),
    /// An address, on all ports or one.
    Address(IpAddr, Port),
    /// A host and all below it, or what is below it alone, on all ports or one.
    Domain { suffix: String, itself: bool, port: Port },
}

/// A port as it is written: `0443` is none that a URL has.
type Port = Option<String>;

impl Without {
    fn new(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_lowercase();
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((ip, bits)) = entry.split_once('/')
            && let (Ok(ip), Ok(bits)) = (ip.parse::<IpAddr>(), bits.parse())
        {
            let is_one = bits <= if ip.is_ipv4() { 32 } else { 128 };
            return is_one.then(|| match ip.to_canonical() {
                mapped @ IpAddr::V4(_) if ip.is_ipv6() && bits >= MAPPED => Self::Network(mapped, bits - MAPPED),
                _ => Self::Network(ip, bits),
            });
        }
        if let Some(ip) = address(&entry) {
            return Some(Self::Address(ip, None));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.to_owned()).filter(|port| !port.is_empty())),
            None => (entry.as_str(), None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Some(ip) = address(host) {
            return Some(Self::Address(ip, port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        match host.strip_prefix('.') {
            Some(_) => Some(Self::Domain { suffix: host.to_owned(), itself: false, port }),
            None if host.is_empty() => None,
            None => Some(Self::Domain { suffix: format!(".{host}"), itself: true, port }),
        }
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        let is_port = |wanted: &Port| wanted.as_ref().is_none_or(|wanted| *wanted == port.to_string());
        let ip = address(host);
        match self {
            Self::All => true,
            Self::Network(network, bits) => ip.is_some_and(|ip| shares_bits(ip, *network, *bits)),
            Self::Address(address, port) => ip == Some(*address) && is_port(port),
            Self::Domain { suffix, itself, port } => {
                let is_host = host.ends_with(suffix.as_str()) || (*itself && suffix.strip_prefix('.') == Some(host));
                ip.is_none() && is_host && is_port(port)
            }
        }
    }
}

/// The bits in front of an address of IPv4 that is written as one of IPv6.
const MAPPED: u8 = 96;

/// An address; one of IPv4 may be written as one of IPv6.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

fn shares_bits(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            (ip.to_bits() ^ network.to_bits()).checked_shr(32 - bits).unwrap_or_default() == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            (ip.to_bits() ^ network.to_bits()).checked_shr(128 - bits).unwrap_or_default() == 0
        }
        _ => false,
    }
}

/// Whether `host` is this machine or the link, where the metadata services of instances and containers are.
fn is_local(host: &str) -> bool {
    match address(host) {
        Some(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Some(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local() || ip.segments()[..2] == [0xfd00, 0xec2],
        None => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_hosts() {
        for host in [
            "localhost",
            "x.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "fd00:ec2::254",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in ["localhost.example.com", "10.0.0.1", "ecr.eu-west-1.amazonaws.com", "2001:db8::1", ""] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn hosts_are_left_out_as_in_go() {
        for (entry, inside, outside) in [
            ("*", &[("x.y", 1), ("10.0.0.1", 1)][..], &[][..]),
            ("corp.test", &[("corp.test", 1), ("a.corp.test", 2)], &[("acorp.test", 1), ("corp.test.x", 1)]),
            (" .Corp.test ", &[("a.corp.test", 1)], &[("corp.test", 1)]),
            ("*.corp.test", &[("a.b.corp.test", 1)], &[("corp.test", 1)]),
            ("corp.test:80", &[("corp.test", 80), ("a.corp.test", 80)], &[("corp.test", 443)]),
            (".corp.test:80", &[("a.corp.test", 80)], &[("a.corp.test", 443), ("corp.test", 80)]),
            ("10.1.0.0/16", &[("10.1.2.3", 1)], &[("10.2.0.1", 1), ("10.1.example", 1)]),
            ("0.0.0.0/0", &[("10.1.2.3", 1)], &[("2001:db8::1", 1)]),
            ("::ffff:192.0.2.1", &[("192.0.2.1", 1), ("::ffff:192.0.2.1", 1)], &[("192.0.2.2", 1)]),
            ("::ffff:192.0.2.0/120", &[("192.0.2.7", 1)], &[("192.0.3.7", 1)]),
            ("2001:db8::/32", &[("2001:db8:1::1", 1)], &[("2001:db9::1", 1)]),
            ("10.0.0.1", &[("10.0.0.1", 1)], &[("10.0.0.10", 1)]),
            ("10.0.0.1:80", &[("10.0.0.1", 80)], &[("10.0.0.1", 81)]),
            ("[2001:db8::1]:80", &[("2001:db8::1", 80)], &[("2001:db8::1", 81)]),
            ("2001:db8::1", &[("2001:db8::1", 80)], &[]),
            ("corp.test:", &[("corp.test", 80), ("a.corp.test", 443)], &[]),
            ("corp.test:080", &[], &[("corp.test", 80)]),
            ("corp.test:x", &[], &[("corp.test", 80)]),
        ] {
            let without = Without::new(entry).unwrap();
            assert!(inside.iter().all(|(host, port)| without.covers(host, *port)), "{entry}");
            assert!(!outside.iter().any(|(host, port)| without.covers(host, *port)), "{entry}");
        }
        for entry in ["", " ", ":80", "10.0.0.0/99"] {
            assert_eq!(Without::new(entry), None, "{entry}");
        }
    }

    #[test]
    fn the_last_at_sign_ends_the_password() {
        for (text, url, user) in [
            ("http://joe@corp.example:word@proxy:9", "http://proxy:9", Some(("joe%40corp.example", "word"))),
            ("joe:a%2Fb@proxy", "http://proxy", Some(("joe", "a%2Fb"))),
            ("https://joe@proxy:1/path", "https://proxy:1", Some(("joe", ""))),
            ("proxy:3128", "http://proxy:3128", None),
            ("ftp://proxy:21", "http://proxy:21", None),
        ] {
            let proxy = Proxy::new(text).unwrap_or_else(|problem| panic!("{text} {problem}"));
            let user = user.map(|(user, password): (&str, &str)| (user.to_owned(), password.to_owned()));
            assert_eq!((proxy.url.as_str(), proxy.user), (url, user), "{text}");
        }
        for text in ["", "http://", "http://joe:a/b@proxy", "http://joe:a#b@proxy", "http://joe:%x@proxy", "a b"] {
            assert_eq!(Proxy::new(text).err(), Some(NO_URL), "{text}");
        }
        assert_eq!(Proxy::new("socks5://proxy").err(), Some(SOCKS));
    }
}
