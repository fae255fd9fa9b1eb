//! Who is let in.

use std::fs;

use super::client::{Reply, Site};
use crate::support::Database;
use crate::support::command::Pgtend;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn guarded(db: &Database, arguments: &[&str]) -> Site {
    fs::write(db.path("token"), format!("{SECRET}\n")).unwrap();
    let file = db.path("token").display().to_string();
    Site::start(db, &[&["--token-file", &file], arguments].concat()).await
}

async fn ask_by(site: &Site, hosts: &str) -> u16 {
    site.ask(&format!("GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"))
        .await
        .status
}

#[tokio::test]
async fn a_request_has_to_ask_for_this_server_by_name() {
    let db = Database::new().await;
    let site = Site::start(&db, &["--allowed-host", "page.example.com"]).await;
    let port = site.port;
    for host in [
        format!("Host: 127.0.0.1:{port}\r\n"),
        format!("Host: LocalHost:{port}\r\n"),
        format!("Host: [::1]:{port}\r\n"),
        "Host: page.example.com\r\n".to_owned(),
    ] {
        assert_eq!(ask_by(&site, &host).await, 200, "{host}");
    }
    for host in [
        "Host: evil.example.com\r\n".to_owned(),
        format!("Host: evil.example.com:{port}\r\n"),
        format!("Host: 127.0.0.1.evil.example.com:{port}\r\n"),
        "Host: localhost\r\n".to_owned(),
        format!("Host: localhost:{port}\r\nHost: evil.example.com\r\n"),
        format!("Host: localhost:{port}\r\nHost: localhost:{port}\r\n"),
        "Host: \r\n".to_owned(),
    ] {
        assert_eq!(ask_by(&site, &host).await, 421, "{host}");
    }
    let missing = ask_by(&site, "").await;
    assert!([400, 421].contains(&missing), "{missing}");
    let whole = format!(
        "GET http://evil.example.com/ HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(site.ask(&whole).await.status, 421);
    for path in ["/index.json", "/-/healthy", "/assets/x"] {
        let forged = format!("GET {path} HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n");
        assert_eq!(site.ask(&forged).await.status, 421, "{path}");
    }
}

#[tokio::test]
async fn a_token_opens_by_header_or_cookie_and_nowhere_else() {
    let db = Database::new().await;
    let site = guarded(&db, &[]).await;
    let bearer = format!("Authorization: Bearer {SECRET}");
    for path in [
        "/",
        "/index.json",
        "/assets/pgtend.js",
        "/metrics",
        "/events",
        "/api/v1/openapi.json",
        &format!("/t/{}/events", db.name),
    ] {
        let reply = site.get(path).await.expect(401);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"pgtend\""));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(!reply.text().contains(&db.name), "{path}");
    }
    site.get_with("/index.json", &[&bearer]).await.expect(200);
    for wrong in ["Authorization: Bearer x", "Authorization: Basic x", "Cookie: pgtend=x"] {
        site.get_with("/", &[wrong]).await.expect(401);
    }
    for path in ["/index.json", &format!("/t/{}/", db.name), "/-/ready/x"] {
        site.get(&format!("{path}?token={SECRET}")).await.expect(401);
    }
    site.get("/?token=wrong").await.expect(401);

    let entered = site.get(&format!("/?token={SECRET}")).await.expect(303);
    assert_eq!(entered.header("location"), Some("/"));
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(SECRET), "{cookie}");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    site.get_with("/index.json", &[&cookie]).await.expect(200);
    site.get("/-/healthy").await.expect(200);
}

#[tokio::test]
async fn others_are_let_in_only_with_a_token_or_by_a_word() {
    let db = Database::new().await;
    let refused = db.pgtend(&["serve", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(refused.stderr.contains("--no-auth lets everybody in"), "{refused}");
    fs::write(db.path("short"), "secret").unwrap();
    let short = db.path("short").display().to_string();
    let refused = db.pgtend(&["serve", "--token-file", &short]).expect(2);
    assert!(refused.stderr.contains("openssl rand -hex 32"), "{refused}");
    let all = ["serve", "--listen", "0.0.0.0:0", "--no-auth"];
    let site = Site::started(db.start(&all)).await;
    site.get("/").await.expect(200);
    let guarded = Pgtend::new(&["serve", "--listen", "0.0.0.0:0"]);
    let guarded = guarded.env("DATABASE_URL", &db.url_as("postgres"));
    let site = Site::started(guarded.env("PGTEND_SERVE_TOKEN", SECRET).start()).await;
    site.get("/").await.expect(401);
}

#[tokio::test]
async fn every_answer_tells_browsers_to_trust_nobody() {
    let db = Database::new().await;
    let site = guarded(&db, &[]).await;
    let forged = "GET / HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n";
    let replies: Vec<Reply> = vec![
        site.ask(forged).await,
        site.get("/").await,
        site.get("/nowhere.json").await,
        site.get_with("/", &[&format!("Authorization: Bearer {SECRET}"), "Origin: http://evil"])
            .await,
    ];
    for reply in replies {
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value));
        }
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn it_stands_below_a_prefix() {
    let db = Database::new().await;
    let site = guarded(&db, &["--path-prefix", "/pgtend"]).await;
    let entered = site.get(&format!("/pgtend/?token={SECRET}")).await.expect(303);
    assert_eq!(entered.header("location"), Some("/pgtend/"));
    assert!(entered.header("set-cookie").unwrap().contains("; Path=/pgtend/;"));
    let bearer = format!("Authorization: Bearer {SECRET}");
    let page = site.get_with("/pgtend/", &[&bearer]).await.expect(200).text();
    for part in page.split("href=\"").skip(1).chain(page.split("src=\"").skip(1)) {
        let is_within = part.starts_with("data:") || part.starts_with("/pgtend/");
        assert!(is_within, "{part}");
    }
    let moved = site.get_with("/pgtend", &[&bearer]).await.expect(308);
    assert_eq!(moved.header("location"), Some("/pgtend/"));
    site.get_with("/index.json", &[&bearer]).await.expect(404);
}

#[tokio::test]
async fn a_socket_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let db = Database::new().await;
    let path = db.path("page.sock");
    let listen = format!("unix:{}", path.display());
    // What a killed server has left is no obstacle.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut running = db.start(&["serve", "--listen", &listen]);
    running.until_it_says("; Ctrl-C ends it").await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    assert_eq!(Reply::read(&raw).status, 200);
    let second = db.pgtend(&["serve", "--listen", &listen]).expect(3);
    assert!(second.stderr.contains("cannot listen on"), "{second}");
    running.signal("INT");
    assert_eq!(running.wait().code, 130);
    assert!(!path.exists());
}
