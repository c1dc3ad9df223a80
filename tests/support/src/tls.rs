//! Certificates of an authority of our own, and TLS in front of a plain server.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::listener::Listener;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate authority that no one trusts unless told to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server's certificate and its key.
pub struct Certificate {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// A new one of this name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for `host`, valid today.
    pub fn certificate(&self, host: &str) -> Certificate {
        self.sign(host, |params| params)
    }

    /// A certificate for `host` that was valid until yesterday.
    pub fn expired_certificate(&self, host: &str) -> Certificate {
        let now = SystemTime::now();
        self.certificate_of(host, now - 2 * DAY, now - DAY)
    }

    /// A certificate for `host` that is valid from tomorrow on.
    pub fn early_certificate(&self, host: &str) -> Certificate {
        let now = SystemTime::now();
        self.certificate_of(host, now + DAY, now + 2 * DAY)
    }

    fn certificate_of(&self, host: &str, from: SystemTime, until: SystemTime) -> Certificate {
        self.sign(host, |mut params| {
            params.not_before = from.into();
            params.not_after = until.into();
            params
        })
    }

    fn sign(&self, host: &str, change: impl FnOnce(CertificateParams) -> CertificateParams) -> Certificate {
        let key = KeyPair::generate().expect("a key");
        let params = change(CertificateParams::new([host.to_owned()]).expect("a host"));
        Certificate { certificate: params.signed_by(&key, &self.issuer).expect("a certificate"), key }
    }
}

impl Certificate {
    /// The certificate, PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Its key, PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

impl Certificate {
    fn certified(&self) -> CertifiedKey {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).expect("a key of a known kind");
        CertifiedKey::new(vec![self.certificate.der().clone()], key)
    }
}

/// Certificates that are made when a client names their host, or 127.0.0.1 when it names none.
struct EveryHost {
    authority: Arc<Authority>,
    certificates: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl fmt::Debug for EveryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EveryHost").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for EveryHost {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = client.server_name().unwrap_or("127.0.0.1");
        let mut certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(self.authority.certificate(host).certified());
        Some(certificates.entry(host.to_owned()).or_insert_with(make).clone())
    }
}

/// TLS on a port of 127.0.0.1 in front of a plain server, until it is dropped.
pub struct Tls {
    listener: Listener,
}

impl Tls {
    /// Passes on to `plain` what arrives.
    pub async fn start(certificate: Certificate, plain: SocketAddr) -> io::Result<Self> {
        Self::with(Arc::new(rustls::sign::SingleCertAndKey::from(certificate.certified())), &[], plain).await
    }

    /// The same for clients that are then to speak HTTP/2.
    pub async fn start_http2(certificate: Certificate, plain: SocketAddr) -> io::Result<Self> {
        Self::with(Arc::new(rustls::sign::SingleCertAndKey::from(certificate.certified())), &[b"h2"], plain).await
    }

    /// The same for every host that a client may name, with certificates of `authority`.
    pub async fn for_every_host(authority: Arc<Authority>, plain: SocketAddr) -> io::Result<Self> {
        Self::with(Arc::new(EveryHost { authority, certificates: Mutex::default() }), &[], plain).await
    }

    /// `protocols` are those among which the client may choose.
    async fn with(
        certificates: Arc<dyn ResolvesServerCert>,
        protocols: &[&[u8]],
        plain: SocketAddr,
    ) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(certificates);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let tls = TlsAcceptor::from(Arc::new(config));
        Ok(Self { listener: Listener::start(move |stream| serve(stream, tls.clone(), plain)).await? })
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The URL to call.
    pub fn url(&self) -> String {
        format!("https://{}", self.address())
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, plain: SocketAddr) {
    // As real servers have it: otherwise the answer waits for the client to acknowledge the session tickets.
    stream.set_nodelay(true).expect("a connection");
    // A client that does not trust the certificate goes here.
    let Ok(mut stream) = tls.accept(stream).await else { return };
    let mut plain = TcpStream::connect(plain).await.expect("the plain server is there");
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
}
