use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Judged, NotJudged};

pub const RULE: Rule = Rule::SYNC_STANDBY_MISSING;

/// With these values of `synchronous_commit` a commit waits for no standby.
const WAITS_FOR_NONE: [&str; 2] = ["off", "local"];

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    if health.is_standby()? {
        return Err(NotJudged::Skipped("the server is a standby"));
    }
    let value_of = |name| settings.get(name).and_then(|setting| setting.value.as_deref());
    let names = value_of("synchronous_standby_names").unwrap_or_default();
    let wanted = wanted(names);
    if wanted == 0 {
        return Ok(Vec::new().into());
    }
    let standbys = health.replication.standbys.seen()?;
    let there = standbys.iter().filter(|it| it.is_streaming && it.is_synchronous).count();
    if there >= wanted {
        return Ok(Vec::new().into());
    }
    let commit = value_of("synchronous_commit").unwrap_or("on");
    let is_hanging = !WAITS_FOR_NONE.contains(&commit);
    let message = format!(
        "commits are to wait for {}, and {there} {} attached",
        count(wanted, "synchronous standby", "synchronous standbys"),
        if there == 1 { "is" } else { "are" },
    );
    let help = match is_hanging {
        true => "every write hangs until one is back; without the setting commits wait for none",
        false => "by synchronous_commit most commits wait for none; those that ask for it hang",
    };
    let found = Finding::new(&RULE, None, message)
        .about(&"synchronous_standby_names")
        .severity(if is_hanging {
            Severity::Critical
        } else {
            Severity::Warning
        })
        .help(help)
        .command("ALTER SYSTEM SET synchronous_standby_names = ''")
        .evidence("wanted_standbys", wanted)
        .evidence("synchronous_standbys", there);
    Ok(vec![found].into())
}

/// For how many a commit waits: `FIRST 2 (a, b)`, `ANY 1 (*)`, `2 (a, b)`, or a list, which is for one.
fn wanted(names: &str) -> usize {
    let before = names.split('(').next().unwrap_or_default().trim();
    if names.trim().is_empty() {
        return 0;
    }
    match names.contains('(') {
        true => before
            .rsplit(char::is_whitespace)
            .next()
            .and_then(|it| it.parse().ok())
            .unwrap_or(1),
        false => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Replication, Standby, settings};

    fn of(names: &str, commit: &str, is_synchronous: bool) -> Option<Severity> {
        let standby = Standby { is_streaming: true, is_synchronous, ..Standby::default() };
        let replication = Replication {
            standbys: Known::Known(vec![standby]),
            ..Replication::default()
        };
        let settings =
            settings(&[("synchronous_standby_names", names), ("synchronous_commit", commit)]);
        let health = Health { settings, replication, ..Health::default() };
        judge(&health).unwrap().findings.first().map(|finding| finding.severity)
    }

    #[test]
    fn commits_hang_without_their_standbys() {
        assert_eq!(of("", "on", false), None);
        assert_eq!(of("paris, rome", "on", true), None);
        assert_eq!(of("paris, rome", "on", false), Some(Severity::Critical));
        assert_eq!(of("paris", "local", false), Some(Severity::Warning));
        assert_eq!(of("ANY 2 (paris, rome)", "on", true), Some(Severity::Critical));
    }

    #[test]
    fn the_number_stands_before_the_list() {
        let texts = ["a", "*", "FIRST 2 (a, b)", "any 3(a,b,c)", "2 (a, b)", " "];
        assert_eq!(texts.map(wanted), [1, 1, 2, 3, 2, 0]);
    }
}
