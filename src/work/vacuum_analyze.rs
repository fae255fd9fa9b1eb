//! One VACUUM or ANALYZE, of whichever job. A table that it passes over is only a WARNING of a statement
//! that succeeds, so the warnings tell how it ended.

use std::time::Duration;

use super::event::{Event, StepIndex};
use super::reason::Reason;
use super::send::send;
use super::{Execution, Interruption, send, warnings};
use crate::pg::server_error::{INSUFFICIENT_PRIVILEGE, LOCK_NOT_AVAILABLE, ServerError};
use crate::pg::session::{Notice, Session};

/// How it ended.
pub struct VacuumAnalyze {
    pub ended: MaintenanceEnd,
    /// Pages that were read, by the server's own words; `None` where they are not understood.
    pub pages_scanned: Option<i64>,
}

/// The ends that it can have.
pub enum MaintenanceEnd {
    /// It succeeded, without a warning that it passed over anything.
    Done,
    /// It succeeded, and passed over what somebody has locked.
    Locked(Vec<Notice>),
    /// It succeeded, and passed over what it may not or cannot do.
    PassedOver(Vec<Notice>),
    /// The server refused, or the connection broke.
    Failed(ServerError),
    /// A signal came, or its time was up.
    Interrupted(Interruption),
    /// We stopped it for this reason.
    Stopped(Reason),
}

/// Sends the statement and awaits its end. What the server says besides is told.
pub async fn run(
    execution: &Execution<'_>,
    at: StepIndex,
    session: &Session,
    sql: &str,
    waited: &mut Duration,
) -> VacuumAnalyze {
    let ended = send(execution, at, session, sql, waited).await;
    let (warnings, others) = warnings::take(session);
    let scanned = others.iter().filter_map(|notice| pages_scanned(&notice.message));
    let pages_scanned = scanned.reduce(|all, more| all + more);
    warnings::tell(execution, at, others);
    let ended = match ended {
        send::StatementEnding::Done if warnings.iter().any(is_about_a_lock) => {
            MaintenanceEnd::Locked(warnings)
        }
        send::StatementEnding::Done if warnings.iter().any(is_passed_over) => {
            MaintenanceEnd::PassedOver(warnings)
        }
        ended => {
            for warning in warnings {
                execution.events.emit(Event::Warned(at, warning.message));
            }
            match ended {
                send::StatementEnding::Done => MaintenanceEnd::Done,
                send::StatementEnding::Failed(error) => MaintenanceEnd::Failed(error),
                send::StatementEnding::Interrupted(why) => MaintenanceEnd::Interrupted(why),
                send::StatementEnding::Stopped(why) => MaintenanceEnd::Stopped(why),
            }
        }
    };
    VacuumAnalyze { ended, pages_scanned }
}

fn is_about_a_lock(warning: &Notice) -> bool {
    warning.sqlstate == LOCK_NOT_AVAILABLE
}

fn is_passed_over(warning: &Notice) -> bool {
    warning.sqlstate == INSUFFICIENT_PRIVILEGE
        || warning.message.starts_with("skipping ")
        || warning.message.contains("can vacuum it")
        || warning.message.contains("can analyze it")
}

/// What VERBOSE says of the pages that were read: up to 14 and of ANALYZE `… 12 out of 40 pages`, from
/// 15 on `pages: 0 removed, 40 remain, 12 scanned (30.00% of total)`. Only English is understood.
fn pages_scanned(message: &str) -> Option<i64> {
    let before = match message.lines().find_map(|line| line.strip_prefix("pages: ")) {
        Some(pages) => pages.split_once(" scanned")?.0,
        None if message.contains(": found ") => message.split_once(" out of ")?.0,
        None => message.split_once("\": scanned ")?.1.split_once(" of ")?.0,
    };
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_tell_how_many_pages_were_read() {
        let read = |message: &str| pages_scanned(message);
        let modern = "finished vacuuming \"a.b.c\": index scans: 0\n\
            pages: 0 removed, 40 remain, 12 scanned (30.00% of total), 0 eagerly scanned\n\
            tuples: 3 removed, 5 remain";
        assert_eq!(read(modern), Some(12));
        let older =
            "table \"c\": found 3 removable, 5 nonremovable row versions in 12 out of 40 pages";
        assert_eq!(read(older), Some(12));
        let analyze = "\"c\": scanned 12 of 40 pages, containing 5 live rows and 3 dead rows";
        assert_eq!(read(analyze), Some(12));
        for other in ["vacuuming \"a.b.c\"", "analyzing \"a.c\"", "Seiten: 1 gelesen", ""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
