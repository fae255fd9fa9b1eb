//! A client that sends what it is told, letter by letter, and a server to talk to.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Database, PATIENCE, Running, until};

/// A `pgtend serve` that runs.
pub struct Site {
    pub running: Running,
    pub port: u16,
}

/// What it said.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub raw: Vec<u8>,
}

impl Site {
    /// Serves this database on a port that is free.
    pub async fn start(db: &Database, arguments: &[&str]) -> Site {
        Site::started(db.start(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())).await
    }

    /// Waits until it listens.
    pub async fn started(mut running: Running) -> Site {
        running.until_it_says("; Ctrl-C ends it").await;
        let narration = running.narration();
        let port = narration.split("http://").nth(1).unwrap().split(['/', ' ']).next().unwrap();
        let port = port.rsplit(':').next().unwrap().parse().unwrap();
        Site { running, port }
    }

    /// The same, once it has looked at everything.
    pub async fn ready(db: &Database, arguments: &[&str]) -> Site {
        let site = Site::start(db, arguments).await;
        let path = format!("/t/{}/index.json", db.name);
        until("everything was looked at", || async {
            site.get("/-/ready").await.status == 200
                && !site.get("/index.json").await.text().contains("not looked at yet")
                && site.get(&path).await.status == 200
        })
        .await;
        site
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    /// With further headers.
    pub async fn get_with(&self, path: &str, headers: &[&str]) -> Reply {
        self.send("GET", path, headers).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[&str]) -> Reply {
        let more = headers.iter().map(|header| format!("{header}\r\n")).collect::<String>();
        let host = self.host();
        self.ask(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
        ))
        .await
    }

    /// Sends exactly this.
    pub async fn ask(&self, request: &str) -> Reply {
        let mut stream = self.connect().await;
        // It may have had enough before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut raw = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut raw)).await.unwrap();
        assert!(read.is_ok() || !raw.is_empty(), "{read:?}");
        Reply::read(&raw)
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Ends it by this signal; says what it came to and how long that took.
    pub fn end(self, signal: &str) -> (i32, Duration) {
        let begun = std::time::Instant::now();
        self.running.signal(signal);
        (self.running.wait().code, begun.elapsed())
    }
}

impl Reply {
    pub fn read(raw: &[u8]) -> Reply {
        let end = raw.windows(4).position(|it| it == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{:?}", String::from_utf8_lossy(raw)));
        let head = str::from_utf8(&raw[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Reply {
            status,
            headers: headers.collect(),
            raw: raw[end + 4..].to_vec(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| name != "date");
        headers
    }

    /// The body, unpacked.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match self.header("content-encoding") {
            Some("gzip") => drop(GzDecoder::new(&self.raw[..]).read_to_string(&mut text).unwrap()),
            _ => text = String::from_utf8(self.raw.clone()).unwrap(),
        }
        text
    }

    pub fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}\n{}", self.text());
        self
    }
}
