//! The certificate authorities to trust.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    Configuration, Error,
    shared_files::{SharedFiles, expand_home},
};

/// What to trust: the bundle that the configuration names, else `AWS_CA_BUNDLE`, else the profile's `ca_bundle`, each in
/// place of the system's certificate authorities.
///
/// # Errors
///
/// [`Error::CaBundle`].
pub(super) async fn context(configuration: &Configuration, files: &SharedFiles) -> Result<TlsContext, Error> {
    let variable = || std::env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty());
    let profile = || files.get("ca_bundle").map(str::to_owned);
    let Some(path) = configuration.custom_ca_bundle.clone().or_else(variable).or_else(profile) else {
        return Ok(TlsContext::default());
    };
    let invalid = |problem: String| Error::CaBundle { path: path.clone(), problem };
    let pem = tokio::fs::read(expand_home(&path)).await.map_err(|error| invalid(format!("cannot be read: {error}")))?;
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
