use crate::facts::health::Health;
use crate::facts::{AutovacuumSettings, TableState};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;
use crate::work::maintenance::plan::due::{DueMeasure, What, vacuum_measures};

pub const RULE: Rule = Rule::AUTOVACUUM_BEHIND;

/// Autovacuum looks at a table once a minute, and takes its turn: so much of its threshold is normal.
const LATE: f64 = 2.0;
/// Fewer dead rows do no harm.
const SMALL: f64 = 10_000.0;
const FAR_BEHIND: f64 = 10.0;

pub fn judge(health: &Health) -> Judged {
    let due = health.due.seen()?;
    let tables = due.tables.iter().filter(|table| !table.is_catalog && !table.is_temporary);
    let found = tables.filter_map(|table| {
        let worst = late(table, &due.settings)?;
        Some(finding(table, &worst))
    });
    Ok(found.collect::<Found>())
}

/// The rows that wait for VACUUM far beyond what autovacuum waits for. Ages have rules of their own.
fn late(table: &TableState, settings: &AutovacuumSettings) -> Option<DueMeasure> {
    let measures = vacuum_measures(table, settings).into_iter();
    let mut late = measures.filter(|measure| {
        !measure.what.is_wraparound() && measure.value >= SMALL && measure.is_over(LATE)
    });
    late.next()
}

fn finding(table: &TableState, worst: &DueMeasure) -> Finding {
    let message = format!(
        "{} {}, due at {}: autovacuum is behind",
        whole(worst.value as i64),
        worst.what.words(),
        whole(worst.threshold as i64),
    );
    // Rows that were only inserted are in nobody's way yet.
    let is_insert = matches!(worst.what, What::InsertedRows | What::ToastInsertedRows);
    let help = match is_insert {
        true => "index-only scans read the table, too, and freezing is left for later",
        false => {
            "queries read them with the others; see also vacuum-blocked, autovacuum-off, autovacuum-starved"
        }
    };
    let is_bad = !is_insert && worst.is_over(FAR_BEHIND);
    Finding::new(&RULE, None, message)
        .about(&table.name)
        .severity(if is_bad { Severity::Warning } else { Severity::Info })
        .help(help)
        .command(pgtend("vacuum", &table.name.to_string()))
        .evidence("rows", worst.value)
        .evidence("due_at", worst.threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Heap, Known, TableMaintenance};

    fn with_dead(dead_rows: i64) -> Vec<Finding> {
        let table =
            TableState::of_heap("t", Heap { rows: 100_000.0, dead_rows, ..Heap::default() });
        let settings = AutovacuumSettings {
            vacuum_scale_factor: 0.2,
            insert_threshold: -1.0,
            ..AutovacuumSettings::default()
        };
        let due = TableMaintenance { tables: vec![table], settings, ..Default::default() };
        judge(&Health { due: Known::Known(due), ..Health::default() }).unwrap().findings
    }

    #[test]
    fn twice_what_autovacuum_waits_for_is_found() {
        assert_eq!(with_dead(39_000), []);
        assert_eq!(with_dead(41_000)[0].severity, Severity::Info);
        let far = &with_dead(300_000)[0];
        assert_eq!(far.severity, Severity::Warning);
        assert_eq!(far.message, "300,000 dead rows, due at 20,000: autovacuum is behind");
        assert_eq!(far.command.as_deref(), Some("pgtend vacuum public.t"));
    }
}
