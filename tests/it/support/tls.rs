//! Certificates, and the server that asks for them.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::database::connect;
use super::server::{Server, start_guarded};

/// The name that the server's certificate is made out to.
pub const SERVER_NAME: &str = "db.example";

/// The password of the role `locked`.
pub const PASSWORD: &str = "Tr0ub4dor&3 @/:%";

/// A server with TLS and a rule for each way to be let in over TCP: `encrypted` (a superuser) with
/// TLS only, `certified` with a client certificate, `locked` with [`PASSWORD`], `postgres` freely,
/// nobody else. Over the socket everybody is trusted.
pub struct Guarded {
    pub server: Server,
    folder: TempDir,
}

const HBA: &str = "local all all trust
hostssl all encrypted 127.0.0.1/32 trust
hostssl all certified 127.0.0.1/32 cert
host all locked 127.0.0.1/32 scram-sha-256
host all postgres 127.0.0.1/32 trust
";

/// The guarded server of this run, started by the first test that asks.
pub async fn guarded() -> &'static Guarded {
    static GUARDED: OnceCell<Guarded> = OnceCell::const_new();
    GUARDED
        .get_or_init(|| async {
            let guarded = start();
            let admin = connect(&guarded.server, "postgres", "postgres").await;
            let roles = format!(
                "SET password_encryption = 'scram-sha-256';
                 CREATE ROLE encrypted LOGIN SUPERUSER;
                 CREATE ROLE certified LOGIN;
                 CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{PASSWORD}'"
            );
            admin.batch_execute(&roles).await.unwrap();
            guarded
        })
        .await
}

fn start() -> Guarded {
    let folder = tempfile::tempdir().unwrap();
    let ours = authority("ours");
    write(folder.path(), "ours.pem", &ours.pem());
    write(folder.path(), "other.pem", &authority("other").pem());
    for role in ["certified", "encrypted"] {
        let (certificate, key) = signed(&ours, role);
        write(folder.path(), &format!("{role}.crt"), &certificate);
        write(folder.path(), &format!("{role}.key"), &key);
    }
    let (certificate, key) = signed(&ours, SERVER_NAME);
    let files = [("server.crt", certificate), ("server.key", key), ("root.crt", ours.pem())];
    let settings = [("ssl", "on"), ("ssl_ca_file", "root.crt")];
    Guarded { server: start_guarded(&settings, Some(HBA), &files), folder }
}

impl Guarded {
    /// The path of `ours.pem`, `other.pem` (authorities: the server's and another), `certified.crt`,
    /// `certified.key`, `encrypted.crt` or `encrypted.key` (client certificates).
    pub fn file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        assert!(path.exists(), "{}", path.display());
        path.display().to_string()
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate made out to `name`, and its key.
fn signed(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// Writes a file that nobody else may read, as keys and password files must be.
pub fn write(folder: &Path, name: &str, text: &str) {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    let path = folder.join(name);
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
