use crate::facts::health::{Archiver, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, NotJudged, span};

pub const RULE: Rule = Rule::ARCHIVER_FAILING;

/// WAL of more than so long waits to be archived.
const LONG_SECONDS: f64 = 3600.0;

pub fn judge(health: &Health) -> Judged {
    let mode = health.settings.seen()?.seen("archive_mode")?.value.as_deref().unwrap_or("off");
    let archiver = health.replication.archiver.seen()?;
    if mode == "off" {
        return Err(NotJudged::Skipped("archive_mode is off"));
    }
    Ok(archiver.iter().filter_map(finding).collect::<Found>())
}

/// The last attempt has failed.
fn finding(archiver: &Archiver) -> Option<Finding> {
    let Archiver { failures, archived_seconds, failed_seconds } = archiver;
    let failed =
        failed_seconds.filter(|failed| archived_seconds.is_none_or(|last| last > *failed))?;
    let since = match archived_seconds {
        Some(last) => format!("the last WAL file was archived {} ago", span(*last)),
        None => "no WAL file has been archived since the last reset".to_owned(),
    };
    let message = format!(
        "archiving failed {} ago, {} times in all; {since}",
        span(failed),
        whole(*failures)
    );
    let is_long = archived_seconds.is_none_or(|last| last > LONG_SECONDS);
    let finding = Finding::new(&RULE, None, message)
        .about(&"archive_command")
        .severity(if is_long { Severity::Critical } else { Severity::Warning })
        .help(
            "WAL is kept until it is archived, so the disk fills up, and the backup ends at the last file; the server \
             log says why it fails",
        )
        .evidence("failures", *failures)
        .evidence("failed_seconds_ago", failed)
        .evidence("archived_seconds_ago", *archived_seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_was_overcome_is_none() {
        let of = |archived_seconds, failed_seconds| {
            let archiver = Archiver { failures: 9, archived_seconds, failed_seconds };
            finding(&archiver).map(|finding| finding.severity)
        };
        assert_eq!(of(Some(9.0), None), None);
        assert_eq!(of(Some(9.0), Some(60.0)), None);
        assert_eq!(of(Some(600.0), Some(60.0)), Some(Severity::Warning));
        assert_eq!(of(Some(86_400.0), Some(60.0)), Some(Severity::Critical));
        assert_eq!(of(None, Some(60.0)), Some(Severity::Critical));
    }
}
