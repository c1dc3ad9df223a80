//! The certificate authorities to trust.

use std::{fmt::Write, path::PathBuf};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use tokio::{task::spawn_blocking, time::timeout};

use super::{
    Configuration, Error,
    files::{self, Unread},
    settings::{Settings, variable},
    shown,
};
use crate::steps::step;

/// What to trust: the bundle that the configuration names, else `AWS_CA_BUNDLE`, else the profile's `ca_bundle`, each in
/// place of the system's certificate authorities, which are `None`: to read them takes a while.
///
/// # Errors
///
/// [`Error::CaBundle`].
pub(super) async fn context(configuration: &Configuration, settings: &Settings) -> Result<Option<TlsContext>, Error> {
    let configured = configuration.custom_ca_bundle.clone();
    let configured = configured.map(|path| (configuration.namespace.key("customCaBundle"), path));
    let Some((source, path)) = configured.or_else(|| settings.named("ca_bundle")) else {
        step!("trust", "the certificate authorities of this system");
        return Ok(None);
    };
    let path = files::path(&path);
    step!("trust", "the certificate authorities in {}, by {source}", shown::path(&path));
    let invalid = |problem: String| Error::CaBundle { path: shown::path(&path), problem };
    let pem = files::read(&path).await.map_err(|unread| invalid(unread.problem()))?;
    let store = TrustStore::empty().with_pem_certificate(usable(&pem).map_err(invalid)?);
    let context = TlsContext::builder().with_trust_store(store).build();
    context.map(Some).map_err(|error| invalid(format!("is of no use: {error}")))
}

/// Makes what needs the certificate authorities of the system, on a thread that may wait for them.
///
/// # Errors
///
/// [`Error::Setting`] where `SSL_CERT_FILE` or `SSL_CERT_DIR` names what does not end.
pub(super) async fn with_system<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    const FILE: &str = "SSL_CERT_FILE";
    let failed = |name: &str, problem: String| Error::Setting { name: name.to_owned(), problem };
    if let Some(path) = variable(FILE)
        && let Err(unread @ (Unread::TooLong | Unread::Timeout)) = files::read(&PathBuf::from(path)).await
    {
        return Err(failed(FILE, format!("names a file that {}", unread.problem())));
    }
    let made = timeout(files::TIMEOUT, spawn_blocking(make)).await;
    let problem = || failed("SSL_CERT_DIR", "names a folder that cannot be read in time".to_owned());
    made.ok().and_then(Result::ok).ok_or_else(problem)
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
