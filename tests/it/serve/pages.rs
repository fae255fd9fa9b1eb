//! Where the pages lead, and what they draw.

use std::fs;

use super::client::Site;
use super::facts::{SELDOM, ticks};
use crate::support::{Database, SALES};

/// The addresses of all links of a page, with what stands there.
fn links(page: &str) -> Vec<(String, String)> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let page = roxmltree::Document::parse_with_options(page, options).unwrap();
    let links = page.descendants().filter(|node| node.has_tag_name("a"));
    let links = links.map(|node| {
        let words = node.descendants().filter(|it| it.is_text());
        let words = words.filter_map(|it| it.text()).collect::<String>();
        (node.attribute("href").unwrap().to_owned(), words)
    });
    links.collect()
}

#[tokio::test]
async fn figures_lead_to_the_lists_behind_them() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE INDEX sales_user ON sales (user_id);
         CREATE INDEX sales_user_again ON sales (user_id);
         ANALYZE sales;",
    )
    .await;
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["analyze", "sales"]).expect(0);
    let declared = db.declare("CREATE INDEX sales_status ON sales (status);");
    let file = ticks(&db, SELDOM);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("paths = [{declared:?}]\n{text}")).unwrap();
    let site = Site::ready(&db, &["--config", &file]).await;
    let at = |page: &str| format!("/t/{}/{page}", db.name);
    let of_page = async |path: &str| links(&site.get(path).await.expect(200).text());
    let target = of_page(&at("")).await;
    for (page, words) in [
        ("activity", " of "),
        ("tables", "% of reads from memory"),
        ("tables?sortBy=xid_age&sortOrder=desc", " %)"),
        ("settings", "PostgreSQL "),
        ("indexes?name=public.sales_user_again", "public.sales_user_again"),
    ] {
        let leads = |(href, text): &(String, String)| *href == at(page) && text.contains(words);
        assert!(target.iter().any(leads), "{page}: {target:?}");
    }
    let overview = of_page("/").await;
    for (page, words) in [("", "note"), ("activity", "."), ("runs", "analyze done")] {
        let leads = |(href, text): &(String, String)| *href == at(page) && text.contains(words);
        assert!(overview.iter().any(leads), "{page}: {overview:?}");
    }
    let tables = of_page(&at("tables?name=sales")).await;
    let indexes = tables.iter().find(|(href, _)| *href == at("indexes?name=public.sales"));
    let (indexes, _) = indexes.unwrap_or_else(|| panic!("{tables:?}"));
    let list = site.get(&indexes.replace("indexes", "indexes.json")).await.expect(200).json();
    assert_eq!(list["pagination"]["total"], 3, "the indexes of the table: {list}");
    for page in ["indexes", "plan"] {
        let page = of_page(&at(page)).await;
        assert!(
            page.contains(&(at("tables?name=public.sales"), "public.sales".to_owned())),
            "{page:?}"
        );
    }
    let some = site.get(&at("?name=duplicate")).await.expect(200).text();
    let none = site.get(&at("?name=of_nobody")).await.expect(200).text();
    assert!(
        some.contains("class=\"object\"") && !none.contains("class=\"object\""),
        "{none}"
    );
    // No link leads nowhere.
    for (href, _) in target.iter().chain(&overview).chain(&tables) {
        if !href.starts_with("data:") {
            site.get(href).await.expect(200);
        }
    }
}

/// The number that a curve tells as the last one.
fn told(page: &str, title: &str) -> f64 {
    let (_, told) = page
        .split_once(&format!("aria-label=\"{title}: now "))
        .unwrap_or_else(|| panic!("no {title}: {page}"));
    told.split(['/', ',']).next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_ran_before_it_began_is_drawn_by_the_snapshots() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    db.pgtend(&["init"]).expect(0);
    let earlier = "UPDATE pgtend.snapshot SET taken_at = taken_at - interval '10 s'";
    let session = db.session().await;
    let run = async |times: usize| {
        for _ in 0..times {
            session.batch_execute("SELECT count(*) FROM sales").await.unwrap();
        }
    };
    let snapshot = async |times: usize| {
        run(times).await;
        db.sql(earlier).await;
        db.pgtend(&["snapshot"]).expect(0);
        // Exactly as long after the one before.
        db.sql(
            "UPDATE pgtend.snapshot AS p SET taken_at = q.taken_at + interval '10 s'
             FROM pgtend.snapshot AS q WHERE q.id = p.id - 1 AND p.id = (SELECT max(id) FROM pgtend.snapshot)",
        )
        .await;
    };
    snapshot(500).await;
    let page = async || {
        let site = Site::ready(&db, &[]).await;
        site.get(&format!("/t/{}/", db.name)).await.expect(200).text()
    };
    assert!(!page().await.contains("by snapshots"), "one snapshot is no curve");
    snapshot(0).await;
    snapshot(200).await;
    let rate = told(&page().await, "Statements a second, by snapshots");
    assert!((20.0..30.0).contains(&rate), "{rate}");
    // Counters that began anew count from zero, and not back.
    db.sql(
        "SELECT pg_stat_statements_reset(0, d.oid, 0) FROM pg_database AS d
         WHERE d.datname = current_database()",
    )
    .await;
    snapshot(100).await;
    let rate = told(&page().await, "Statements a second, by snapshots");
    assert!((10.0..20.0).contains(&rate), "{rate}");
    let text = page().await;
    for title in ["Statements that run at once, by snapshots", "WAL a second, by snapshots"] {
        assert!(text.contains(title), "{title}: {text}");
    }
}
