use crate::facts::health::{Database, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, whole};
use crate::jobs::check::rules::versions::running;
use crate::jobs::check::rules::{Found, Judged, NotJudged};
use crate::shell::{pgtend, shell};

pub const RULE: Rule = Rule::MULTIXACT_MEMBERS;

/// Of a file: 32 pages of 409 groups of 4.
const IN_A_FILE: f64 = 52_352.0;
const FILE_BYTES: i64 = 32 * 8192;
/// Their numbers have 32 bits.
const LIMIT: f64 = 4_294_967_296.0;
/// From here on autovacuum freezes multixacts earlier than the settings say.
const HALF: f64 = 0.5;
/// From here on it freezes all that it can.
const MOST: f64 = 0.75;
/// From here on their numbers have 64 bits.
const WITHOUT_LIMIT: u32 = 19;
/// So few cannot have so many members: two thousand transactions would have to lock each row at a time.
const FEW: i32 = 1_000_000;

pub fn judge(health: &Health) -> Judged {
    if running(health)?.major() >= WITHOUT_LIMIT {
        return Err(NotJudged::Skipped("from PostgreSQL 19 on they do not run out"));
    }
    let oldest = health.databases.seen()?.iter().max_by_key(|database| database.mxid_age);
    let files = match health.files.multixacts.seen() {
        Ok(files) => files.first().map_or(0, |it| it.files),
        Err(_) if oldest.is_some_and(|it| it.mxid_age < FEW) => 0,
        Err(why) => return Err(why.into()),
    };
    let found = (files as f64 * IN_A_FILE >= HALF * LIMIT).then(|| finding(files, oldest, health));
    Ok(found.into_iter().collect::<Found>())
}

fn finding(files: i64, oldest: Option<&Database>, health: &Health) -> Finding {
    let members = files as f64 * IN_A_FILE;
    let share = members / LIMIT;
    let message = format!(
        "the multixacts have {} members of 4,294,967,296 that there can be ({:.0} %), in {}",
        whole(members as i64),
        share * 100.0,
        bytes(files * FILE_BYTES),
    );
    Finding::new(&RULE, None, message)
        .about(&"pg_multixact/members")
        .severity(if share >= MOST { Severity::Critical } else { Severity::Warning })
        .help(
            "many sessions lock the same rows at a time, by foreign keys or SELECT … FOR SHARE; at the limit the server \
             refuses such locks. They go when all databases have frozen their old multixacts",
        )
        .command(command(oldest, health))
        .evidence("files", files)
        .evidence("members", members)
}

/// Freezes what holds the oldest.
fn command(oldest: Option<&Database>, health: &Health) -> String {
    let tables = health.tables.known().into_iter().flatten();
    let table = tables.max_by_key(|table| table.mxid_age);
    match (oldest, table) {
        (Some(Database { is_current: false, name, .. }), _) => {
            format!("vacuumdb --freeze {}", shell(name))
        }
        (_, Some(table)) => pgtend("vacuum --freeze", table.known_as()),
        (_, None) => "pgtend vacuum --freeze --all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::{Files, MultixactFiles, settings};
    use crate::facts::{Known, Unavailable};

    fn judged(version: &str, mxid_age: i32, multixacts: Known<Vec<MultixactFiles>>) -> Judged {
        judge(&Health {
            settings: settings(&[("server_version_num", version)]),
            databases: Known::Known(vec![Database { mxid_age, ..Database::default() }]),
            files: Files { multixacts, ..Files::default() },
            ..Health::default()
        })
    }

    #[test]
    fn half_of_the_members_is_much() {
        let severity = |files| {
            let multixacts = Known::Known(vec![MultixactFiles { files }]);
            let found = judged("150018", 9, multixacts).unwrap().findings;
            found.first().map(|it| it.severity)
        };
        assert_eq!(severity(40_000), None);
        assert_eq!(severity(42_000), Some(Severity::Warning));
        assert_eq!(severity(62_000), Some(Severity::Critical));
    }

    #[test]
    fn what_could_be_many_and_is_not_seen_is_unknown() {
        let hidden = || Unavailable::because("it is a test").into();
        assert_eq!(judged("150018", 5_000, hidden()).map(|it| it.findings.len()), Ok(0));
        assert!(matches!(judged("150018", 5_000_000, hidden()), Err(NotJudged::Unknown(_))));
        assert!(matches!(judged("190000", 5_000_000, hidden()), Err(NotJudged::Skipped(_))));
    }
}
