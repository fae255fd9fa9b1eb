//! `verify --since`: everything is run, and what has changed is reported on.

use std::fs;
use std::process::Command;

use crate::support::Output;
use crate::support::command::Pgtend;

/// A repository, one commit old, with two migrations that deserve findings.
struct Checkout(tempfile::TempDir);

const TABLE: &str = "CREATE TABLE sales (id bigint PRIMARY KEY, status text);\n";
const DROP: &str = "ALTER TABLE sales DROP COLUMN status;\n";

impl Checkout {
    fn new() -> Checkout {
        let checkout = Checkout(tempfile::tempdir().unwrap());
        checkout.git(&["init", "--quiet", "--initial-branch", "main"]);
        fs::create_dir(checkout.0.path().join("migrations")).unwrap();
        checkout.write("1_table.sql", TABLE);
        checkout.write("2_drop.sql", DROP);
        checkout.git(&["add", "--all"]);
        checkout.git(&["commit", "--quiet", "--message", "first"]);
        checkout
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        // The tests may run in a hook.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
        let done = command.arg("-C").arg(self.0.path()).args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }

    fn write(&self, name: &str, sql: &str) {
        fs::write(self.0.path().join("migrations").join(name), sql).unwrap();
    }

    /// From elsewhere: the repository is that of the migrations.
    fn call(&self, more: &[&str]) -> Pgtend {
        let folder = self.0.path().join("migrations").display().to_string();
        Pgtend::new(&[&["verify", &folder, "--format", "json"], more].concat())
    }
}

/// The names of the files that findings stand in.
fn files(output: &Output) -> Vec<String> {
    let files = output.json().findings.into_iter().filter_map(|finding| finding.file);
    let names = files.map(|file| file.rsplit('/').next().unwrap().to_owned());
    let mut names = names.collect::<Vec<_>>();
    names.dedup();
    names
}

#[test]
fn only_what_has_changed_is_reported_and_counted() {
    let checkout = Checkout::new();
    let warning = ["--fail-on", "warning"];
    let all = checkout.call(&warning).run().expect(1);
    assert_eq!(files(&all), ["1_table.sql", "2_drop.sql"]);
    assert!(all.json().since.is_none());

    let since = [&warning[..], &["--since", "main"]].concat();
    let output = checkout.call(&since).run().expect(0).came_to("done");
    assert_eq!(files(&output), [""; 0]);
    let told = output.json().since.unwrap();
    assert_eq!((told.commit.as_str(), told.left_out), ("main", all.json().findings.len()));
    assert!(output.stderr.contains("Of them, 0 changed since main."), "{output}");
    let left_out = format!("Left out: {} findings in files that did not change", told.left_out);
    assert!(output.stderr.contains(&left_out), "{output}");
    let apply = output.json().checks.into_iter().find(|check| check.name == "apply").unwrap();
    assert_eq!(apply.reason.as_deref(), Some("2 of 2 migrations applied"));

    checkout.git(&["switch", "--quiet", "--create", "topic"]);
    checkout.write("3_new.sql", "ALTER TABLE sales ADD COLUMN note text;\n");
    let output = checkout.call(&since).run().expect(1).came_to("findings");
    assert_eq!(files(&output), ["3_new.sql"]);
    assert_eq!(output.json().since.unwrap().left_out, all.json().findings.len());
    assert!(output.stderr.contains("Of them, 1 changed since main."), "{output}");

    checkout.git(&["add", "--all"]);
    checkout.git(&["commit", "--quiet", "--message", "second"]);
    // In a hook git has said which repository it is at work on.
    let in_hook = checkout.call(&since).env("GIT_DIR", "/nowhere/.git").run().expect(1);
    assert_eq!(files(&in_hook), ["3_new.sql"]);
}

#[test]
fn what_cannot_be_applied_is_told_wherever_it_stands() {
    let checkout = Checkout::new();
    checkout.write("2_drop.sql", "SELECT nonsense;\n");
    checkout.git(&["commit", "--quiet", "--all", "--message", "broken"]);
    let output = checkout.call(&["--since", "HEAD"]).run().expect(1);
    let findings = output.json().findings;
    let rules = findings.iter().map(|finding| finding.rule.as_str()).collect::<Vec<_>>();
    assert_eq!(rules, ["not-applied"], "{output}");

    // An index of the dump that is invalid stands in no file.
    let invalid = "CREATE TABLE p (a bigint) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        CREATE INDEX p_a ON ONLY p (a);";
    checkout.write("2_drop.sql", "SELECT 1;\n");
    checkout.git(&["commit", "--quiet", "--all", "--message", "mended"]);
    let base = tempfile::NamedTempFile::new().unwrap();
    fs::write(base.path(), invalid).unwrap();
    let base = base.path().to_str().unwrap();
    let output = checkout.call(&["--since", "HEAD", "--base", base]).run().expect(1);
    let findings = output.json().findings;
    assert_eq!(findings.len(), 1, "{output}");
    assert_eq!((findings[0].rule.as_str(), &findings[0].file), ("invalid-index", &None));
}
