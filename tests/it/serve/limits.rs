//! What clients may not do, and how it ends.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::client::Site;
use crate::support::{Database, PATIENCE, until};

#[tokio::test]
async fn it_only_shows() {
    let db = Database::new().await;
    let site = Site::start(&db, &[]).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let reply = site.send(method, "/", &["Content-Length: 0"]).await.expect(405);
        assert_eq!(reply.header("allow"), Some("GET, HEAD"), "{method}");
    }
    site.send("GET", "/", &["Content-Length: 3"]).await.expect(413);
    site.send("GET", "/", &["Transfer-Encoding: chunked"]).await.expect(413);
}

#[tokio::test]
async fn paths_lead_only_to_pages() {
    let db = Database::new().await;
    let site = Site::start(&db, &[]).await;
    let page = site.get("/").await.expect(200).text();
    let style = page.split("href=\"").find_map(|it| it.strip_prefix("/assets/")).unwrap();
    let style = style.split('"').next().unwrap();
    site.get(&format!("/assets/{style}")).await.expect(200);
    for path in [
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets//etc/passwd",
        "/assets/pgtend.css",
        "/../../etc/passwd",
        "/t/../index.json",
        "/t/%00/",
        "/t/nobody/",
        "/t//",
        "//",
        "/index.json/",
        "/<script>",
    ] {
        let status = site.get(path).await.status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    site.get(&format!("/{}", "a".repeat(5000))).await.expect(414);
    site.get("/t/%ff/").await.expect(400);
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let db = Database::new().await;
    let site = Site::start(&db, &[]).await;
    let huge = format!("X: {}", "a".repeat(40_000));
    site.get_with("/", &[&huge]).await.expect(431);
    let many = (0..200).map(|at| format!("X-{at}: a")).collect::<Vec<_>>();
    let many = many.iter().map(String::as_str).collect::<Vec<_>>();
    site.get_with("/", &many).await.expect(431);
    site.get("/").await.expect(200);
}

#[tokio::test]
async fn a_slow_client_is_cut_off_and_others_are_served_meanwhile() {
    let db = Database::new().await;
    let site = Site::start(&db, &[]).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = site.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        slow.push(stream);
    }
    let begun = Instant::now();
    site.get("/").await.expect(200);
    assert!(begun.elapsed() < Duration::from_secs(5));
    for mut stream in slow {
        // A byte now and then does not help.
        let _ = stream.write_all(b"s").await;
        let mut raw = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut raw)).await.expect("it is cut off");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn so_many_connect_at_once_and_others_wait_for_their_turn() {
    let db = Database::new().await;
    let site = Site::start(&db, &[]).await;
    let mut open = Vec::new();
    for _ in 0..512 {
        let mut stream = site.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        open.push(stream);
    }
    let mut another = site.connect().await;
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", site.host());
    another.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 15];
    let early = timeout(Duration::from_secs(1), another.read(&mut first)).await;
    assert!(early.is_err(), "{early:?}");
    drop(open);
    timeout(PATIENCE, another.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_signal_ends_it_at_once() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let db = Database::new().await;
        let site = Site::start(&db, &[]).await;
        let mut idle = site.connect().await;
        idle.write_all(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", site.host()).as_bytes())
            .await
            .unwrap();
        let mut first = [0; 15];
        idle.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        let (ended, took) = site.end(signal);
        assert_eq!(ended, code);
        assert!(took < Duration::from_secs(1), "{took:?}");
        until("its sessions are gone", || async {
            let sessions = "SELECT count(*) FROM pg_stat_activity \
                            WHERE datname = current_database() AND application_name = 'pgtend/serve'";
            db.value(sessions).await == "0"
        })
        .await;
    }
}

#[tokio::test]
async fn programs_are_told_how_it_ended() {
    let db = Database::new().await;
    let site = Site::start(&db, &["--format", "json"]).await;
    let address = format!("http://{}/", site.host());
    site.running.signal("TERM");
    let output = site.running.wait().expect(143).came_to("cancelled");
    assert_eq!(output.json().served.as_deref(), Some(address.as_str()), "{output}");
}
