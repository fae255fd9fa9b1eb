use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::NEVER_ANALYZED;

/// Of a smaller table the planner's guess does no harm.
const LARGE: i64 = 1 << 20;
/// Autovacuum of a server that has just been started has not been everywhere yet.
const HAD_ITS_TURN_SECONDS: f64 = 600.0;

pub fn judge(health: &Health) -> Judged {
    let uptime = health.glance.seen()?.first().map_or(0.0, |glance| glance.uptime_seconds);
    let severity = match uptime < HAD_ITS_TURN_SECONDS {
        true => Severity::Info,
        false => Severity::Warning,
    };
    let tables = health
        .tables
        .seen()?
        .iter()
        .filter(|table| table.is_ordinary() && table.rows < 0.0 && is_filled(table));
    Ok(tables.map(|table| finding(table, severity)).collect::<Found>())
}

fn is_filled(table: &Table) -> bool {
    // Before the first VACUUM the catalog has no pages, but the counters know of the rows.
    table.size_bytes() >= LARGE || table.inserted - table.deleted >= 10_000
}

fn finding(table: &Table, severity: Severity) -> Finding {
    let size = match table.size_bytes() {
        0 => String::new(),
        size => format!(" of {}", bytes(size)),
    };
    Finding::new(&RULE, None, format!("the table{size} was never analyzed, so the planner guesses"))
        .about(&table.object)
        .severity(severity)
        .help("plans of its queries may be slow by orders of magnitude; after pg_upgrade below 18 this is so for all tables")
        .command(pgtend("analyze", &table.object))
        .evidence("inserted_rows", table.inserted)
}
