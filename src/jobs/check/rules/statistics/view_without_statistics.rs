use crate::facts::RelationKind;
use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::VIEW_WITHOUT_STATISTICS;

pub fn judge(health: &Health) -> Judged {
    let views = health.views.seen()?;
    let tables = health.tables.seen()?.iter().filter(|table| {
        let is_populated = views.iter().any(|view| view.oid == table.oid && view.is_populated);
        table.kind == RelationKind::MaterializedView && is_populated && table.rows < 0.0
    });
    Ok(tables.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    Finding::new(
        &RULE,
        None,
        "the materialized view was never analyzed, so queries on it are planned by guess",
    )
    .about(&table.object)
    .severity(Severity::Info)
    .help("a refresh that writes the view anew leaves it without statistics until autovacuum comes")
    .command(pgtend("analyze", &table.object))
}
