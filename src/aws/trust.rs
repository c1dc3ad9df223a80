//! The certificate authorities to trust.

use std::fmt::Write;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::{Engine as _, prelude::BASE64_STANDARD};
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
    let store = TrustStore::empty().with_pem_certificate(usable(&pem).map_err(invalid)?);
    TlsContext::builder().with_trust_store(store).build().map_err(|error| invalid(format!("is of no use: {error}")))
}

/// The certificates that can be read, PEM: the HTTP client panics on others. Bundles of organisations have some, which are
/// left out as long as there is another one.
fn usable(pem: &[u8]) -> Result<String, String> {
    let (mut usable, mut problem) = (String::new(), None);
    for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let added = certificate.map_err(|error| error.to_string()).and_then(|certificate| {
            let added = RootCertStore::empty().add(certificate.clone());
            added.map(|()| certificate).map_err(|error| error.to_string())
        });
        match added {
            Ok(certificate) => {
                let text = BASE64_STANDARD.encode(certificate);
                let _ = write!(usable, "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
            }
            Err(error) => {
                let text = format!("holds a malformed certificate, number {}: {error}", index + 1);
                log::debug!("the CA bundle {text}; it is left out");
                problem = problem.or(Some(text));
            }
        }
    }
    match (usable.is_empty(), problem) {
        (false, _) => Ok(usable),
        (true, problem) => Err(problem.unwrap_or_else(|| "holds no certificate in PEM form".to_owned())),
    }
}
