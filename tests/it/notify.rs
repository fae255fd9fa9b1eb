//! `[notify]`: a program and a webhook hear what a command came to.

use std::fs;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::command::Pgtend;
use crate::support::schema::objections;
use crate::support::{Database, Output, SALES};

struct Setting {
    db: Database,
    declared: String,
}

impl Setting {
    async fn new() -> Setting {
        let db = Database::new().await;
        db.sql(SALES).await;
        let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
        Setting { db, declared }
    }

    fn file(&self, name: &str) -> String {
        self.db.path(name).display().to_string()
    }

    /// `plan --check`, which finds something, with these lines of the configuration.
    fn call(&self, notify: &str) -> Pgtend {
        let config = self.db.declare_as("config.toml", &format!("[notify]\n{notify}\n"));
        let url = self.db.url_as("postgres");
        Pgtend::new(&["plan", "--check", "--config", &config, &self.declared])
            .env("DATABASE_URL", &url)
    }

    fn found(&self, notify: &str) -> Output {
        self.call(notify).run().expect(1)
    }
}

#[tokio::test]
async fn a_program_hears_the_document_where_that_is_wanted() {
    let it = Setting::new().await;
    let heard = it.file("heard");
    let exec = format!("exec = [\"tee\", {heard:?}]");
    let output = it.found(&exec);
    let text = fs::read_to_string(&heard).unwrap();
    assert_eq!(objections(&text), [""; 0]);
    assert!(
        text.contains("\"outcome\":\"findings\"") && text.contains("sales_user"),
        "{text}"
    );
    // What the program writes is not the command's product.
    assert!(!output.stdout.contains("schema_version"), "{output}");
    fs::remove_file(&heard).unwrap();

    it.found(&format!("{exec}\non = [\"failed\", \"cancelled\"]"));
    assert!(!fs::exists(&heard).unwrap());
    it.call(&format!("{exec}\non = [\"failed\"]"))
        .env("DATABASE_URL", "host=/nowhere")
        .run()
        .expect(3);
    let text = fs::read_to_string(&heard).unwrap();
    assert_eq!(objections(&text), [""; 0]);
    assert!(text.contains("\"outcome\":\"failed\"") && text.contains("\"error\":"), "{text}");
    it.found(&format!("{exec}\non = [\"always\"]"));
    assert!(fs::read_to_string(&heard).unwrap().contains("\"findings\""));
}

#[tokio::test]
async fn no_shell_reads_the_arguments_and_no_failure_changes_the_exit_code() {
    let it = Setting::new().await;
    let output = it.found("exec = [\"sh -c true\"]");
    assert!(
        output.stderr.contains("nobody was told: sh -c true cannot be started"),
        "{output}"
    );
    let output = it.found("exec = [\"false\"]");
    assert!(
        output.stderr.contains("nobody was told: false failed (exit status: 1)"),
        "{output}"
    );
    // It does not read what it is told, and neither ends nor lets its child end.
    let alive = it.file("alive");
    let script = format!("(sleep 600; touch {alive}) & echo $! > {alive}.pid; wait");
    let output = it.found(&format!("timeout = \"500ms\"\nexec = [\"sh\", \"-c\", {script:?}]"));
    assert!(output.stderr.contains("sh was ended: it took longer than 500ms"), "{output}");
    let pid = fs::read_to_string(format!("{alive}.pid")).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // A process that nobody has waited for yet is a zombie.
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
}

#[tokio::test]
async fn a_file_that_nobody_has_named_runs_no_program() {
    let it = Setting::new().await;
    let heard = it.file("heard");
    let notify = format!("[notify]\nexec = [\"tee\", {heard:?}]\n");
    it.db.declare_as("cloned/pgtend.toml", &notify);
    let url = it.db.url_as("postgres");
    let call = Pgtend::new(&["plan", "--check", &it.declared]).env("DATABASE_URL", &url);
    let output = call.within(&it.db.path("cloned")).run().expect(1);
    assert!(output.stderr.contains("[notify] of pgtend.toml is passed over"), "{output}");
    assert!(!fs::exists(&heard).unwrap());
}

/// A server that answers one request with this status, and what it is asked.
async fn webhook(it: &Setting, status: &str) -> (u16, JoinHandle<String>) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(it.db.path("ca.pem"), key.cert.pem()).unwrap();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], secret)
        .unwrap();
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut tls = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        let mut request = String::new();
        let mut buffer = [0; 4096];
        while !is_whole(&request) {
            let read = tls.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "{request}");
            request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        tls.write_all(answer.as_bytes()).await.unwrap();
        tls.flush().await.unwrap();
        request
    });
    (port, asked)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.to_lowercase().split("content-length: ").nth(1).unwrap().to_owned();
    body.len() >= length.lines().next().unwrap().parse::<usize>().unwrap()
}

/// The call runs beside the server that it asks.
async fn found_beside(it: &Setting, call: Pgtend) -> Output {
    let call = call.env("SSL_CERT_FILE", &it.file("ca.pem"));
    tokio::task::spawn_blocking(|| call.run()).await.unwrap().expect(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_sent_the_document_over_verified_tls() {
    let it = Setting::new().await;
    let (port, asked) = webhook(&it, "200 OK").await;
    let call = it.call(&format!("webhook = \"https://localhost:{port}/services/SECRET?a=b\""));
    let output = found_beside(&it, call).await;
    assert!(!output.stderr.contains("nobody was told"), "{output}");
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("POST /services/SECRET?a=b HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains(&format!("host: localhost:{port}\r\n")), "{asked}");
    assert_eq!(objections(asked.split_once("\r\n\r\n").unwrap().1), [""; 0]);

    let (port, asked) = webhook(&it, "503 Busy").await;
    let url = format!("https://localhost:{port}/services/SECRET");
    fs::write(it.db.path("url"), format!("{url}\n")).unwrap();
    let by_file = format!("webhook_file = {:?}\nformat = \"slack\"", it.file("url"));
    let output = found_beside(&it, it.call(&by_file)).await;
    let told = "nobody was told: the webhook at localhost: it answered 503 Service Unavailable";
    assert!(output.stderr.contains(told) && !output.stderr.contains("SECRET"), "{output}");
    let asked = asked.await.unwrap();
    assert!(asked.contains("{\"text\":\"*pgtend plan: findings*\\n```"), "{asked}");
    assert!(asked.contains("sales_user"), "{asked}");

    let (port, asked) = webhook(&it, "200 OK").await;
    let call = it
        .call("webhook_env = \"HOOK\"")
        .env("HOOK", &format!("https://localhost:{port}/x"));
    found_beside(&it, call).await;
    assert!(asked.await.unwrap().starts_with("POST /x "));
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_certificate_does_not_name_is_told_nothing() {
    let it = Setting::new().await;
    let (port, asked) = webhook(&it, "200 OK").await;
    let call = it.call(&format!("webhook = \"https://127.0.0.1:{port}/SECRET\""));
    let output = found_beside(&it, call).await;
    assert!(
        output.stderr.contains("nobody was told: the webhook at 127.0.0.1: "),
        "{output}"
    );
    assert!(!output.stderr.contains("SECRET"), "{output}");
    assert!(asked.await.is_err());
    let output = it.found("webhook = \"http://localhost/SECRET\"");
    assert!(output.stderr.contains("does not begin with https://"), "{output}");
    let output = it.found("webhook_env = \"NOT_SET\"");
    assert!(
        output
            .stderr
            .contains("the environment variable NOT_SET (webhook_env) is not set")
    );
    // One that never answers holds nobody up.
    let silent = TcpListener::bind("localhost:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let output =
        it.found(&format!("timeout = \"300ms\"\nwebhook = \"https://localhost:{port}/x\""));
    assert!(output.stderr.contains("no answer within 300ms"), "{output}");
}
