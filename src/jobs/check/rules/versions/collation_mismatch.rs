use crate::facts::health::{Collation, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged};
use crate::pg::name::quote_ident;

pub const RULE: Rule = Rule::COLLATION_MISMATCH;

pub fn judge(health: &Health) -> Judged {
    let collations = health.versions.collations.seen()?.iter();
    Ok(collations.filter_map(finding).collect::<Found>())
}

fn finding(collation: &Collation) -> Option<Finding> {
    let Collation { object, is_database, indexes, .. } = collation;
    let (recorded, actual) = collation.mismatch()?;
    let relying =
        count(usize::try_from(*indexes).unwrap_or_default(), "index relies", "indexes rely");
    let message = format!(
        "the system sorts by version {actual} of the collation, and {recorded} was recorded; {relying} on the order"
    );
    let refresh = refresh(collation);
    let what = if *is_database { "database" } else { "collation" };
    let found = Finding::new(&RULE, None, message)
        .about(object)
        .evidence("recorded_version", collation.recorded.as_deref())
        .evidence("actual_version", actual)
        .evidence("indexes", *indexes);
    Some(match *indexes {
        0 => found.severity(Severity::Info).help(format!("no index of the {what} relies on it")).command(refresh),
        _ => found
            .help(format!("searches may miss rows, and unique indexes take a value twice: rebuild first, then {refresh}"))
            .command("pgtend reindex --suspect"),
    })
}

/// What says that the indexes are in order. Where no version was recorded, REFRESH refuses to record one.
fn refresh(Collation { object, is_database, recorded, .. }: &Collation) -> String {
    match (is_database, recorded) {
        (false, _) => format!("ALTER COLLATION {object} REFRESH VERSION"),
        (true, Some(_)) => {
            format!("ALTER DATABASE {} REFRESH COLLATION VERSION", quote_ident(object))
        }
        (true, None) => {
            "UPDATE pg_database SET datcollversion = pg_database_collation_actual_version(oid) \
             WHERE datname = current_database()"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_not_known_are_no_mismatch() {
        let of = |recorded: Option<&str>, actual: Option<&str>, indexes| {
            let collation = Collation {
                object: "shop".to_owned(),
                is_database: true,
                recorded: recorded.map(str::to_owned),
                actual: actual.map(str::to_owned),
                indexes,
            };
            finding(&collation)
        };
        assert_eq!(of(Some("2.36"), None, 5), None);
        assert_eq!(of(Some("2.36"), Some("2.36"), 5), None);
        let without = of(Some("2.31"), Some("2.36"), 0).unwrap();
        assert_eq!(without.severity, Severity::Info);
        let found = of(Some("2.31"), Some("2.36"), 5).unwrap();
        assert_eq!(found.severity, Severity::Critical);
        assert_eq!(found.command.as_deref(), Some("pgtend reindex --suspect"));
        let moved = of(None, Some("2.36"), 5).unwrap();
        assert_eq!(
            moved.message,
            "the system sorts by version 2.36 of the collation, and none was recorded; 5 indexes rely on the order"
        );
        assert_eq!(of(None, None, 5), None);
    }
}
