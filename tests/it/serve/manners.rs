//! The manners of the JSON: how it is packed, kept, cut and sorted.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::client::Site;
use super::facts::PAGES;
use crate::support::Database;

async fn with_tables(tables: usize) -> (Database, Site) {
    let db = Database::new().await;
    db.sql(&format!(
        "DO $do$ BEGIN FOR t IN 1..{tables} LOOP
             EXECUTE format('CREATE TABLE t_%s (id int, a int)', t);
             EXECUTE format('INSERT INTO t_%s SELECT n, n FROM generate_series(1, %s) n', t, t * 10);
         END LOOP; END $do$;
         ANALYZE;"
    ))
    .await;
    let site = Site::ready(&db, &[]).await;
    (db, site)
}

/// No member of it is null, however deep.
fn assert_no_null(value: &Value) {
    match value {
        Value::Null => panic!("a null"),
        Value::Object(members) => members.values().for_each(assert_no_null),
        Value::Array(items) => items.iter().for_each(assert_no_null),
        _ => {}
    }
}

#[tokio::test]
async fn lists_are_cut_and_sorted_as_asked() {
    let (db, site) = with_tables(45).await;
    let at = |query: &str| format!("/t/{}/tables.json{query}", db.name);
    let first = site.get(&at("?sortBy=rows")).await.expect(200);
    let document = first.json();
    assert_eq!(
        document["pagination"],
        serde_json::json!({"page": 1, "limit": 20, "total": 45, "pages": 3, "hasNext": true, "hasPrev": false})
    );
    assert_eq!(document["data"][0]["object"], "public.t_1");
    let next = format!("<{}>; rel=\"next\"", at("?page=2&sortBy=rows"));
    assert_eq!(first.header("link"), Some(next.as_str()));
    let last = site.get(&at("?sortBy=rows&page=3")).await.expect(200);
    assert_eq!(last.json()["data"].as_array().unwrap().len(), 5);
    assert!(last.header("link").unwrap().ends_with("; rel=\"prev\""));
    let beyond = site.get(&at("?page=9")).await.expect(200).json();
    assert_eq!(beyond["data"], serde_json::json!([]));
    assert_eq!(beyond["pagination"]["hasNext"], false);
    for (query, limit) in [("limit=0", 1), ("limit=1000", 100), ("limit=abc", 20), ("limit=-5", 1)]
    {
        let document = site.get(&at(&format!("?{query}"))).await.expect(200).json();
        assert_eq!(document["pagination"]["limit"], limit, "{query}");
    }
    let falling = site.get(&at("?sortBy=rows&sortOrder=desc&limit=1")).await.json();
    assert_eq!(falling["data"][0]["rows"], 450);
    let evil = site.get(&at("?sortBy=evil;DROP%20TABLE%20t_1")).await.expect(400);
    let message = evil.json()["error"]["message"].to_string();
    assert!(
        message.contains("object, schema, size_bytes") && !message.contains("evil"),
        "{message}"
    );
    assert_eq!(evil.header("cache-control"), Some("no-store"));
    let named = site.get(&at("?name=T_4&schema=public")).await.json();
    assert_eq!(named["pagination"]["total"], 7);
    let page = site.get(&format!("/t/{}/tables?name=t_4", db.name)).await.expect(200).text();
    assert!(page.contains("7 rows"), "{page}");
}

#[tokio::test]
async fn what_is_large_is_packed_and_what_has_not_changed_is_not_sent() {
    let (db, site) = with_tables(45).await;
    let gzip = "Accept-Encoding: gzip";
    let at = |query: &str| format!("/t/{}/tables.json{query}", db.name);
    let packed = site.get_with(&at(""), &[gzip]).await.expect(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let plain = site.get_with(&at(""), &[gzip, "x-no-compression: 1"]).await.expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(6));
    packer.write_all(&plain.raw).unwrap();
    assert_eq!(packed.raw, packer.finish().unwrap(), "level 6");
    assert!(packed.raw.len() < plain.raw.len());
    assert_eq!(packed.text(), plain.text());
    assert_eq!(packed.header("etag"), plain.header("etag"));
    assert_eq!(packed.header("cache-control"), Some("private, max-age=60"));
    assert_eq!(packed.header("vary"), Some("Accept-Encoding, Authorization, Cookie"));
    let small = site.get_with(&at("?limit=1"), &[gzip]).await.expect(200);
    assert!(small.raw.len() < 1024 && small.header("content-encoding").is_none());

    let known = format!("If-None-Match: {}", packed.header("etag").unwrap());
    let same = site.get_with(&at(""), &[&known, gzip]).await.expect(304);
    assert_eq!(same.raw, b"");
    assert_eq!(same.header("cache-control"), Some("private, max-age=60"));
    assert_eq!(same.header("etag"), packed.header("etag"));
    site.get_with(&at("?page=2"), &[&known]).await.expect(200);
    let head = site.send("HEAD", &at(""), &[gzip]).await.expect(200);
    assert_eq!((head.raw.as_slice(), head.headers()), (&b""[..], packed.headers()));
    for path in ["/index.json", "/api/v1/openapi.json"] {
        let kept = site.get(path).await.expect(200);
        assert_eq!(kept.header("cache-control"), Some("private, max-age=60"), "{path}");
    }
    let page = site.get(&format!("/t/{}/tables", db.name)).await.expect(200);
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    for page in PAGES.map(|page| if page == "index" { "" } else { page }) {
        let page = site.get_with(&format!("/t/{}/{page}", db.name), &[gzip]).await.expect(200);
        assert!(page.raw.len() < 30 * 1024, "{page:?}");
    }
    let known = format!("If-None-Match: {}", page.header("etag").unwrap());
    site.get_with(&format!("/t/{}/tables", db.name), &[&known]).await.expect(304);
}

#[tokio::test]
async fn files_are_kept_for_ever_under_a_name_of_their_own() {
    let db = Database::new().await;
    let site = Site::start(&db, &[]).await;
    let page = site.get("/").await.expect(200).text();
    let mut bytes = 0;
    for extension in ["css", "js"] {
        let mut paths = page.split('"').filter(|it| it.starts_with("/assets/"));
        let path = paths.find(|it| it.ends_with(extension)).unwrap();
        let file = site.get(path).await.expect(200);
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(!file.text().contains("http"), "{path} loads nothing from elsewhere");
        bytes += site.get_with(path, &["Accept-Encoding: gzip"]).await.raw.len();
    }
    assert!(bytes < 40 * 1024, "{bytes}");
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" on"));
}

#[tokio::test]
async fn no_document_has_a_null() {
    let (db, site) = with_tables(3).await;
    for page in PAGES {
        let document = site.get(&format!("/t/{}/{page}.json", db.name)).await.expect(200).json();
        assert_no_null(&document);
        assert!(document["data"].is_array() && document["pagination"].is_object(), "{page}");
    }
    assert_no_null(&site.get("/index.json").await.json());
    assert_no_null(&site.get("/nowhere.json").await.expect(404).json());
}
