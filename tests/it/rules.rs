//! The rules' pages: each bad example is found, each good one is not, and what is explained is there.

use std::fs;
use std::path::Path;

use crate::support::command::Pgtend;
use crate::support::{Database, Output};

/// The rules whose pages have examples, as `pgtend rules` lists them: those of `verify`.
fn rules() -> Vec<String> {
    let list = Pgtend::new(&["rules"]).run().expect(0).stdout;
    let names = list.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    names
        .filter(|rule| page(rule).contains("\n## Bad\n"))
        .map(str::to_owned)
        .collect()
}

fn page(rule: &str) -> String {
    Pgtend::new(&["rules", rule]).run().expect(0).stdout
}

/// The SQL below a heading.
fn example<'a>(page: &'a str, heading: &str) -> &'a str {
    let below = page.split(&format!("\n## {heading}\n")).nth(1).expect(heading);
    let (_, below) = below.split_once("```sql\n").expect("an example");
    below.split_once("```").expect("its end").0
}

/// The example's files: those that comments name, else one.
fn files(example: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in example.lines() {
        let name = line.strip_prefix("-- ").filter(|name| name.ends_with(".sql"));
        match (name, files.last_mut()) {
            (Some(name), _) => files.push((name.to_owned(), String::new())),
            (None, Some((_, text))) => text.push_str(&format!("{line}\n")),
            (None, None) => files.push(("migrations/1.sql".to_owned(), format!("{line}\n"))),
        }
    }
    files
}

/// A twin of the production that the example has.
async fn save_twin(folder: &Path, twin: &str) {
    let production = Database::new().await;
    production
        .sql(&fs::read_to_string(folder.join("production.sql")).unwrap())
        .await;
    let workload = folder.join("workload").display().to_string();
    production.pgtend(&["what-if", &workload, "--save-twin", twin]).expect(0);
}

/// Verifies the example, with the options that its files stand for.
async fn verify(db: &Database, example: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let files = files(example);
    let has_down = files.iter().any(|(name, _)| name.ends_with("down.sql"));
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (url, workload) = (db.url_as("postgres"), path("workload"));
    let migrations = path("migrations");
    let mut call = vec!["verify", &migrations, "--format", "json", "-d", &url];
    if fs::exists(&workload).unwrap() {
        call.extend(["--workload", &workload]);
    }
    if has_down {
        call.push("--down");
    }
    let twin = path("twin");
    if fs::exists(path("production.sql")).unwrap() {
        save_twin(folder.path(), &twin).await;
        call.extend(["--twin", &twin]);
    }
    Pgtend::new(&call).run()
}

#[tokio::test]
async fn every_bad_example_is_found_and_no_good_one() {
    let db = Database::new().await;
    let rules = rules();
    assert!(rules.len() > 30, "{rules:?}");
    for rule in &rules {
        let page = page(rule);
        assert!(page.starts_with(&format!("# {rule} (")), "{page}");
        for (heading, is_found) in [("Bad", true), ("Good", false)] {
            let output = verify(&db, example(&page, heading)).await;
            let findings = output.json().findings;
            let found = findings.iter().any(|finding| finding.rule == *rule);
            assert_eq!(found, is_found, "{rule}, {heading}: {output}");
        }
    }
}

#[test]
fn every_other_page_says_what_to_do() {
    let list = Pgtend::new(&["rules"]).run().expect(0).stdout;
    for rule in list.lines().skip(1).filter_map(|line| line.split_whitespace().next()) {
        let page = page(rule);
        let has = |heading: &str| page.contains(&format!("\n## {heading}\n"));
        assert!(has("What to do") || has("Bad") && has("Good"), "{page}");
    }
}

#[test]
fn what_is_no_rule_is_not_explained() {
    let squawks = page("ban-drop-column");
    assert!(squawks.contains("https://squawkhq.com/docs/ban-drop-column"), "{squawks}");
    let unknown = Pgtend::new(&["rules", "nonsense"]).run().expect(2);
    assert!(unknown.stderr.contains("there is no rule nonsense"), "{unknown}");
}
