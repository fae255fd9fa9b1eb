use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::UNLOGGED_TABLE;

pub fn judge(health: &Health) -> Judged {
    let tables = health.tables.seen()?.iter();
    let unlogged =
        tables.filter(|table| table.is_ordinary() && table.is_unlogged && table.live_rows > 0);
    Ok(unlogged.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    Finding::new(&RULE, None, "the table is unlogged: a crash empties it, and standbys have none of it")
        .about(&table.object)
        .severity(Severity::Info)
        .help("if its rows are needed, make it an ordinary one; that writes it anew under an AccessExclusive lock")
        .command(format!("ALTER TABLE {} SET LOGGED", table.object))
        .evidence("rows", table.live_rows)
}
