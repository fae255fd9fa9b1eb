//! What ending a statement or a session means, before it is done. Pure: facts in, verdict out.

use crate::facts::activity::ActiveSession;
use crate::facts::at_stake::AtStake;
use crate::format;
use crate::work::reason::reasons;

/// What is to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// The statement that a session runs.
    Cancel,
    /// The session.
    Terminate,
}

/// Whether what is better left alone is ended, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    Used,
    NotUsed,
}

reasons! {
    /// Why `activity` ends or leaves a session.
    Why {
        Ended => Ended, "ended";
        Unseen => Unverified, "the signal was sent; this role may not see whether the statement has ended";
        Declined => Declined, "left as it is";
        Gone { pid: i32 } => NoSession, "the server has no session with pid {pid}";
        EndedMeanwhile => EndedMeanwhile, "it had ended before the signal was sent";
        Itself => OwnSession, "it is the session that pgtend asks with";
        ServersOwn { kind: String } => ServersOwn,
            "it is the server's own ({kind}); --force signals it all the same";
        ServersProcess { kind: String } => ServersOwn,
            "it is a process that the server needs ({kind}); nothing but the server ends it";
        Worker => ServersOwn, "it is a parallel worker; name the session that it works for";
        Pgtends { application: String } => PgtendsOwn,
            "it is {application}, which cleans up by itself on Ctrl-C or SIGTERM; --force signals its \
             server process all the same";
        Idle { pid: i32 } => Idle,
            "it runs no statement that could be cancelled; --terminate {pid} ends the session";
        Prepared { gid: String } => Prepared,
            "the prepared transaction {gid} has no session; ROLLBACK PREPARED or COMMIT PREPARED ends it";
        NotAllowed { error: String } => NotAllowed,
            "{error}; GRANT pg_signal_backend lets a role end sessions of others that are no superusers";
        StillThere { seconds: u64 } => StillThere,
            "the signal was sent {seconds} s ago, and it has not ended yet";
        Failed { error: String } => Failed, "{error}";
    }
}

impl Hand {
    /// In JSON documents.
    pub fn action(self) -> &'static str {
        match self {
            Hand::Cancel => "cancel_statement",
            Hand::Terminate => "end_session",
        }
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Hand::Cancel => "cancel statement",
            Hand::Terminate => "end session",
        }
    }
}

/// Why the session is not to be touched; `None`: it may be.
pub fn refusal(hand: Hand, it: &AtStake, force: Force) -> Option<Why> {
    if it.is_ours {
        return Some(Why::Itself);
    }
    let kind = it.backend_type.clone().unwrap_or_else(|| "a background process".to_owned());
    match kind.as_str() {
        "client backend" => {}
        "parallel worker" => return Some(Why::Worker),
        "autovacuum worker"
        | "walsender"
        | "logical replication worker"
        | "logical replication apply worker"
        | "logical replication tablesync worker"
        | "logical replication parallel worker" => {
            if force == Force::NotUsed {
                return Some(Why::ServersOwn { kind });
            }
        }
        // The server may not tell a role what another one's session is.
        "a background process" if it.is_hidden && it.role.is_some() => {}
        _ => return Some(Why::ServersProcess { kind }),
    }
    let application = it.application.as_deref().unwrap_or_default();
    if application.starts_with("pgtend/") && force == Force::NotUsed {
        return Some(Why::Pgtends { application: application.to_owned() });
    }
    let is_idle = it.state.as_deref().is_some_and(|state| state.starts_with("idle"));
    (hand == Hand::Cancel && is_idle).then_some(Why::Idle { pid: it.pid })
}

/// In words what is lost.
pub fn lost(hand: Hand, it: &AtStake) -> Vec<String> {
    let mut words = Vec::new();
    let span = |seconds: Option<f64>| seconds.and_then(format::seconds).map(format::duration);
    if it.is_hidden {
        words.push("what it does is not known (pg_read_all_stats shows it)".to_owned());
    }
    if let Some(time) = span(it.statement_seconds) {
        words.push(format!("the work of its statement, {time}"));
        words.extend(left_behind(it.query.as_deref().unwrap_or_default()));
    }
    if let Some(time) = span(it.transaction_seconds) {
        words.push(match (it.has_written, it.written.is_empty()) {
            (false, _) => format!("its transaction, open for {time}, which has written nothing"),
            (true, true) => format!("its transaction, open for {time}, with what it has written"),
            (true, false) => format!(
                "its transaction, open for {time}, with what it has written ({})",
                it.written.join(", ")
            ),
        });
    }
    if hand == Hand::Terminate {
        words.push("its connection, with temporary tables and session locks".to_owned());
    }
    words
}

/// What a statement leaves that is cancelled in the middle.
fn left_behind(query: &str) -> Option<String> {
    let upper = query.to_uppercase();
    let words = upper.split_whitespace().take(8).collect::<Vec<_>>();
    let is_concurrent =
        words.iter().any(|word| word.trim_matches(['(', ')', ',']) == "CONCURRENTLY");
    match words.first().copied()? {
        "CREATE" | "REINDEX" if is_concurrent => {
            Some("an invalid index is left behind (pgtend reindex rebuilds it)".to_owned())
        }
        _ => None,
    }
}

/// Those that hold a session up, directly or not, and wait for nobody themselves: pids, and prepared
/// transactions by name.
pub fn blockers_of(pid: i32, sessions: &[ActiveSession]) -> (Vec<i32>, Vec<String>) {
    let (mut pids, mut gids) = (Vec::new(), Vec::new());
    let (mut open, mut seen) = (vec![pid], vec![pid]);
    while let Some(next) = open.pop() {
        let Some(session) = sessions.iter().find(|session| session.pid == next) else {
            // A session that nothing is known of waits for nobody.
            if next != pid {
                pids.push(next);
            }
            continue;
        };
        gids.extend(session.blocked_by_gids.iter().cloned());
        let above = session.blocked_by.iter().copied().filter(|pid| *pid != 0).collect::<Vec<_>>();
        if above.is_empty() && session.blocked_by_gids.is_empty() && next != pid {
            pids.push(next);
        }
        for blocker in above {
            if !seen.contains(&blocker) {
                seen.push(blocker);
                open.push(blocker);
            }
        }
    }
    pids.sort_unstable();
    gids.sort();
    gids.dedup();
    (pids, gids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> AtStake {
        AtStake {
            pid: 7,
            backend_type: Some("client backend".to_owned()),
            state: Some("active".to_owned()),
            ..AtStake::default()
        }
    }

    #[test]
    fn what_is_the_servers_or_pgtends_takes_a_word() {
        let code =
            |it: &AtStake, force| refusal(Hand::Terminate, it, force).map(|why| why.code().name());
        assert_eq!(code(&client(), Force::NotUsed), None);
        let of = |kind: &str| AtStake { backend_type: Some(kind.to_owned()), ..client() };
        assert_eq!(code(&of("autovacuum worker"), Force::NotUsed), Some("servers-own"));
        assert_eq!(code(&of("autovacuum worker"), Force::Used), None);
        assert_eq!(code(&of("checkpointer"), Force::Used), Some("servers-own"));
        assert_eq!(code(&of("parallel worker"), Force::Used), Some("servers-own"));
        let build = AtStake { application: Some("pgtend/apply".to_owned()), ..client() };
        assert_eq!(code(&build, Force::NotUsed), Some("pgtends-own"));
        assert_eq!(code(&build, Force::Used), None);
        assert_eq!(code(&AtStake { is_ours: true, ..client() }, Force::Used), Some("own-session"));
    }

    #[test]
    fn nothing_is_to_be_cancelled_where_nothing_runs() {
        let idle = AtStake { state: Some("idle in transaction".to_owned()), ..client() };
        assert_eq!(refusal(Hand::Cancel, &idle, Force::Used), Some(Why::Idle { pid: 7 }));
        assert_eq!(refusal(Hand::Terminate, &idle, Force::NotUsed), None);
    }

    #[test]
    fn what_is_lost_is_said() {
        let build = AtStake {
            query: Some("create index concurrently a on t (b)".to_owned()),
            statement_seconds: Some(90.0),
            ..client()
        };
        let wanted = [
            "the work of its statement, 1 min 30 s",
            "an invalid index is left behind (pgtend reindex rebuilds it)",
        ];
        assert_eq!(lost(Hand::Cancel, &build), wanted);
        let writer = AtStake {
            transaction_seconds: Some(2.0),
            has_written: true,
            written: vec!["public.t".to_owned()],
            ..client()
        };
        let wanted = [
            "its transaction, open for 2.0 s, with what it has written (public.t)",
            "its connection, with temporary tables and session locks",
        ];
        assert_eq!(lost(Hand::Terminate, &writer), wanted);
    }

    #[test]
    fn the_first_of_a_queue_are_the_blockers() {
        let waits = |pid, blocked_by: &[i32], gids: &[&str]| ActiveSession {
            pid,
            blocked_by: blocked_by.to_vec(),
            blocked_by_gids: gids.iter().map(ToString::to_string).collect(),
            ..ActiveSession::default()
        };
        let sessions = [
            waits(4, &[3, 1], &[]),
            waits(3, &[2, 0], &["order"]),
            waits(2, &[], &[]),
            waits(5, &[4], &[]),
        ];
        assert_eq!(blockers_of(4, &sessions), (vec![1, 2], vec!["order".to_owned()]));
        assert_eq!(blockers_of(2, &sessions), (vec![], vec![]));
        let circle = [waits(1, &[2], &[]), waits(2, &[1], &[])];
        assert_eq!(blockers_of(1, &circle), (vec![], vec![]));
    }
}
