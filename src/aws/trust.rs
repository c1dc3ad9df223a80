//! The certificate authorities to trust.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{Configuration, Error, files, settings::Settings, shown};
use crate::steps::step;

/// What to trust: the bundle that the configuration names, else `AWS_CA_BUNDLE`, else the profile's `ca_bundle`, each in
/// place of the system's certificate authorities.
///
/// # Errors
///
/// [`Error::CaBundle`].
pub(super) async fn context(configuration: &Configuration, settings: &Settings) -> Result<TlsContext, Error> {
    let configured = configuration.custom_ca_bundle.clone();
    let configured = configured.map(|path| (configuration.namespace.key("customCaBundle"), path));
    let Some((source, path)) = configured.or_else(|| settings.named("ca_bundle")) else {
        step!("trust", "the certificate authorities of this system");
        return Ok(TlsContext::default());
    };
    let path = files::path(&path);
    step!("trust", "the certificate authorities in {}, by {source}", shown::path(&path));
    let invalid = |problem: String| Error::CaBundle { path: shown::path(&path), problem };
    let pem = files::read(&path).await.map_err(|unread| invalid(unread.problem()))?;
    check(&pem).map_err(invalid)?;
    let store = TrustStore::empty().with_pem_certificate(pem);
    TlsContext::builder().with_trust_store(store).build().map_err(|error| invalid(format!("is of no use: {error}")))
}

/// Checks what the HTTP client takes for granted: it panics on certificates that it cannot read.
fn check(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|error| format!("holds a malformed certificate, number {}: {error}", index + 1))?;
    }
    if roots.is_empty() { Err("holds no certificate in PEM form".to_owned()) } else { Ok(()) }
}
