use super::role_connection_limit::is_near;
use crate::facts::health::{Database, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::pg::name::quote_ident;

pub const RULE: Rule = Rule::DATABASE_CONNECTION_LIMIT;

pub fn judge(health: &Health) -> Judged {
    let databases = health.databases.seen()?.iter();
    let near = databases.filter(|it| is_near(i64::from(it.sessions), it.connection_limit));
    Ok(near.map(finding).collect::<Found>())
}

fn finding(database: &Database) -> Finding {
    let Database { name, sessions, connection_limit: limit, .. } = database;
    let message =
        format!("the database has {sessions} of the {limit} connections that it may have");
    Finding::new(&RULE, None, message)
        .about(name)
        .severity(if sessions >= limit {
            Severity::Critical
        } else {
            Severity::Warning
        })
        .help("more are refused; see what its sessions do before you raise the limit")
        .command(format!(
            "ALTER DATABASE {} CONNECTION LIMIT {}",
            quote_ident(name),
            limit.saturating_mul(2)
        ))
        .evidence("sessions", *sessions)
        .evidence("connection_limit", *limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn without_a_limit_there_is_none_to_reach() {
        let of = |sessions, connection_limit| {
            let database = Database { sessions, connection_limit, ..Database::default() };
            let databases = Known::Known(vec![database]);
            let found = judge(&Health { databases, ..Health::default() }).unwrap();
            found.findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(50, -1), None);
        assert_eq!(of(17, 20), Some(Severity::Warning));
        assert_eq!(of(20, 20), Some(Severity::Critical));
    }
}
