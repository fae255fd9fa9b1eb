use crate::facts::HorizonHolder;
use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{count, whole};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::VACUUM_BLOCKED;

/// Younger ones come and go.
const OLD: i32 = 1_000_000;
/// An age at which autovacuum cannot freeze any more what it should.
const VERY_OLD: i32 = 200_000_000;
/// So many dead rows hurt.
const MANY_DEAD: i64 = 1_000_000;

pub fn judge(health: &Health) -> Judged {
    let holders = health.horizon.seen()?;
    let dead = health.tables.seen()?.iter().map(|table: &Table| table.dead_rows).sum::<i64>();
    let old = holders.iter().filter(|holder| holder.age >= OLD);
    Ok(old.take(1).map(|holder| finding(holder, dead)).collect::<Found>())
}

fn finding(holder: &HorizonHolder, dead: i64) -> Finding {
    let HorizonHolder { kind, name, who, age } = holder;
    let who = who.as_deref().map_or_else(String::new, |who| format!(" ({who})"));
    let message = format!(
        "{kind} {name}{who} keeps VACUUM from removing rows that died in the last {} transactions; this database \
         has {} now",
        whole(i64::from(*age)),
        count(usize::try_from(dead).unwrap_or_default(), "dead row", "dead rows"),
    );
    let severity = match (*age, dead) {
        (VERY_OLD.., _) => Severity::Critical,
        (_, MANY_DEAD..) => Severity::Warning,
        _ => Severity::Info,
    };
    let (help, command) = remedy(kind, name);
    Finding::new(&RULE, None, message)
        .about(&format!("{kind} {name}"))
        .severity(severity)
        .help(help)
        .command(command)
        .evidence("xmin_age", *age)
        .evidence("dead_rows", dead)
}

fn remedy(kind: &str, name: &str) -> (&'static str, String) {
    let text = name.replace('\'', "''");
    match kind {
        "prepared transaction" => (
            "it survives restarts: ask its owner whether to commit it or roll it back",
            format!("ROLLBACK PREPARED '{text}'"),
        ),
        "replication slot" => (
            "if nothing reads the slot any more, drop it",
            format!("SELECT pg_drop_replication_slot('{text}')"),
        ),
        "standby" => (
            "a query on the standby holds it, by hot_standby_feedback: end it there",
            "pgtend activity".to_owned(),
        ),
        _ => (
            "end the transaction, or the session",
            format!("pgtend activity --terminate {name}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    fn held_by(kind: &str, age: i32, dead_rows: i64) -> Vec<Finding> {
        let holder = HorizonHolder {
            kind: kind.to_owned(),
            name: "it's".to_owned(),
            who: None,
            age,
        };
        let health = Health {
            horizon: Known::Known(vec![holder]),
            tables: Known::Known(vec![Table { dead_rows, ..Table::default() }]),
            ..Health::default()
        };
        judge(&health).unwrap().findings
    }

    #[test]
    fn the_oldest_is_named_with_the_way_out() {
        assert_eq!(held_by("session", 5_000, 9), []);
        assert_eq!(held_by("session", 2_000_000, 9)[0].severity, Severity::Info);
        assert_eq!(held_by("session", 2_000_000, 2_000_000)[0].severity, Severity::Warning);
        let slot = &held_by("replication slot", 300_000_000, 0)[0];
        assert_eq!(slot.severity, Severity::Critical);
        assert_eq!(slot.command.as_deref(), Some("SELECT pg_drop_replication_slot('it''s')"));
    }
}
