//! What is told as it happens, and to machines.

use std::fs;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{Reply, Site};
use super::facts::{PAGES, SELDOM, ticks};
use crate::support::{Database, PATIENCE, SALES, until};

/// A stream of events.
struct Events {
    stream: TcpStream,
    text: String,
}

impl Events {
    async fn open(site: &Site, path: &str, headers: &str) -> Events {
        let mut stream = site.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", site.host());
        stream.write_all(request.as_bytes()).await.unwrap();
        Events { stream, text: String::new() }
    }

    /// Reads until the stream holds this.
    async fn until(&mut self, wanted: &str) -> &str {
        let mut buffer = [0; 4096];
        while !self.text.contains(wanted) {
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            let read = read.unwrap_or_else(|_| panic!("no {wanted:?} in {}", self.text)).unwrap();
            assert!(read > 0, "it ended without {wanted:?}: {}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        &self.text
    }
}

#[tokio::test]
async fn changes_are_told_as_they_happen_and_after_a_break() {
    let db = Database::new().await;
    let file = ticks(&db, "live = '200ms'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let path = format!("/t/{}/events", db.name);
    let mut events = Events::open(&site, &path, "").await;
    let head = events.until("\"changed\":[").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    for wanted in [
        "content-type: text/event-stream",
        "cache-control: no-store",
        "x-accel-buffering: no",
        "retry: 3000",
        "event: facts",
        "\"checks\"",
        "x-content-type-options: nosniff",
    ] {
        assert!(head.contains(wanted), "{wanted}: {head}");
    }
    let id = head
        .rsplit("id: ")
        .next()
        .unwrap()
        .split('\n')
        .next()
        .unwrap()
        .trim()
        .to_owned();
    // Whoever knows all is told what comes: while somebody looks live, what runs.
    let live = format!("{path}?live=activity");
    let mut again = Events::open(&site, &live, &format!("Last-Event-ID: {id}\r\n")).await;
    let told = again.until("\"changed\":[").await;
    let changed = told.split("\"changed\":[").nth(1).unwrap().split(']').next().unwrap();
    assert!(changed.contains("activity") && !changed.contains("checks"), "{told}");
    // A number of another run is no number.
    let mut other = Events::open(&site, &path, "Last-Event-ID: 99999999999999999\r\n").await;
    assert!(other.until("\"changed\":[").await.contains("\"checks\""));
    let mut all = Events::open(&site, "/events", "").await;
    assert!(
        all.until("\"changed\":[")
            .await
            .contains(&format!("\"target\":\"{}\"", db.name))
    );
}

#[tokio::test]
async fn a_stream_that_has_nothing_to_say_says_so() {
    let db = Database::new().await;
    let file = ticks(&db, SELDOM);
    let site = Site::ready(&db, &["--config", &file]).await;
    let mut events = Events::open(&site, "/events", "").await;
    events.until("event: facts").await;
    events.until(": still here").await;
}

#[tokio::test]
async fn streams_end_at_once_with_the_program() {
    let db = Database::new().await;
    let site = Site::ready(&db, &[]).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut events = Events::open(&site, "/events", "").await;
        events.until("event: facts").await;
        streams.push(events);
    }
    let (code, took) = site.end("TERM");
    assert_eq!(code, 143);
    assert!(took < Duration::from_secs(1), "{took:?}");
    for mut events in streams {
        events.until("event: bye").await;
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_streams() {
    let db = Database::new().await;
    let site = Site::ready(&db, &[]).await;
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(Events::open(&site, "/events", "").await);
    }
    for events in &mut streams {
        events.until("retry: 3000").await;
    }
    // A thousand in all.
    for _ in 256..1000 {
        let full = site.get("/events").await.expect(503);
        assert_eq!(full.header("retry-after"), Some("10"));
    }
    site.get("/").await.expect(200);
    streams.pop();
    until("there is room again", || async {
        let mut events = Events::open(&site, "/events", "Connection: close\r\n").await;
        events.until("\r\n\r\n").await.starts_with("HTTP/1.1 200")
    })
    .await;
}

#[tokio::test]
async fn a_build_elsewhere_is_seen_with_its_progress() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let file = ticks(&db, "live = '100ms'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let writer = db.writer("sales").await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let apply = db.start(&["apply", &declared]);
    let path = format!("/t/{}/activity", db.name);
    until("the build is seen", || async {
        let seen = site.get(&format!("{path}.json")).await.json();
        let builds = seen["progress"].as_array().cloned().unwrap_or_default();
        builds.iter().any(|it| {
            it["command"] == "CREATE INDEX CONCURRENTLY"
                && it["application"] == "pgtend/apply"
                && it["phase"] == "waiting for writers before build"
                && it["waits_for_pid"].as_i64() == writer.pid.parse().ok()
        })
    })
    .await;
    let page = site.get(&path).await.expect(200).text();
    assert!(page.contains("by pgtend/apply") && page.contains("<progress"), "{page}");
    writer.release().await;
    apply.wait().expect(0);
}

#[tokio::test]
async fn all_pages_fit_into_one_file() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX one ON sales (user_id); CREATE INDEX two ON sales (user_id);")
        .await;
    let file = db.path("page.html");
    let name = file.display().to_string();
    db.pgtend(&["serve", "--once", &name]).expect(0);
    let text = fs::read_to_string(&file).unwrap();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let page = roxmltree::Document::parse_with_options(&text, options).unwrap();
    let ids = page.descendants().filter_map(|node| node.attribute("id")).collect::<Vec<_>>();
    for place in PAGES.map(|page| if page == "index" { "" } else { page }) {
        assert!(ids.contains(&format!("/t/{}/{place}", db.name).as_str()), "{place}: {ids:?}");
    }
    for node in page.descendants().filter(|node| node.is_element()) {
        assert!(!["script", "link", "img", "form"].contains(&node.tag_name().name()));
        if let Some(href) = node.attribute("href") {
            let place = href.strip_prefix('#').unwrap();
            assert!(ids.contains(&place), "{href} leads nowhere");
        }
    }
    assert!(text.contains("duplicate-index") && text.contains("public.sales"));
    let gone = db.pgtend(&["serve", "--once", "/nowhere/page.html"]).expect(3);
    assert!(gone.stderr.contains("cannot write /nowhere/page.html"), "{gone}");
}

#[tokio::test]
async fn documents_are_as_described() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE EXTENSION pg_stat_statements; CREATE MATERIALIZED VIEW v AS SELECT 1 AS a;")
        .await;
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["analyze", "sales"]).expect(0);
    db.sql("SELECT amount FROM sales WHERE user_id = 7").await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let file = ticks(&db, "live = '100ms'");
    let text = fs::read_to_string(&file).unwrap();
    let advice = serde_json::json!({"command": "advise", "advice": [{"object": "x"}]});
    fs::write(db.path("advice.json"), advice.to_string()).unwrap();
    fs::write(&file, format!("paths = [{declared:?}]\n{text}\nadvice = 'advice.json'\n")).unwrap();
    let blocker = db.hold("LOCK TABLE sales").await;
    let site = Site::ready(&db, &["--config", &file]).await;
    let activity = format!("/t/{}/activity.json", db.name);
    until("somebody is seen", || async {
        site.get(&activity).await.json()["pagination"]["total"] != 0
    })
    .await;
    let described = site.get("/api/v1/openapi.json").await.expect(200).json();
    let number = site.get(&format!("/t/{}/statements.json", db.name)).await.json()["data"][0]
        ["queryid_text"]
        .as_str()
        .unwrap()
        .to_owned();
    let paths = described["paths"].as_object().unwrap();
    assert!(paths.len() >= 10, "{described}");
    for (path, operation) in paths {
        let path = path.replace("{target}", &db.name).replace("{queryid}", &number);
        let answer = site.get(&path).await.expect(200).json();
        let schema = &operation["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let validator = jsonschema::validator_for(schema).unwrap();
        let errors = validator.iter_errors(&answer).map(|error| error.to_string());
        assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{path}: {answer}");
        let rows = answer["data"].as_array().unwrap().len();
        assert!(rows > 0 || path.ends_with("index.json"), "{path}: {answer}");
        let mut wrong = answer.clone();
        wrong["data"] = serde_json::json!({});
        assert!(!validator.is_valid(&wrong), "{path}");
        for parameter in operation["get"]["parameters"].as_array().unwrap() {
            if parameter["name"] == "sortBy" {
                for key in parameter["schema"]["enum"].as_array().unwrap() {
                    let key = key.as_str().unwrap();
                    site.get(&format!("{path}?sortBy={key}")).await.expect(200);
                }
            }
        }
    }
    let refused: Reply = site.get("/index.json?sortBy=x").await.expect(400);
    assert!(refused.json()["error"]["message"].is_string());
    blocker.release().await;
}
