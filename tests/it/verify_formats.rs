//! What CI systems read of `verify`: SARIF, JUnit, GitLab's code quality, and several at once.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::Output;
use crate::support::command::Pgtend;

/// A repository with migrations that deserve findings of all kinds, in a file whose name tries
/// everything.
struct Checkout(tempfile::TempDir);

/// Not UTF-8; and what XML, JSON and URIs have to escape.
const HOSTILE: &[u8] = b"2_a b#%&<\"'\xff.sql";

const TABLE: &str = "CREATE TABLE sales (id bigint PRIMARY KEY, status text);\n";

/// A warning on one line and an error below it, whose words try everything: a control character,
/// what ends a CDATA section, what XML cannot say.
const BROKEN: &str = "SET lock_timeout = '1s'; ALTER TABLE sales DROP COLUMN status;\n\
                      DO $$ BEGIN RAISE EXCEPTION E'\\x1b[2J ]]> & <b> \\uffff %% {0}\\nsecond'; END $$;\n";

/// An index of a dump that stays invalid: a finding in no file.
const INVALID: &str = "CREATE TABLE p (a bigint) PARTITION BY LIST (a);\n\
                       CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);\n\
                       CREATE INDEX p_a ON ONLY p (a);\n";

impl Checkout {
    fn new(files: &[(&[u8], &str)]) -> Checkout {
        let checkout = Checkout(tempfile::tempdir().unwrap());
        fs::create_dir_all(checkout.path("db/migrations")).unwrap();
        fs::create_dir(checkout.path(".git")).unwrap();
        for (name, sql) in files {
            let file = checkout.path("db/migrations").join(OsStr::from_bytes(name));
            fs::write(file, sql).unwrap();
        }
        checkout
    }

    fn broken() -> Checkout {
        Checkout::new(&[(b"1_m.sql", TABLE), (HOSTILE, BROKEN)])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Below the repository's root, as some projects do it.
    fn call(&self, more: &[&str]) -> Pgtend {
        let whole = ["verify", "./migrations", "--layout", "plain"];
        Pgtend::new(&[&whole, more].concat()).within(&self.path("db"))
    }

    fn verify(&self, format: &str) -> Output {
        self.call(&["--format", format]).run()
    }
}

/// SARIF's schema.
fn validator() -> Validator {
    let schema = include_str!("schemas/sarif-2.1.0.json");
    // A bracket too many, which not every engine for patterns forgives; no log of ours has the key.
    let (wrong, right) = ("|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$", "|^[a-zA-Z]{2}-[a-zA-Z]{2}$");
    let schema = serde_json::from_str(&schema.replace(wrong, right)).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// The log's only run. The whole log is valid.
#[track_caller]
fn run_of(sarif: &str) -> Value {
    let validator = validator();
    let mut log = serde_json::from_str::<Value>(sarif).unwrap();
    let errors = validator.iter_errors(&log).map(|error| error.to_string()).collect::<Vec<_>>();
    assert_eq!(errors, [""; 0], "{sarif}");
    assert_eq!(log["runs"].as_array().unwrap().len(), 1);
    log["runs"][0].take()
}

fn result<'r>(run: &'r Value, rule: &str) -> &'r Value {
    let mut results = run["results"].as_array().unwrap().iter();
    results.find(|result| result["ruleId"] == rule).unwrap()
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let log = |uri: &str| {
        let result = json!({ "message": { "text": "" }, "workItemUris": [uri] });
        let tool = json!({ "driver": { "name": "pgtend" } });
        json!({ "version": "2.1.0", "runs": [{ "tool": tool, "results": [result] }] })
    };
    assert!(validator().is_valid(&log("https://example.com")));
    assert!(!validator().is_valid(&log("not a URI")));
    assert!(!validator().is_valid(&json!({ "version": "2.1.0", "runs": [{ "results": [] }] })));
}

#[test]
fn sarif_is_valid_and_says_where_and_what() {
    let checkout = Checkout::broken();
    let output = checkout.verify("sarif").expect(1);
    let run = run_of(&output.stdout);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], true);
    assert_eq!(invocation["exitCode"], 1);
    let skipped = &invocation["toolExecutionNotifications"][0]["message"]["text"];
    assert!(
        skipped.as_str().unwrap().starts_with("the check indexes was skipped"),
        "{skipped}"
    );

    let refused = result(&run, "not-applied");
    assert_eq!(refused["level"], "error");
    let text = refused["message"]["text"].as_str().unwrap();
    assert_eq!(text, "\u{1b}[2J ]]> & <b> \u{ffff} % {0}\nsecond");
    let place = &refused["locations"][0]["physicalLocation"];
    let uri = "db/migrations/2_a%20b%23%25%26%3C%22%27%FF.sql";
    assert_eq!(place["artifactLocation"]["uri"], uri);
    assert_eq!(place["artifactLocation"]["uriBaseId"], "SRCROOT");
    let root = fs::canonicalize(checkout.0.path()).unwrap().display().to_string();
    assert_eq!(run["originalUriBaseIds"]["SRCROOT"]["uri"], format!("file://{root}/"));
    assert_eq!(place["region"]["startLine"], 2);
    assert_eq!(place["region"]["snippet"]["text"], BROKEN.lines().nth(1).unwrap());
    assert_eq!(place.get("contextRegion"), None);

    let lint = result(&run, "ban-drop-column");
    let place = &lint["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["snippet"]["text"], "DROP COLUMN status;");
    assert_eq!(place["contextRegion"]["snippet"]["text"], BROKEN.lines().next().unwrap());
    assert!(!output.stdout.contains('\u{1b}'), "{output}");
}

#[test]
fn sarif_explains_every_rule_and_knows_findings_again() {
    let checkout = Checkout::broken();
    let run = run_of(&checkout.verify("sarif").expect(1).stdout);
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
        assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty());
    }
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let rule = |id: &str| rules.iter().find(|rule| rule["id"] == id).unwrap();
    let ours = rule("not-applied");
    assert!(ours["help"]["markdown"].as_str().unwrap().contains("## Good"), "{ours}");
    assert_eq!(ours["defaultConfiguration"]["level"], "error");
    assert_eq!(rule("ban-drop-column")["helpUri"], "https://squawkhq.com/docs/ban-drop-column");

    let fingerprint = |run: &Value| {
        let prints = &result(run, "ban-drop-column")["partialFingerprints"];
        prints["ruleFileAndText/v1"].as_str().unwrap().to_owned()
    };
    let file = checkout.path("db/migrations").join(OsStr::from_bytes(HOSTILE));
    fs::write(file, format!("\n\n{BROKEN}")).unwrap();
    let moved = run_of(&checkout.verify("sarif").expect(1).stdout);
    assert_eq!(fingerprint(&moved), fingerprint(&run));
}

#[test]
fn what_stands_in_no_file_is_in_every_format() {
    let checkout = Checkout::new(&[(b"1_m.sql", TABLE)]);
    fs::write(checkout.path("db/base.sql"), INVALID).unwrap();
    let verify =
        |format: &str| checkout.call(&["--format", format, "--base", "base.sql"]).run().expect(1);
    let run = run_of(&verify("sarif").stdout);
    assert_eq!(result(&run, "invalid-index")["locations"].as_array().unwrap().len(), 0);
    let issues = issues(&verify("gitlab"));
    let issue = issues.iter().find(|issue| issue.check_name == "invalid-index").unwrap();
    assert_eq!((issue.location.path.as_str(), issue.location.lines.begin), ("db/migrations", 1));
    let xml = verify("junit").stdout;
    let junit = roxmltree::Document::parse(&xml).unwrap();
    assert_eq!(case(&junit, "indexes").attribute("file"), None);
    assert!(failure(&junit, "indexes").text().unwrap().contains("p_a"), "{xml}");
}

/// A file that is not in the repository has no name there.
#[test]
fn files_of_elsewhere_are_named_as_they_are() {
    let [checkout, elsewhere] = [Checkout::broken(), Checkout::broken()];
    let call = |format: &str| {
        let path = elsewhere.path("db/migrations").display().to_string();
        let call = Pgtend::new(&["verify", &path, "--format", format]);
        call.within(checkout.0.path()).run().expect(1)
    };
    let run = run_of(&call("sarif").stdout);
    let location = &result(&run, "not-applied")["locations"][0]["physicalLocation"];
    let uri = location["artifactLocation"]["uri"].as_str().unwrap();
    let folder = fs::canonicalize(elsewhere.path("db/migrations")).unwrap();
    assert!(uri.starts_with(&format!("file://{}/2_a%20b", folder.display())), "{uri}");
    assert_eq!(location["artifactLocation"].get("uriBaseId"), None);
    let folder = elsewhere.path("db/migrations").display().to_string();
    assert!(
        issues(&call("gitlab"))
            .iter()
            .all(|issue| issue.location.path.starts_with(&folder))
    );
}

fn case<'d>(junit: &'d roxmltree::Document, name: &str) -> roxmltree::Node<'d, 'd> {
    let mut cases = junit.descendants().filter(|node| node.has_tag_name("testcase"));
    cases.find(|case| case.attribute("name") == Some(name)).unwrap()
}

fn child<'d>(case: roxmltree::Node<'d, 'd>, tag: &str) -> Option<roxmltree::Node<'d, 'd>> {
    case.children().find(|child| child.has_tag_name(tag))
}

fn failure<'d>(junit: &'d roxmltree::Document, name: &str) -> roxmltree::Node<'d, 'd> {
    child(case(junit, name), "failure").unwrap()
}

/// The figures of a suite.
fn counts(node: roxmltree::Node) -> String {
    let count = |name| format!("{name} {}", node.attribute(name).unwrap());
    ["tests", "failures", "errors", "skipped"].map(count).join(", ")
}

/// What the figures of a suite should be.
fn counted(junit: &roxmltree::Document) -> String {
    let count = |tag| junit.descendants().filter(|node| node.has_tag_name(tag)).count();
    let [tests, failures, errors, skipped] = ["testcase", "failure", "error", "skipped"].map(count);
    assert!(tests > 3, "{tests}");
    format!("tests {tests}, failures {failures}, errors {errors}, skipped {skipped}")
}

#[test]
fn junit_has_a_test_for_each_check() {
    let xml = Checkout::broken().verify("junit").expect(1).stdout;
    let junit = roxmltree::Document::parse(&xml).unwrap();
    let [suites, suite] = ["testsuites", "testsuite"]
        .map(|tag| junit.descendants().find(|node| node.has_tag_name(tag)).unwrap());
    assert_eq!(counts(suite), counted(&junit));
    assert!(counts(suite).contains("failures 1, errors 0,"), "{xml}");
    assert_eq!(counts(suites), counts(suite));
    assert!(suite.attribute("time").unwrap().parse::<f64>().unwrap() < 60.0);

    assert!(child(case(&junit, "parse"), "failure").is_none());
    assert!(
        child(case(&junit, "indexes"), "skipped")
            .unwrap()
            .attribute("message")
            .is_some()
    );
    let apply = case(&junit, "apply");
    assert_eq!(apply.attribute("classname"), Some("pgtend verify"));
    assert_eq!(apply.attribute("file"), Some("db/migrations/2_a b#%&<\"'\u{fffd}.sql"));
    let failed = failure(&junit, "apply");
    assert_eq!(failed.attribute("type"), Some("not-applied"));
    let message = "\\u{1b}[2J ]]> & <b> \u{fffd} % {0}\\nsecond";
    assert_eq!(failed.attribute("message"), Some(message));
    let text = failed.text().unwrap();
    assert!(text.contains(".sql:2:1: error: \\u{1b}[2J ]]> & <b>"), "{text}");
    assert!(text.contains("\n  2 | DO $$ BEGIN"), "{text}");
    // What does not fail is told all the same.
    let output = child(case(&junit, "lint"), "system-out").unwrap().text().unwrap();
    assert!(output.contains("[ban-drop-column]"), "{output}");
    assert!(!output.contains("not-applied"), "{output}");
}

#[test]
fn junit_counts_what_fails() {
    let call = Checkout::broken();
    let xml = call
        .call(&["--format", "junit", "--fail-on", "ban-drop-column"])
        .run()
        .expect(1);
    let junit = roxmltree::Document::parse(&xml.stdout).unwrap();
    assert_eq!(failure(&junit, "lint").attribute("type"), Some("ban-drop-column"));
    assert!(failure(&junit, "lint").attribute("message").unwrap().contains("column"));
    assert!(child(case(&junit, "apply"), "failure").is_some(), "{xml}");
    let good = Checkout::new(&[(b"1_m.sql", TABLE)]).verify("junit").expect(0).stdout;
    let junit = roxmltree::Document::parse(&good).unwrap();
    let suite = junit.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!(counts(suite), counted(&junit));
    assert!(counts(suite).contains("failures 0, errors 0,"), "{good}");
}

/// An issue as GitLab's documentation has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: String,
    location: Location,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    begin: u32,
}

#[track_caller]
fn issues(output: &Output) -> Vec<Issue> {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

#[test]
fn gitlab_reads_a_code_quality_report() {
    let output = Checkout::broken().verify("gitlab").expect(1);
    let issues = issues(&output);
    let refused = issues.iter().find(|issue| issue.check_name == "not-applied").unwrap();
    assert_eq!(refused.severity, "major");
    assert_eq!(refused.location.path, "db/migrations/2_a b#%&<\"'\u{fffd}.sql");
    assert_eq!(refused.location.lines.begin, 2);
    assert!(refused.description.starts_with("\u{1b}[2J ]]> & <b>"), "{output}");
    let lint = issues.iter().find(|issue| issue.check_name == "ban-drop-column").unwrap();
    assert_eq!((lint.severity.as_str(), lint.location.lines.begin), ("minor", 1));
    let mut fingerprints = issues.iter().map(|issue| &issue.fingerprint).collect::<Vec<_>>();
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), issues.len());
    assert!(!output.stdout.contains('\u{1b}'), "{output}");
}

#[test]
fn markdown_is_for_a_summary() {
    let checkout = Checkout::broken();
    fs::create_dir(checkout.path("out")).unwrap();
    let report = format!("markdown={}", checkout.path("out/verify.md").display());
    let output = checkout.call(&["--format", "markdown", "--report", &report]).run().expect(1);
    assert!(output.stdout.starts_with("## pgtend: failed: 1 error, "), "{output}");
    assert!(
        output.stdout.contains("| `apply` | failed | `1 of 2 migrations applied` |"),
        "{output}"
    );
    let file = "`db/migrations/2_a b#%&<\"'\u{fffd}.sql:2:1`";
    let refused = format!("- {file} **error** `not-applied`: `\\u{{1b}}[2J ]]> & <b>");
    assert!(output.stdout.contains(&refused), "{refused}\n{output}");
    assert_eq!(fs::read_to_string(checkout.path("out/verify.md")).unwrap(), output.stdout);
    let lost = checkout.call(&["--format", "markdown", "--pg-bin", "/nowhere"]).run().expect(3);
    assert!(lost.stdout.starts_with("## pgtend: not done\n\n`"), "{lost}");
}

/// The reports in files, which each have to be whole.
fn read(checkout: &Checkout) -> (Value, String, Vec<Value>) {
    let text = |name: &str| fs::read_to_string(checkout.path("out").join(name)).unwrap();
    let junit = text("junit.xml");
    roxmltree::Document::parse(&junit).unwrap();
    (
        run_of(&text("v.sarif")),
        junit,
        serde_json::from_str(&text("gitlab.json")).unwrap(),
    )
}

/// Three reports.
fn reports(checkout: &Checkout) -> Vec<String> {
    fs::create_dir_all(checkout.path("out")).unwrap();
    let files = [("sarif", "v.sarif"), ("junit", "junit.xml"), ("gitlab", "gitlab.json")];
    let report = |(format, file)| {
        let file = checkout.path("out").join::<&str>(file);
        ["--report".to_owned(), format!("{format}={}", file.display())]
    };
    files.map(report).concat()
}

#[test]
fn one_run_writes_several_reports() {
    let checkout = Checkout::broken();
    let reports = reports(&checkout);
    let reports = reports.iter().map(String::as_str).collect::<Vec<_>>();
    let output = checkout.call(&reports).env("GITHUB_ACTIONS", "true").run().expect(1);
    assert!(output.stdout.contains("::error file=db/migrations/2_a b#"), "{output}");
    let (sarif, junit, gitlab) = read(&checkout);
    assert!(!sarif["results"].as_array().unwrap().is_empty());
    assert!(junit.contains("<failure"), "{junit}");
    assert!(!gitlab.is_empty());
    let file = checkout.path("out/v.sarif");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(checkout.path("out")).unwrap().count(), 3);
}

#[test]
fn a_run_that_fails_leaves_reports_that_say_so() {
    let checkout = Checkout::broken();
    let nothing = checkout.path("out").display().to_string();
    let reports = reports(&checkout);
    let options = reports.iter().map(String::as_str).collect::<Vec<_>>();
    let missing = ["--base", "missing.sql"];
    let no_server = ["--pg-bin", &nothing];
    let no_config = ["--config", "missing.toml"];
    for (more, code, said) in [
        (missing, 2, "missing.sql"),
        (no_config, 2, "missing.toml"),
        (no_server, 3, "initdb"),
    ] {
        let call = |format| checkout.call(&[&options[..], &more, &["--format", format]].concat());
        let told = run_of(&call("sarif").run().expect(code).stdout);
        let (sarif, junit, gitlab) = read(&checkout);
        assert_eq!(sarif, told);
        assert_eq!(sarif.get("results"), None);
        let invocation = &sarif["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["exitCode"], code);
        let notification = &invocation["toolExecutionNotifications"][0];
        assert!(notification["message"]["text"].as_str().unwrap().contains(said), "{sarif}");
        assert!(junit.contains("<error") && junit.contains(said), "{junit}");
        assert_eq!(call("junit").run().expect(code).stdout, junit);
        assert_eq!(gitlab.len(), 0);
        assert_eq!(call("gitlab").run().expect(code).stdout, "[]\n");
        fs::remove_dir_all(checkout.path("out")).unwrap();
        fs::create_dir(checkout.path("out")).unwrap();
    }
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run() {
    let checkout = Checkout::broken();
    let twice = ["--report", "sarif=a", "--report", "junit=a"];
    for (more, wanted) in [
        (&["--report", "sarif=missing/v.sarif"][..], "cannot write missing/v.sarif: "),
        (&["--report", "sarif=migrations"], "is no file"),
        (&["--report", "sarif=/dev/null"], "is no file"),
        (&twice, "two reports would have this file"),
        (&["--report", "v.sarif"], "write FORMAT=FILE"),
    ] {
        let output = checkout.call(more).run().expect(2);
        assert!(output.stderr.contains(wanted), "{output}");
        assert!(!output.stderr.contains("Starting"), "{output}");
        assert!(!output.stderr.contains("warning"), "{output}");
    }
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_report_that_cannot_be_written_in_the_end_is_a_failure() {
    let checkout = Checkout::new(&[]);
    let out = checkout.path("db/out");
    fs::create_dir(&out).unwrap();
    // The server may run as another user.
    fs::set_permissions(checkout.0.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(checkout.path("db"), fs::Permissions::from_mode(0o777)).unwrap();
    let sql = format!("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rmdir {}';\n", shown(&out));
    fs::write(checkout.path("db/migrations/1_m.sql"), sql).unwrap();
    let output = checkout.call(&["--report", "sarif=out/v.sarif", "--format", "json"]).run();
    let error = output.expect(3).came_to("failed").json().error.unwrap();
    assert_eq!(error.kind, "io");
    assert!(error.message.starts_with("cannot write out/v.sarif: "), "{}", error.message);
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn other_commands_know_no_such_format() {
    for format in ["sarif", "junit", "gitlab"] {
        let output = Pgtend::new(&["plan", "--format", format, "-"]).run().expect(2);
        assert!(output.stderr.contains("[possible values: table, json]"), "{output}");
    }
}
