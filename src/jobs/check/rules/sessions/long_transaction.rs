use super::{object_of, who};
use crate::facts::activity::ActiveSession;
use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged, span};

pub const RULE: Rule = Rule::LONG_TRANSACTION;

const LONG_SECONDS: f64 = 3600.0;
const VERY_LONG_SECONDS: f64 = 86_400.0;

pub fn judge(health: &Health) -> Judged {
    let sessions = health.sessions.activity.seen()?.sessions.iter();
    Ok(sessions.filter_map(finding).collect::<Found>())
}

/// What is idle in its transaction has a rule of its own.
fn finding(session: &ActiveSession) -> Option<Finding> {
    let is_client = session.backend_type.as_deref() == Some("client backend");
    let is_idle = session.state.as_deref().is_some_and(|state| state.starts_with("idle"));
    let open = session.transaction_seconds.filter(|open| *open >= LONG_SECONDS)?;
    if !is_client || is_idle {
        return None;
    }
    let finding = Finding::new(
        &RULE,
        None,
        format!("its transaction has been open for {}{}", span(open), who(session)),
    )
    .about(&object_of(session))
    .severity(if open >= VERY_LONG_SECONDS { Severity::Warning } else { Severity::Info })
    .help("rows that have died since stay in every table until it ends; a dump or a report may be worth that")
    .command("pgtend activity --all-databases")
    .evidence("transaction_seconds", open)
    .evidence("statement_seconds", session.statement_seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_long() {
        let of = |backend_type: &str, state: &str, seconds| {
            let session = ActiveSession {
                backend_type: Some(backend_type.to_owned()),
                state: Some(state.to_owned()),
                transaction_seconds: Some(seconds),
                ..ActiveSession::default()
            };
            finding(&session).map(|finding| finding.severity)
        };
        assert_eq!(of("client backend", "active", 60.0), None);
        assert_eq!(of("client backend", "active", 7200.0), Some(Severity::Info));
        assert_eq!(of("client backend", "active", 1e6), Some(Severity::Warning));
        assert_eq!(of("client backend", "idle in transaction", 1e6), None);
        assert_eq!(of("autovacuum worker", "active", 1e6), None);
    }
}
