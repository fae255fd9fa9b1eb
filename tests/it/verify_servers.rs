//! `verify` on several servers, and what it finds missing on them.

use crate::support::Output;
use crate::support::installation::{Installation, real};
use crate::verify::{Folder, TABLE, errors, verdicts};

/// The findings of a rule: message, and on which servers.
fn found(output: &Output, rule: &str) -> Vec<(String, Vec<String>)> {
    let findings = output.json().findings.into_iter().filter(|finding| finding.rule == rule);
    findings.map(|finding| (finding.message, finding.server_versions)).collect()
}

/// A migration that works only where a setting is as the first server has it.
const DIFFERENT: &str = "DO $$ BEGIN IF current_setting('app.flavour', true) = 'other' THEN \
                         RAISE EXCEPTION 'not here'; END IF; END $$;";

#[test]
fn several_servers_are_compared() {
    let drop = "ALTER TABLE sales DROP COLUMN status;";
    let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", drop), ("3_m.sql", DIFFERENT)]);
    let (real, other) = (real(), Installation::of_another_major("app.flavour=other"));
    let first = real.dir.display().to_string();
    let both = ["--pg-bin", &first, "--pg-bin", &other.path()];
    let output = folder.verify(&both).expect(1).came_to("findings");
    let document = output.json();
    assert_eq!(document.server_version, None, "{output}");
    let folders = document.servers.iter().map(|server| server.folder.clone().unwrap());
    assert_eq!(folders.collect::<Vec<_>>(), [first.clone(), other.path()]);
    assert!(document.servers.iter().all(|server| server.startup_ms.is_some()), "{output}");
    // Both are of the same version in truth, so the folders tell them apart.
    let names = [first.clone(), other.path()].map(|path| format!("{} in {path}", real.version));
    let wanted = (format!("not here (only on {})", names[1]), vec![names[1].clone()]);
    assert_eq!(found(&output, "not-applied"), [wanted]);
    let warned = found(&output, "ban-drop-column");
    assert_eq!(warned.len(), 1, "{output}");
    assert_eq!(warned[0].1, names, "{output}");
    let applies = document.checks.iter().filter(|check| check.name == "apply");
    let applies = applies.map(|check| (check.verdict.as_str(), check.server_versions.as_slice()));
    let wanted = [("passed", &names[..1]), ("failed", &names[1..])];
    assert_eq!(applies.collect::<Vec<_>>(), wanted, "{output}");
    for version in [real.version, format!("{}.99", other.major)] {
        let said = format!("Starting a throwaway PostgreSQL {version} …");
        assert!(output.stderr.contains(&said), "{output}");
    }

    let shown = folder.call(&both).run().expect(1).stdout;
    assert!(shown.contains(" SERVER "), "{shown}");
    let github = folder.call(&[&both[..], &["--format", "github"]].concat()).run().expect(1);
    assert!(github.stderr.contains(&format!("apply: failed on {}: ", names[1])), "{github}");
}

#[test]
fn majors_are_chosen_among_what_is_there() {
    let folder = Folder::new(&[("1_m.sql", TABLE)]);
    let (real, other) = (real(), Installation::of_another_major("work_mem=5MB"));
    let first = real.dir.display().to_string();
    let both = ["--pg-bin", &first, "--pg-bin", &other.path()];
    let on = |majors: &str| folder.verify(&[&both[..], &["--pg", majors]].concat());
    let output = on(&format!("{},{}", other.major, real.major)).expect(0);
    let folders = output.json().servers.into_iter().map(|server| server.folder.unwrap());
    assert_eq!(folders.collect::<Vec<_>>(), [other.path(), first.clone()]);

    let output = on(&real.major.to_string()).expect(0);
    let document = output.json();
    assert_eq!(document.server_version.as_ref(), Some(&document.servers[0].version));
    assert_eq!(document.checks[0].server_versions, [document.servers[0].version.as_str()]);
    assert_eq!(verdicts(&output), crate::verify::ALL_PASSED);

    let error = on("99").expect(3).json().error.unwrap();
    assert_eq!(error.kind, "sandbox");
    assert!(error.message.contains("no server programs of PostgreSQL 99 found"), "{error:?}");
    assert!(error.message.contains(&format!("{} in {first}", real.version)), "{error:?}");
    on("13").expect(2);
    let given = folder.verify(&["--pg", "15", "-d", "host=/nowhere dbname=x"]).expect(2);
    assert!(given.json().error.unwrap().message.contains("--pg is for throwaway servers"));
    assert_eq!(errors(&output).len(), 0, "{output}");
}
