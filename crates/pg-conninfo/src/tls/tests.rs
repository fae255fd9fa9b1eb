//! What each mode takes for a server's certificate, asked of the verifiers themselves, and what
//! becomes of the files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::danger::ServerCertVerified;
use rustls::pki_types::{ServerName, UnixTime};
use tempfile::TempDir;
use x509_cert::certificate::Version;
use x509_cert::der::Encode;

use super::verify::parse;
use super::*;
use crate::Conninfo;

/// An authority, a server certificate for `db.example` that it signed, and a home directory.
struct Scene {
    authority: CertifiedIssuer<'static, KeyPair>,
    server: CertificateDer<'static>,
    home: TempDir,
}

impl Scene {
    fn new() -> Self {
        let authority = authority("db.example");
        let (server, _) = signed(&authority, "db.example");
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".postgresql")).unwrap();
        fs::write(home.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(home.path().join("other.pem"), self::authority("other").pem()).unwrap();
        Scene { authority, server, home }
    }

    fn file(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn environment(&self) -> Environment {
        Environment::from_variables([]).with_user("me").with_home(self.home.path())
    }

    fn settings(&self, text: &str) -> TlsSettings {
        let text = text.replace("~", &self.home.path().display().to_string());
        Conninfo::resolve(Some(&format!("host=h {text}")), &self.environment())
            .unwrap()
            .tls()
    }

    fn verifier(&self, text: &str) -> Result<Arc<dyn ServerCertVerifier>> {
        let provider = Arc::new(ring::default_provider());
        verifier(&self.settings(text), &self.environment(), &provider)
    }

    /// Whether `text`'s mode takes `certificate` of the server that was asked for as `host`.
    fn takes(&self, text: &str, certificate: &CertificateDer<'_>, host: &str) -> bool {
        self.verify(text, certificate, host, UnixTime::now()).is_ok()
    }

    fn verify(
        &self,
        text: &str,
        certificate: &CertificateDer<'_>,
        host: &str,
        now: UnixTime,
    ) -> RustlsResult<ServerCertVerified> {
        let host = ServerName::try_from(host).unwrap();
        self.verifier(text)
            .unwrap()
            .verify_server_cert(certificate, &[], &host, &[], now)
    }

    fn refusal(&self, text: &str) -> String {
        client_config(&self.settings(text), &self.environment())
            .unwrap_err()
            .to_string()
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap().der().clone(), key)
}

fn write_with_mode(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn each_mode_takes_what_libpq_takes() {
    let scene = Scene::new();
    // The parameters, then: the right name, another name, an address.
    let cases = [
        ("sslmode=prefer", [true, true, true]),
        ("sslmode=prefer sslrootcert=~/other.pem", [true, true, true]),
        ("sslmode=require", [true, true, true]),
        ("sslmode=require sslrootcert=~/ca.pem", [true, true, true]),
        ("sslmode=require sslrootcert=~/other.pem", [false, false, false]),
        ("sslmode=verify-ca sslrootcert=~/ca.pem", [true, true, true]),
        ("sslmode=verify-ca sslrootcert=~/other.pem", [false, false, false]),
        ("sslmode=verify-full sslrootcert=~/ca.pem", [true, false, false]),
        ("sslmode=verify-full sslrootcert=~/other.pem", [false, false, false]),
    ];
    for (text, expected) in cases {
        let taken = ["db.example", "else.example", "10.0.0.1"]
            .map(|host| scene.takes(text, &scene.server, host));
        assert_eq!(taken, expected, "{text}");
    }
}

#[test]
fn an_expired_certificate_is_refused_by_every_mode_that_verifies() {
    let scene = Scene::new();
    let late = UnixTime::since_unix_epoch(Duration::from_secs(100_000_000_000));
    for mode in ["require", "verify-ca", "verify-full"] {
        let text = format!("sslmode={mode} sslrootcert=~/ca.pem");
        for certificate in [&scene.server, &scene.authority.der().clone()] {
            assert!(scene.verify(&text, certificate, "db.example", late).is_err(), "{mode}");
        }
    }
    assert!(scene.verify("sslmode=require", &scene.server, "db.example", late).is_ok());
}

#[test]
fn a_server_may_show_the_trusted_certificate_itself() {
    let scene = Scene::new();
    let own = scene.authority.der().clone();
    let takes = |text: &str, host| scene.takes(&format!("{text} sslrootcert=~/ca.pem"), &own, host);
    assert!(takes("sslmode=verify-ca", "else.example"));
    assert!(takes("sslmode=verify-full", "db.example"));
    assert!(!takes("sslmode=verify-full", "else.example"));
    assert!(!scene.takes("sslmode=verify-ca sslrootcert=~/other.pem", &own, "db.example"));
}

#[test]
fn the_root_certificate_in_the_home_directory_is_found() {
    let scene = Scene::new();
    fs::write(scene.file(".postgresql/root.crt"), authority("other").pem()).unwrap();
    assert!(!scene.takes("sslmode=require", &scene.server, "db.example"));
    fs::copy(scene.file("ca.pem"), scene.file(".postgresql/root.crt")).unwrap();
    assert!(scene.takes("sslmode=verify-full", &scene.server, "db.example"));
}

#[test]
fn verifying_without_a_root_certificate_is_refused_with_the_ways_out() {
    let scene = Scene::new();
    for mode in ["verify-ca", "verify-full"] {
        let settings = scene.settings(&format!("sslmode={mode}"));
        let failure = client_config(&settings, &scene.environment()).unwrap_err();
        assert!(failure.to_string().contains(".postgresql/root.crt does not exist"), "{failure}");
        assert!(failure.hint().unwrap().contains("sslrootcert=system"));
    }
    fs::write(scene.file("empty.pem"), "").unwrap();
    let refusal = scene.refusal("sslmode=verify-ca sslrootcert=~/empty.pem");
    assert!(refusal.contains("holds none"), "{refusal}");
}

#[test]
fn a_revoked_certificate_is_refused() {
    let scene = Scene::new();
    let crl = revocation_list(&scene.authority, &scene.server);
    fs::write(scene.file(".postgresql/root.crl"), crl).unwrap();
    let text = "sslmode=verify-ca sslrootcert=~/ca.pem";
    let error = scene.verify(text, &scene.server, "db.example", UnixTime::now()).unwrap_err();
    assert_eq!(error, CertificateError::Revoked.into());
    let (other, _) = signed(&scene.authority, "db.example");
    assert!(scene.takes(text, &other, "db.example"));
}

#[test]
fn a_revocation_list_that_is_named_and_missing_is_refused() {
    let scene = Scene::new();
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        let refusal = scene.refusal(&format!("sslmode={mode} sslcrl=~/gone sslrootcert=~/ca.pem"));
        assert!(refusal.contains("certificate revocation list"), "{refusal}");
        assert!(refusal.contains("does not exist"), "{refusal}");
    }
    assert!(scene.verifier("sslmode=disable sslcrl=~/gone").is_ok());
    assert!(scene.verifier("sslmode=verify-ca sslrootcert=~/ca.pem").is_ok());
}

fn revocation_list(
    authority: &CertifiedIssuer<'static, KeyPair>,
    revoked: &CertificateDer<'_>,
) -> String {
    let serial = parse(revoked).unwrap().tbs_certificate.serial_number;
    let now = rcgen::date_time_ymd(2024, 1, 1);
    let entry = rcgen::RevokedCertParams {
        serial_number: rcgen::SerialNumber::from_slice(serial.as_bytes()),
        revocation_time: now,
        reason_code: None,
        invalidity_date: None,
    };
    let params = rcgen::CertificateRevocationListParams {
        this_update: now,
        next_update: rcgen::date_time_ymd(4000, 1, 1),
        crl_number: rcgen::SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: vec![entry],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    params.signed_by(authority).unwrap().pem().unwrap()
}

#[test]
fn a_client_certificate_needs_a_private_key_file_of_its_own() {
    let scene = Scene::new();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["me".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &scene.authority).unwrap();
    fs::write(scene.file(".postgresql/postgresql.crt"), certificate.pem()).unwrap();
    let key_file = scene.home.path().join(".postgresql/postgresql.key");

    assert!(scene.refusal("sslmode=require").contains("has no private key file"));
    write_with_mode(&key_file, &key.serialize_pem(), 0o644);
    assert!(scene.refusal("sslmode=require").contains("group or world access"));
    write_with_mode(
        &key_file,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        0o600,
    );
    assert!(scene.refusal("sslmode=require").contains("no usable key"));
    write_with_mode(&key_file, &KeyPair::generate().unwrap().serialize_pem(), 0o600);
    assert!(scene.refusal("sslmode=require").contains("cannot use client certificate"));

    let has_certificate = |text: &str| {
        let config = client_config(&scene.settings(text), &scene.environment()).unwrap();
        config.client_auth_cert_resolver.has_certs()
    };
    write_with_mode(&key_file, &key.serialize_pem(), 0o600);
    assert!(has_certificate("sslmode=prefer"));
    assert!(!has_certificate("sslmode=prefer sslcertmode=disable"));
    assert!(!has_certificate("sslmode=prefer sslcert=/nowhere"));
}

#[test]
fn versions_and_server_name_are_as_asked() {
    let scene = Scene::new();
    let settings = scene.settings("ssl_min_protocol_version=TLSv1.3 sslsni=0");
    assert_eq!(versions(&settings), [&TLS13]);
    let config = client_config(&settings, &scene.environment()).unwrap();
    assert!(!config.enable_sni);
    assert_eq!(config.alpn_protocols, [b"postgresql".to_vec()]);
    let settings = scene.settings("ssl_max_protocol_version=TLSv1.2");
    assert_eq!(versions(&settings), [&TLS12]);
}

#[test]
fn failures_have_a_way_out_wherever_they_hide() {
    let scene = Scene::new();
    let text = "sslmode=verify-full sslrootcert=~/ca.pem";
    let error = scene.verify(text, &scene.server, "else.example", UnixTime::now()).unwrap_err();
    let error = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    assert!(hint(&error).unwrap().contains("sslmode=verify-ca"));
    let error = rustls::Error::from(CertificateError::UnknownIssuer);
    assert!(hint(&error).unwrap().contains("sslrootcert"));
    assert_eq!(hint(&std::fmt::Error), None);
}

/// The certificate as `openssl x509 -req` makes it without extensions. The authority's signature
/// no longer fits, which nobody looks at where such a certificate is taken.
fn of_version_1(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    let mut parsed = parse(certificate).unwrap();
    parsed.tbs_certificate.version = Version::V1;
    parsed.tbs_certificate.extensions = None;
    parsed.to_der().unwrap().into()
}

/// A whole handshake, in memory, with a server that has this certificate and key.
fn handshake(
    client: ClientConfig,
    certificate: CertificateDer<'static>,
    key: &KeyPair,
) -> RustlsResult<()> {
    let provider = Arc::new(ring::default_provider());
    let key = provider
        .key_provider
        .load_private_key(key.serialize_der().try_into().unwrap())?;
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
            vec![certificate],
            key,
        ))));
    let mut server = rustls::ServerConnection::new(Arc::new(server))?;
    let host = ServerName::try_from("db.example").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(client), host)?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn a_server_must_have_the_key_of_its_certificate_in_every_mode_and_version() {
    let scene = Scene::new();
    let (certificate, key) = signed(&scene.authority, "db.example");
    let other_key = KeyPair::generate().unwrap();
    let shake = |text: &str, certificate: &CertificateDer<'static>, key: &KeyPair| {
        let config = client_config(&scene.settings(text), &scene.environment()).unwrap();
        handshake(config, certificate.clone(), key)
    };
    for version in ["ssl_max_protocol_version=TLSv1.2", "ssl_min_protocol_version=TLSv1.3"] {
        let require = format!("sslmode=require {version}");
        let verify = format!("sslmode=verify-full sslrootcert=~/ca.pem {version}");
        for text in [&require, &verify] {
            assert_eq!(shake(text, &certificate, &key), Ok(()), "{text}");
            assert!(shake(text, &certificate, &other_key).is_err(), "{text}");
        }
        let old = of_version_1(&certificate);
        assert_eq!(shake(&require, &old, &key), Ok(()), "{version}");
        assert!(shake(&require, &old, &other_key).is_err(), "{version}");
        let refusal = shake(&verify, &old, &key).unwrap_err();
        assert!(hint(&refusal).unwrap().contains("version 1"), "{version}");
    }
}

#[test]
fn a_client_certificate_may_be_of_version_1() {
    let provider = ring::default_provider();
    let (certificate, key) = signed(&authority("ca"), "me");
    let fits = |key: &KeyPair| {
        let key = key.serialize_der().try_into().unwrap();
        certified_key(vec![of_version_1(&certificate)], key, &provider).is_ok()
    };
    assert!(fits(&key));
    assert!(!fits(&KeyPair::generate().unwrap()));
}

#[test]
fn the_connector_can_be_shared() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let scene = Scene::new();
    shared(&connector(&scene.settings("sslmode=disable"), &scene.environment()).unwrap());
}
