use crate::facts::health::{Connections, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::CONNECTIONS_EXHAUSTED;

/// Of what ordinary roles may use.
const MANY: f64 = 0.8;
const NEARLY_ALL: f64 = 0.95;

pub fn judge(health: &Health) -> Judged {
    let limits = health.glance.seen()?.iter().map(|glance| glance.connection_limit);
    let used = health.sessions.connections.seen()?;
    let found = limits.zip(used).filter_map(|(limit, used)| {
        let share = used.sessions as f64 / limit as f64;
        (share >= MANY).then(|| finding(used, limit, share))
    });
    Ok(found.collect::<Found>())
}

fn finding(used: &Connections, limit: i64, share: f64) -> Finding {
    let Connections { sessions, idle } = *used;
    let message = format!(
        "{} of {} connections are in use, {} of them idle",
        whole(sessions),
        whole(limit),
        whole(idle),
    );
    Finding::new(&RULE, None, message)
        .about(&"max_connections")
        .severity(if share >= NEARLY_ALL { Severity::Critical } else { Severity::Warning })
        .help("the clients that come when none is left are refused; let a pooler share a few connections among them")
        .command("pgtend activity --all-databases")
        .evidence("sessions", sessions)
        .evidence("idle_sessions", idle)
        .evidence("connection_limit", limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Glance, Sessions};

    #[test]
    fn the_last_connections_are_critical() {
        let of = |sessions| {
            let connections = Known::Known(vec![Connections { sessions, idle: 0 }]);
            let glance = Glance { connection_limit: 100, ..Glance::default() };
            let health = Health {
                glance: Known::Known(vec![glance]),
                sessions: Sessions { connections, ..Sessions::default() },
                ..Health::default()
            };
            judge(&health).unwrap().findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(79), None);
        assert_eq!(of(80), Some(Severity::Warning));
        assert_eq!(of(95), Some(Severity::Critical));
    }
}
