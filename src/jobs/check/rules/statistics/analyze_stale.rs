use crate::facts::health::Health;
use crate::facts::{RelationKind, TableState};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;
use crate::work::maintenance::plan::due::{DueMeasure, analyze_measure};

pub const RULE: Rule = Rule::ANALYZE_STALE;

/// Autovacuum looks at a table once a minute, and takes its turn.
const LATE: f64 = 2.0;
/// So many changed rows are as good as another table.
const FAR_BEHIND: f64 = 5.0;
const SMALL: f64 = 10_000.0;

pub fn judge(health: &Health) -> Judged {
    let due = health.due.seen()?;
    let tables = due.tables.iter().filter(|table| {
        let has_rows = matches!(table.kind, RelationKind::Table | RelationKind::MaterializedView);
        has_rows && !table.is_catalog && !table.is_temporary && table.heap.rows >= 0.0
    });
    let found = tables.filter_map(|table| {
        let measure = analyze_measure(table, &due.settings);
        (measure.is_over(LATE) && measure.value >= SMALL).then(|| finding(table, &measure))
    });
    Ok(found.collect::<Found>())
}

fn finding(table: &TableState, measure: &DueMeasure) -> Finding {
    let message = format!(
        "{} rows changed since the last ANALYZE, due at {}",
        whole(measure.value as i64),
        whole(measure.threshold as i64),
    );
    let is_far = measure.is_over(FAR_BEHIND);
    Finding::new(&RULE, None, message)
        .about(&table.name)
        .severity(if is_far { Severity::Warning } else { Severity::Info })
        .help("the planner still plans for the table as it was")
        .command(pgtend("analyze", &table.name.to_string()))
        .evidence("changed_rows", measure.value)
        .evidence("due_at", measure.threshold)
}
