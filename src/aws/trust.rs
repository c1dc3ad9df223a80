//! The certificate authorities to trust.

use std::{
    env,
    fmt::Write,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{LazyLock, OnceLock},
};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{
    Configuration, Error, files,
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
/// [`Error::Setting`] where `SSL_CERT_FILE` names what cannot be read, or `SSL_CERT_DIR` what does not end.
pub(super) async fn with_system<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let failed = |name: &str, problem: String| Error::Setting { name: name.to_owned(), problem };
    if let Some(path) = variable(FILE)
        && let Err(unread) = files::read(&PathBuf::from(path)).await
        && !unread.is_absent()
    {
        return Err(failed(FILE, format!("names a file that {}", unread.problem())));
    }
    let made = timeout(files::TIMEOUT, async {
        // Nothing closes the semaphore.
        let turn = AT_ONCE.acquire().await;
        let making = spawn_blocking(move || {
            let _turn = turn;
            let made = bytes_in_folders().is_some_and(|bytes| bytes <= MOST_IN_FOLDERS).then(make);
            let _ = ARE_NAMED.set(are_named());
            made
        });
        making.await.ok()
    });
    let problem = match made.await.ok().flatten() {
        Some(Some(made)) => return Ok(made),
        Some(None) => format!("holds more than {} MiB", MOST_IN_FOLDERS >> 20),
        None => "names a folder that cannot be read in time".to_owned(),
    };
    Err(failed(FOLDERS, problem))
}

/// OpenSSL's variables for where the authorities are.
const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// How much may be in the folders: distributions have a file twice and a link or two to each certificate.
const MOST_IN_FOLDERS: u64 = 8 << 20;

/// Threads that may read the authorities at the same time: in a folder that never answers each stays.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

/// The length of all files in the folders that the environment names; `None` beyond what can be counted.
fn bytes_in_folders() -> Option<u64> {
    let folders = variable(FOLDERS).unwrap_or_default();
    let files = env::split_paths(&folders).filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    files.filter_map(|file| bytes_in(&file.path()).ok()).try_fold(0_u64, u64::checked_add)
}

/// The length of a file. Some that say that they are empty are not, as those of the kernel, which may be read in blocks alone.
fn bytes_in(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    match metadata.len() {
        0 if metadata.is_file() => io::copy(&mut File::open(path)?.take(2 * MOST_IN_FOLDERS), &mut io::sink()),
        length => Ok(length),
    }
}

/// Whether there are authorities where the environment says, if it does, as it was when they were read: what is there by now
/// may not end. Empty until then.
static ARE_NAMED: OnceLock<Option<bool>> = OnceLock::new();

fn are_named() -> Option<bool> {
    let named: Vec<_> = [FILE, FOLDERS].into_iter().filter_map(variable).collect();
    (!named.is_empty()).then(|| named.iter().flat_map(env::split_paths).any(|path| path.exists()))
}

/// Whether the system's authorities were asked for and there are none, as in container images without ca-certificates.
pub(super) fn lacks_authorities() -> bool {
    // Of the system's own files, which take no time.
    static ARE_MISSING: LazyLock<bool> = LazyLock::new(|| rustls_native_certs::load_native_certs().certs.is_empty());
    match ARE_NAMED.get() {
        None => false,
        Some(Some(are_named)) => !are_named,
        Some(None) => *ARE_MISSING,
    }
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
