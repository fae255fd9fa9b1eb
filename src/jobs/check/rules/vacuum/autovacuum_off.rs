use crate::facts::health::{Health, Table, means_off};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::AUTOVACUUM_OFF;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let tables = health.tables.seen()?;
    let off = ["autovacuum", "track_counts"].into_iter().filter(|name| !settings.is_on(name));
    let whole = off.map(|name| {
        Finding::new(&RULE, None, format!("{name} is off, so autovacuum looks after no table"))
            .about(&name)
            .help("dead rows stay, statistics grow old, and transaction ids run out")
            .command(format!("ALTER SYSTEM SET {name} = on"))
    });
    let each = tables.iter().filter(|table| is_off(table)).map(of_table);
    Ok(whole.chain(each).collect::<Found>())
}

fn is_off(table: &Table) -> bool {
    table.option("autovacuum_enabled").is_some_and(means_off)
}

/// A table that is filled and emptied may want it so.
fn of_table(table: &Table) -> Finding {
    let (object, prefix) = match &table.main_object {
        Some(main) => (main, "toast."),
        None => (&table.object, ""),
    };
    let is_churned = table.dead_rows > 0 || table.updated + table.deleted > 0;
    let what = if table.is_toast() { "its TOAST table" } else { "it" };
    Finding::new(
        &RULE,
        None,
        format!("autovacuum is switched off for {what} ({prefix}autovacuum_enabled)"),
    )
    .about(object)
    .severity(if is_churned { Severity::Warning } else { Severity::Info })
    .help("unless something else vacuums it, dead rows stay until transaction ids run short")
    .command(format!("ALTER TABLE {object} RESET ({prefix}autovacuum_enabled)"))
    .evidence("dead_rows", table.dead_rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::settings;

    #[test]
    fn settings_and_tables_are_found() {
        let table = |option: &str| Table {
            object: "public.t".to_owned(),
            options: vec![option.to_owned()],
            deleted: 1,
            ..Table::default()
        };
        let health = Health {
            settings: settings(&[("autovacuum", "off"), ("track_counts", "on")]),
            tables: Known::Known(vec![
                table("autovacuum_enabled=FALSE"),
                table("autovacuum_enabled=true"),
                table("fillfactor=90"),
            ]),
            ..Health::default()
        };
        let found = judge(&health).unwrap().findings;
        let found = found.iter().map(|one| (one.object.as_deref().unwrap(), one.severity));
        let wanted = [("autovacuum", Severity::Critical), ("public.t", Severity::Warning)];
        assert_eq!(found.collect::<Vec<_>>(), wanted);
    }
}
