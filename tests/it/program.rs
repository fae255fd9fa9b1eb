//! The program itself: its manners on the command line, without any server.

use std::fs;

use crate::support::command::Pgtend;
use crate::support::tls::write;
use crate::support::{Database, Output};

const COMMANDS: [&str; 15] = [
    "plan",
    "apply",
    "refresh",
    "vacuum",
    "analyze",
    "slow-queries",
    "snapshot",
    "activity",
    "init",
    "history",
    "verify",
    "rules",
    "demo",
    "completions",
    "man",
];

fn run(arguments: &[&str]) -> Output {
    Pgtend::new(arguments).run()
}

#[test]
fn numbers_have_an_end() {
    let huge = ["4294967295", "18446744073709551615", "99999999999999999999", "-1"];
    let options: [(&[&str], &str); 13] = [
        (&["apply", "-"], "--jobs"),
        (&["refresh"], "--jobs"),
        (&["vacuum"], "--jobs"),
        (&["analyze"], "--jobs"),
        (&["vacuum"], "--parallel"),
        (&["vacuum"], "--threshold"),
        (&["history"], "--limit"),
        (&["slow-queries"], "--limit"),
        (&["slow-queries"], "--explain"),
        (&["demo"], "--scale"),
        (&["verify", "x"], "--pg"),
        (&["slow-queries"], "--min-calls"),
        (&["slow-queries"], "queryid"),
    ];
    for (call, option) in options {
        for number in huge {
            // What is a share, a count or an id may be as large as it likes.
            let is_fine = match option {
                "--threshold" => number != "-1",
                "--min-calls" => number.len() < 20 || number == "18446744073709551615",
                "queryid" => number.len() < 20,
                _ => false,
            };
            if is_fine {
                continue;
            }
            let option = if option == "queryid" {
                number.to_owned()
            } else {
                format!("{option}={number}")
            };
            let output = run(&[call, &[option.as_str(), "-d", "host=/nowhere"]].concat()).expect(2);
            assert!(output.stderr.contains(number), "{output}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pgtend.toml", "[refresh]\njobs = 4294967295\n");
    let config = folder.path().join("pgtend.toml").display().to_string();
    let output = run(&["refresh", "--config", &config, "-d", "host=/nowhere"]).expect(2);
    assert!(
        output.stderr.contains("refresh.jobs must be a number from 1 to 1000"),
        "{output}"
    );
}

#[test]
fn it_knows_its_version() {
    let output = run(&["--version"]).expect(0);
    assert_eq!(output.stdout, format!("pgtend {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(output.stderr, "");
}

#[test]
fn the_help_lists_every_command_and_the_exit_codes() {
    for option in ["--help", "-h"] {
        let help = run(&[option]).expect(0).stdout;
        for command in COMMANDS {
            assert!(help.contains(&format!("\n  {command} ")), "no {command} in\n{help}");
        }
        assert!(help.contains("  plan          Show what `apply` would do"), "{help}");
        for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "129", "130", "143"] {
            assert!(help.contains(&format!("\n  {code}")), "no {code} in\n{help}");
        }
    }
}

#[test]
fn every_command_has_help_with_its_usage() {
    for command in COMMANDS {
        let help = run(&[command, "--help"]).expect(0).stdout;
        assert!(help.contains(&format!("\nUsage: pgtend {command}")), "{help}");
        assert!(help.contains("--database-url"), "no shared options in\n{help}");
        assert!(help.contains("Exit codes:"), "{help}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    run(&["man", "--dir", folder.path().to_str().unwrap()]).expect(0);
    let mut pages = COMMANDS.map(|command| format!("pgtend-{command}.1")).to_vec();
    pages.push("pgtend.1".to_owned());
    for page in pages {
        let text = fs::read_to_string(folder.path().join(&page));
        let text = text.unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let page = run(&["man"]).expect(0).stdout;
    assert!(page.contains(".SH SYNOPSIS") && page.contains("apply"), "{page}");
}

#[test]
fn there_are_completions_for_the_common_shells() {
    for (shell, mark) in [
        ("bash", "-F _pgtend pgtend"),
        ("zsh", "#compdef pgtend"),
        ("fish", "complete --command pgtend"),
        ("elvish", "snapshot"),
        ("powershell", "snapshot"),
    ] {
        let script = run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains(mark), "{shell}: {script}");
    }
}

#[test]
fn what_it_does_not_know_is_wrong_usage() {
    let calls: [&[&str]; 6] = [
        &[],
        &["plan", "--nonsense"],
        &["nonsense"],
        &["apply", "--jobs", "0", "-"],
        &["apply", "--max-wait", "soon", "-"],
        &["plan", "--format", "yaml", "-"],
    ];
    for call in calls {
        let output = run(call).expect(2);
        assert_eq!(output.stdout, "", "{output}");
        assert!(
            output.stderr.contains("Usage: ") || output.stderr.contains("--help"),
            "{output}"
        );
    }
}

#[test]
fn no_files_at_all_are_wrong_usage() {
    for command in ["plan", "apply"] {
        let output = run(&[command, "--format", "json"]).expect(2);
        assert_eq!(output.json().error.unwrap().kind, "usage", "{output}");
        assert!(output.json().error.unwrap().hint.unwrap().contains("paths"), "{output}");
    }
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pgtend.toml", "# ours\n[apply]\njobs = 3\njbos = 4\n");
    let config = folder.path().join("pgtend.toml").display().to_string();
    let output = run(&["plan", "--format", "json", "--config", &config, "-"]).expect(2);
    let error = &output.json().error.unwrap();
    assert_eq!(error.kind, "config", "{output}");
    let message = &error.message;
    assert!(message.contains("pgtend.toml:4: unknown key `jbos`"), "{output}");
    assert_eq!(error.hint.as_deref(), Some("did you mean jobs?"), "{output}");
}

#[tokio::test]
async fn a_reader_who_goes_away_is_no_failure() {
    let db = Database::new().await;
    db.sql("CREATE TABLE sales (id int)").await;
    let declared = db.declare("CREATE INDEX sales_id ON sales (id);");
    let url = db.url_as("postgres");
    for format in ["table", "json"] {
        let call = ["plan", "-d", &url, "--format", format, &declared];
        let output = Pgtend::new(&call).run_unread().expect(0);
        assert!(!output.stderr.contains("panicked"), "{output}");
        assert!(!output.stderr.contains("Broken pipe"), "{output}");
    }
    for call in [&["completions", "bash"][..], &["man"]] {
        assert_eq!(Pgtend::new(call).run_unread().expect(0).stderr, "");
    }
    // What is being done is done to its end, whoever reads of it.
    Pgtend::new(&["apply", "-d", &url, &declared]).run_unread().expect(0);
    db.assert_whole("sales_id").await;
    db.sql("DROP INDEX sales_id").await;
    Pgtend::new(&["apply", "--echo", "-d", &url, &declared]).run_unheard().expect(0);
    db.assert_whole("sales_id").await;
}

#[test]
fn a_duration_that_no_clock_can_hold_is_wrong_usage() {
    for arguments in [
        &["apply", "--wait", "584942417355years"][..],
        &["apply", "--max-wait", "18446744073709551615s"],
        &["vacuum", "--time-limit", "584942417355years"],
        &["refresh", "--max-age", "584942417355years"],
        &["slow-queries", "--interval", "584942417355years"],
        &["snapshot", "--keep", "584942417355years"],
        &["history", "--since", "584942417355years"],
        &["activity", "--watch", "584942417355years"],
    ] {
        let output = Pgtend::new(arguments).run().expect(2);
        assert!(output.stderr.contains("at most 100 years"), "{output}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgtend.toml");
    std::fs::write(&file, "[apply]\nwait = \"584942417355years\"\n").unwrap();
    let arguments = ["apply", "--config", file.to_str().unwrap(), "x.sql"];
    let output = Pgtend::new(&arguments).run().expect(2);
    assert!(output.stderr.contains("pgtend.toml:2: at most 100 years"), "{output}");
}

#[test]
fn a_configuration_that_everybody_may_write_is_passed_over_unless_it_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgtend.toml");
    std::fs::write(&file, "[targets.there]\nurl = \"postgres://192.0.2.1/\"\n").unwrap();
    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&file, open).unwrap();
    let target = ["plan", "--target", "there", "x.sql"];
    let output = Pgtend::new(&target).within(folder.path()).run().expect(2);
    let why = "warning: pgtend.toml is not read, because every user may write to it; \
               --config pgtend.toml reads it";
    assert!(output.stderr.contains(why), "{output}");
    assert!(
        output
            .stderr
            .contains("hint: no configuration file found; looked for pgtend.toml,"),
        "{output}"
    );
    let named = [&target[..], &["--config", "pgtend.toml"]].concat();
    let output = Pgtend::new(&named).within(folder.path()).run().expect(2);
    assert!(!output.stderr.contains("is not read"), "{output}");
    assert!(!output.stderr.contains("[targets.NAME]"), "{output}");
}
