//! `pgtend check --format html`.

use std::fs;

use roxmltree::{Document, Node, ParsingOptions};

use crate::support::Database;

/// The page as it is read: it is XML, too.
fn read(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}: {page}"))
}

fn of_class<'d>(page: &'d Document<'_>, class: &str) -> Vec<Node<'d, 'd>> {
    page.descendants()
        .filter(|node| node.attribute("class") == Some(class))
        .collect()
}

fn elements(page: &Document<'_>, name: &str) -> usize {
    page.descendants().filter(|node| node.has_tag_name(name)).count()
}

/// Whoever reads the page asks nothing of anybody.
fn assert_alone(page: &Document<'_>) {
    let policy = page.descendants().find(|node| node.attribute("http-equiv").is_some()).unwrap();
    let policy = policy.attribute("content").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"), "{policy}");
    for node in page.descendants().filter(Node::is_element) {
        let (name, mut attributes) = (node.tag_name().name(), node.attributes());
        assert!(!["script", "link", "img", "iframe", "a", "object"].contains(&name), "{name}");
        assert!(attributes.all(|it| !it.name().starts_with("on") && it.name() != "style"));
    }
}

#[tokio::test]
async fn a_page_without_findings_is_whole() {
    let db = Database::new().await;
    let output = db.pgtend(&["check", "design", "--format", "html"]).expect(0);
    let page = read(&output.stdout);
    assert_alone(&page);
    assert_eq!(of_class(&page, "verdict passed").len(), 1, "{output}");
    assert_eq!(elements(&page, "article"), 0);
    assert_eq!(elements(&page, "figure"), 2, "transaction ids and connections");
}

const INDEXES: [&str; 4] = ["check", "indexes", "--fail-on", "info"];

#[tokio::test]
async fn thousands_of_hostile_names_are_names() {
    let db = Database::new().await;
    let wild = "</p><script>alert(1)</script>\u{202e}`'&\u{1b}[2J";
    let wild_sql = wild.replace('\'', "''");
    db.sql(&format!(
        "DO $do$ BEGIN
             FOR t IN 1..250 LOOP
                 EXECUTE format('CREATE TABLE %I (id int)', t || '{wild_sql}');
                 FOR i IN 1..21 LOOP
                     EXECUTE format('CREATE INDEX ON %I (id)', t || '{wild_sql}');
                 END LOOP;
                 COMMIT;
             END LOOP;
         END $do$"
    ))
    .await;
    let file = db.path("check.html").display().to_string();
    let report = format!("html={file}");
    let output = db.pgtend(&[&INDEXES[..], &["--report", &report]].concat()).expect(1);
    assert!(output.stdout.contains("… 4995 more of [duplicate-index]"), "{output}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains(['\u{202e}', '\u{1b}']));
    let page = read(&text);
    assert_alone(&page);
    let articles = of_class(&page, "info").into_iter();
    let articles = articles.filter(|it| it.has_tag_name("article")).collect::<Vec<_>>();
    assert_eq!(articles.len(), 5_000);
    let commands = articles[0].descendants().filter(|it| it.has_tag_name("pre")).count();
    assert_eq!(commands, 1);
    let json = db.pgtend(&["check", "indexes", "--format", "json"]).json();
    assert_eq!(json.findings.len(), 5_000);
    let brief = db.pgtend(&[&INDEXES[..], &["--brief", "-q"]].concat()).expect(1);
    assert_eq!(brief.stdout.lines().count(), 1, "{brief}");
    assert!(!brief.stdout.contains(['\u{202e}', '\u{1b}']), "{brief}");
    let markdown = db.pgtend(&[&INDEXES[..], &["--format", "markdown"]].concat()).expect(1);
    assert!(!markdown.stdout.contains(['\u{202e}', '\u{1b}']));
}

#[test]
fn a_failure_is_a_page_and_what_is_not_known_is_refused() {
    let call = |arguments: &[&str]| crate::support::Pgtend::new(arguments).run();
    let failed = call(&["check", "--format", "html", "-d", "host=/nowhere dbname=a"]).expect(3);
    let page = read(&failed.stdout);
    assert_alone(&page);
    assert!(of_class(&page, "message")[0].text().unwrap().contains("/nowhere"), "{failed}");
    let refused = call(&["check", "--report", "gitlab=a.json"]).expect(2);
    assert!(refused.stderr.contains("check knows --report table, json, html"), "{refused}");
    let refused = call(&["check", "--report", "html=/nowhere/a.html"]).expect(2);
    assert!(refused.stderr.contains("/nowhere/a.html"), "{refused}");
}
