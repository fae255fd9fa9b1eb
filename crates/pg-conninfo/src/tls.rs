//! TLS as libpq does it, by rustls: what each `sslmode` checks, and the files it takes for that.
//!
//! The driver knows only whether TLS is wanted; everything about whom to trust is decided here.
//! Nothing is installed for the whole process, so that several connections can differ.
//!
//! Source: PostgreSQL documentation, libpq, "SSL Support".

mod verify;

#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, InconsistentKeys, RootCertStore, SupportedProtocolVersion,
};
pub use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, Result};
use crate::{Environment, RootCertificates, SslMode, TlsSettings, TlsVersion};
use verify::{
    AnyCertificate, Names, RustlsResult, TrustedCertificate, is_name_error, parse_version_1,
    public_key,
};

/// What makes the driver's TLS connections, cancel requests among them: cheap to clone, and to be
/// used from any thread. With [`SslMode::Disable`] it reads no file; the driver does not ask it.
///
/// In `prefer` a handshake that fails is an error, while libpq tries again without TLS.
///
/// # Errors
/// Fails with configuration if a file is missing that the mode needs, or cannot be used.
pub fn connector(settings: &TlsSettings, env: &Environment) -> Result<MakeRustlsConnect> {
    Ok(MakeRustlsConnect::new(client_config(settings, env)?))
}

/// The way out of a failure to connect, if TLS was the cause.
pub fn hint(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error that wraps another does not name it as its source.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(inner) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return hint_for(inner);
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return hint_for(error);
        }
        cause = error.source();
    }
    None
}

fn hint_for(error: &rustls::Error) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(error) = error else {
        return None;
    };
    match error {
        CertificateError::UnknownIssuer => {
            Some("sslrootcert must name the authority that signed the server's certificate")
        }
        error if is_name_error(error) => Some(
            "connect by a name that the certificate lists as subject alternative name (the common \
             name does not count), or use sslmode=verify-ca",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("the server needs a new certificate; sslmode=require does not check it")
        }
        CertificateError::Other(other) if other.to_string() == "UnsupportedCertVersion" => Some(
            "the server's certificate is of X.509 version 1, which cannot be verified; \
             make one with extensions such as a subject alternative name",
        ),
        _ => None,
    }
}

fn client_config(settings: &TlsSettings, env: &Environment) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(settings, env, &provider)?;
    let certificate = client_certificate(settings, env, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(Error::surroundings)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate)))
        }
    };
    config.enable_sni = settings.sends_server_name;
    // Needed for sslnegotiation=direct; libpq names the protocol either way since version 17.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(config)
}

fn versions(settings: &TlsSettings) -> Vec<&'static SupportedProtocolVersion> {
    [(TlsVersion::V1_2, &TLS12), (TlsVersion::V1_3, &TLS13)]
        .into_iter()
        .filter(|(version, _)| {
            (settings.oldest_version..=settings.newest_version).contains(version)
        })
        .map(|(_, supported)| supported)
        .collect()
}

// Whom to trust.

fn verifier(
    settings: &TlsSettings,
    env: &Environment,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let algorithms = provider.signature_verification_algorithms;
    require_named_revocation_list(settings)?;
    let Some(trusted) = trusted_certificates(settings, env)? else {
        return Ok(Arc::new(AnyCertificate { algorithms }));
    };
    let mut roots = RootCertStore::empty();
    for certificate in &trusted.certificates {
        roots.add(certificate.clone()).map_err(|error| trusted.unusable(&error))?;
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(revocation_lists(settings, env)?)
        .build()
        .map_err(|error| trusted.unusable(&error))?;
    let names = if settings.mode == SslMode::VerifyFull {
        Names::Checked
    } else {
        Names::Ignored
    };
    Ok(Arc::new(TrustedCertificate {
        chain,
        trusted: trusted.certificates,
        names,
        algorithms,
    }))
}

/// Certificates to trust and where they were found.
struct Trusted {
    certificates: Vec<CertificateDer<'static>>,
    place: String,
}

impl Trusted {
    fn unusable(&self, error: &dyn StdError) -> Error {
        Error::caused(format!("cannot use the root certificates of {}", self.place), error)
    }
}

/// Whom the mode trusts; `None` if it takes any certificate. As in libpq `require` verifies the
/// chain if there is a root certificate file, for the sake of old set-ups that rely on it.
fn trusted_certificates(settings: &TlsSettings, env: &Environment) -> Result<Option<Trusted>> {
    if matches!(settings.mode, SslMode::Disable | SslMode::Prefer) {
        return Ok(None);
    }
    let file = match &settings.root_certificates {
        RootCertificates::System => return system_certificates().map(Some),
        RootCertificates::File(file) => Some(file.clone()),
        RootCertificates::Default => env.in_home(".postgresql/root.crt"),
    };
    match file {
        Some(file) if file.exists() => {
            let certificates = read_pem(&file, "root certificate file")?;
            Ok(Some(Trusted { certificates, place: file.display().to_string() }))
        }
        _ if settings.mode == SslMode::Require => Ok(None),
        file => Err(no_root_certificates(file)),
    }
}

fn no_root_certificates(file: Option<PathBuf>) -> Error {
    let message = match file {
        Some(file) => format!("root certificate file {} does not exist", file.display()),
        None => "there is no home directory to look for a root certificate file in".to_owned(),
    };
    Error::surroundings(message).with_hint(
        "provide the file, use the system's trusted roots with sslrootcert=system, or change \
         sslmode to disable server certificate verification",
    )
}

/// What the operating system trusts. Single entries that cannot be read are passed over, as there
/// is always some oddity in such a store.
fn system_certificates() -> Result<Trusted> {
    let mut found = rustls_native_certs::load_native_certs();
    found
        .certs
        .retain(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
    let place = "the operating system".to_owned();
    match (found.certs.is_empty(), found.errors.into_iter().next()) {
        (true, Some(error)) => Err(Trusted { certificates: Vec::new(), place }.unusable(&error)),
        (true, None) => {
            Err(Error::surroundings("the operating system has no trusted root certificates"))
        }
        (false, _) => Ok(Trusted { certificates: found.certs, place }),
    }
}

/// libpq passes over a list that is named and missing, and then takes certificates that are revoked.
fn require_named_revocation_list(settings: &TlsSettings) -> Result<()> {
    match &settings.revocation_list {
        Some(file) if settings.mode != SslMode::Disable && !file.exists() => {
            let shown = file.display();
            let message = format!("certificate revocation list {shown} does not exist");
            Err(Error::surroundings(message)
                .with_hint("provide the file, or leave out sslcrl (PGSSLCRL)"))
        }
        _ => Ok(()),
    }
}

/// The revocation lists of `sslcrl`, else of `~/.postgresql/root.crl`, if the file exists.
fn revocation_lists(
    settings: &TlsSettings,
    env: &Environment,
) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let file = settings.revocation_list.clone().or_else(|| env.in_home(".postgresql/root.crl"));
    match file.filter(|file| file.exists()) {
        Some(file) => read_pem(&file, "certificate revocation list"),
        None => Ok(Vec::new()),
    }
}

/// Every section of one kind in a PEM file, of which there must be one.
fn read_pem<T: PemObject>(file: &Path, what: &str) -> Result<Vec<T>> {
    let items =
        T::pem_file_iter(file).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let items = items
        .map_err(|error| Error::caused(format!("cannot read {what} {}", file.display()), &error))?;
    if items.is_empty() {
        return Err(Error::surroundings(format!("{what} {} holds none", file.display()))
            .with_hint("the file must be in PEM format"));
    }
    Ok(items)
}

// The client's own certificate.

/// The certificate to show to a server that asks for one. As in libpq a file that does not exist
/// means that there is none, even if it was named.
fn client_certificate(
    settings: &TlsSettings,
    env: &Environment,
    provider: &CryptoProvider,
) -> Result<Option<CertifiedKey>> {
    if settings.mode == SslMode::Disable || !settings.offers_certificate {
        return Ok(None);
    }
    let file = settings
        .certificate
        .clone()
        .or_else(|| env.in_home(".postgresql/postgresql.crt"));
    let Some(file) = file.filter(|file| file.exists()) else {
        return Ok(None);
    };
    let chain = read_pem(&file, "client certificate")?;
    let key = settings.key.clone().or_else(|| env.in_home(".postgresql/postgresql.key"));
    let key = key.filter(|key| key.exists()).ok_or_else(|| {
        let shown = file.display();
        Error::surroundings(format!("client certificate {shown} has no private key file"))
            .with_hint(
                "name it by sslkey, or use sslcertmode=disable to connect without a certificate",
            )
    })?;
    certified_key(chain, read_key(&key)?, provider).map(Some).map_err(|error| {
        Error::caused(format!("cannot use client certificate {}", file.display()), &error)
    })
}

/// The certificate with its key, having checked that they belong together.
fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> RustlsResult<CertifiedKey> {
    let Some(parsed) = chain.first().map(parse_version_1).transpose()?.flatten() else {
        return CertifiedKey::from_der(chain, key, provider);
    };
    let key = provider.key_provider.load_private_key(key)?;
    match key.public_key() {
        Some(public) if public != public_key(&parsed)? => Err(InconsistentKeys::KeyMismatch.into()),
        _ => Ok(CertifiedKey::new(chain, key)),
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let shown = file.display();
    refuse_public_key_file(file)?;
    PrivateKeyDer::from_pem_file(file).map_err(|error| {
        // The parser's own words quote a part of the file.
        let error = match error {
            pem::Error::Io(error) => error.to_string(),
            pem::Error::NoItemsFound => "it holds no usable key".to_owned(),
            _ => "it is malformed".to_owned(),
        };
        Error::surroundings(format!("cannot read private key file {shown}: {error}"))
            .with_hint("the key must be in PEM format and not encrypted")
    })
}

/// A key is refused if others can read it, unless root owns it and lets a group read.
fn refuse_public_key_file(file: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let shown = file.display();
    let metadata = std::fs::metadata(file)
        .map_err(|error| Error::caused(format!("cannot read private key file {shown}"), &error))?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.is_file() && metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    let message = format!("private key file {shown} has group or world access");
    Err(Error::surroundings(message).with_hint(
        "its permissions must be u=rw (0600) or less, or u=rw,g=r (0640) or less if owned by root",
    ))
}
