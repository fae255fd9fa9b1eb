//! Connections, transactions and locks of this moment.

use super::judges;
use crate::facts::activity::ActiveSession;

judges! {
    connections_exhausted, role_connection_limit, database_connection_limit, lock_waits,
    idle_in_transaction, long_transaction, forgotten_prepared_transaction, lock_table_full, deadlocks,
    session_churn, many_connections_allowed,
}

/// What it is called in findings: it has no name of its own.
fn object_of(session: &ActiveSession) -> String {
    match &session.gid {
        Some(gid) => format!("prepared transaction {gid}"),
        None => format!("session {}", session.pid),
    }
}

/// Who it is, in parentheses.
fn who(session: &ActiveSession) -> String {
    let known = [&session.application, &session.role, &session.database].into_iter().flatten();
    let words = known.map(String::as_str).collect::<Vec<_>>();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join(", ")),
    }
}
