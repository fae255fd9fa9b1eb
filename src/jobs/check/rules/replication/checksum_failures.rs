use crate::facts::health::{Database, Health};
use crate::findings::{Finding, Rule};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged, since_reset};

pub const RULE: Rule = Rule::CHECKSUM_FAILURES;

pub fn judge(health: &Health) -> Judged {
    let databases = health.databases.seen()?.iter();
    let found = databases.filter_map(|database| {
        let failures = database.checksum_failures.filter(|failures| *failures > 0)?;
        Some(finding(database, failures))
    });
    Ok(found.collect::<Found>())
}

fn finding(database: &Database, failures: i64) -> Finding {
    let pages = count(usize::try_from(failures).unwrap_or(usize::MAX), "page", "pages");
    let message =
        format!("{pages} had a wrong checksum when read {}", since_reset(database.reset_seconds));
    Finding::new(&RULE, None, message)
        .about(&database.name)
        .help("a disk, a controller or memory damages data; the server log names the files. Keep the last good backup")
        .command("pg_amcheck --all")
        .evidence("checksum_failures", failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn one_is_too_many() {
        let of = |checksum_failures| {
            let database = Database { checksum_failures, ..Database::default() };
            let databases = Known::Known(vec![database]);
            judge(&Health { databases, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(None), of(Some(0)), of(Some(1))], [0, 0, 1]);
    }
}
