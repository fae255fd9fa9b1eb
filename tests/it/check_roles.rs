//! What `pgtend check` says to roles that see less, and of settings that some have for themselves; which rule is shown
//! where.

use std::fs;
use std::path::Path;

use crate::check::{ALL_GROUPS, is_found};
use crate::support::document::{Check, Document};
use crate::support::{Database, Pgtend};

/// What one role finds, another one finds, too, or it does not know.
pub fn assert_none_is_hidden(all: &[Check], seen: &[Check], role: &str) {
    for (of_all, check) in all.iter().zip(seen) {
        assert_eq!(of_all.name, check.name);
        let is_known = ["failed", "unknown"].contains(&check.verdict.as_str());
        assert!(
            of_all.verdict != "failed" || is_known,
            "{role}: {} {}",
            check.name,
            check.verdict
        );
    }
}

/// The same for what is found for a moment only: the superuser finds this now.
pub async fn no_role_passes(db: &Database, rule: &str) {
    let roles = [
        db.role("passes_nothing").await,
        db.role("monitors").await,
        db.role("monitors_and_reads").await,
    ];
    let [nobody, monitor, reader] = &roles;
    db.sql(&format!(
        "GRANT pg_monitor TO {monitor}, {reader}; GRANT pg_read_all_data TO {reader}"
    ))
    .await;
    let checks = |role: &str| {
        let call = ["check", "--only", rule, "--format", "json"];
        db.pgtend_as(role, &call).json().checks
    };
    let all = checks("postgres");
    assert!(all.iter().any(|check| check.verdict == "failed"), "{rule} is found no more");
    for role in [nobody, monitor, reader] {
        assert_none_is_hidden(&all, &checks(role), role);
    }
    db.sql(&format!("DROP ROLE {}", roles.join(", "))).await;
}

/// What no fixture shows, and where a server shows it.
const SHOWN_ELSEWHERE: [(&str, &str); 24] = [
    ("autovacuum-starved", "check_moments, from 18 on; before it takes ten minutes"),
    ("backend-fsync", "check_moments"),
    ("connections-exhausted", "limits_that_are_near_are_found"),
    ("corrupt-index", "check_deep"),
    ("database-connection-limit", "limits_that_are_near_are_found"),
    ("deadlocks", "check_moments"),
    ("end-of-life", "what_an_old_release_damages_is_named"),
    ("full-page-images", "nowhere: it takes 10 GiB of WAL"),
    ("hot-standby-conflicts", "check_standby"),
    ("lock-table-full", "limits_that_are_near_are_found"),
    ("long-transaction", "nowhere: it takes an hour of the server's clock"),
    ("lost-slot", "limits_that_are_near_are_found"),
    ("no-statement-statistics", "limits_that_are_near_are_found"),
    ("outdated-minor", "what_an_old_release_damages_is_named"),
    ("role-connection-limit", "limits_that_are_near_are_found"),
    ("session-churn", "check_moments"),
    ("standby-lag", "check_standby"),
    ("suspect-index", "what_an_old_release_damages_is_named"),
    ("temporary-files", "check_moments"),
    ("unencrypted-sessions", "check_moments"),
    ("unused-index", "nowhere: it takes a month of the server's clock"),
    ("vacuum-blocked", "check_moments"),
    ("view-slow-refresh", "check_moments"),
    ("view-stale", "check_moments"),
];

#[tokio::test]
async fn every_rule_is_shown_on_a_server() {
    let db = Database::new().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/check");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut shown = files
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .chain(SHOWN_ELSEWHERE.iter().map(|(rule, _)| (*rule).to_owned()))
        .collect::<Vec<_>>();
    let call = [&["check", "--format", "json"], &ALL_GROUPS[..]].concat();
    let checks = db.pgtend(&call).json().checks;
    let mut rules = checks.into_iter().map(|check| check.name).collect::<Vec<_>>();
    shown.sort();
    rules.sort();
    assert_eq!(shown, rules);
}

#[tokio::test]
async fn settings_are_judged_as_others_have_them() {
    let db = Database::new().await;
    let (here, everywhere) = (db.role("here").await, db.role("everywhere").await);
    db.sql(&format!(
        "ALTER ROLE {here} IN DATABASE {name} SET enable_hashjoin = FALSE;
         ALTER ROLE {here} SET enable_partitionwise_join = off;
         ALTER ROLE {here} IN DATABASE postgres SET enable_sort = off;
         ALTER ROLE {everywhere} IN DATABASE {name} SET zero_damaged_pages = on;
         ALTER DATABASE {name} SET enable_seqscan = off",
        name = db.name
    ))
    .await;
    let check = |role: &str, options: &str| {
        let url = format!("{} options='{options}'", db.url_as(role));
        let only = "planner-method-off,data-losing-setting,asynchronous-commit";
        let call = ["check", "--only", only, "--format", "json", "-d", &url];
        Pgtend::new(&call).run().json()
    };
    let off = |document: &Document| {
        let found = document.findings.iter().filter(|it| it.rule == "planner-method-off");
        let told = found.map(|it| (it.object.clone().unwrap(), it.command.clone().unwrap()));
        told.collect::<Vec<_>>()
    };
    let document = check("postgres", "");
    let database = (
        "enable_seqscan".to_owned(),
        format!("ALTER DATABASE {} RESET enable_seqscan", db.name),
    );
    let of_role = (
        format!("enable_hashjoin of {here}"),
        format!("ALTER ROLE {here} IN DATABASE {} RESET enable_hashjoin", db.name),
    );
    assert_eq!(off(&document), [database.clone(), of_role.clone()]);
    let object = format!("zero_damaged_pages of {everywhere}");
    assert!(is_found(&document.findings, "data-losing-setting", &object));

    // What this connection sets is nobody else's, and hides what others have.
    let own = check(
        "postgres",
        "-c enable_mergejoin=off -c enable_seqscan=on -c synchronous_commit=off",
    );
    assert_eq!(off(&own), [of_role]);
    let of = |name: &str| own.checks.iter().find(|check| check.name == name).unwrap();
    assert_eq!(of("asynchronous-commit").verdict, "unknown");
    assert!(of("planner-method-off").reason.as_ref().unwrap().contains("enable_mergejoin"));
    let as_role = check(&here, "");
    assert_eq!(off(&as_role).len(), 2, "as others see it");
    assert_eq!(
        check("postgres", "-c jit=off")
            .checks
            .iter()
            .filter(|it| it.verdict == "unknown")
            .count(),
        0
    );
    db.sql(&format!("DROP OWNED BY {here}, {everywhere}; DROP ROLE {here}, {everywhere}"))
        .await;
}
