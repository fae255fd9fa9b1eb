use crate::facts::health::{Health, RoleConnections};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::ROLE_CONNECTION_LIMIT;

/// Who may have fewer is meant to use all of them.
const LEAST_LIMIT: i32 = 5;
const MANY: f64 = 0.8;

pub fn judge(health: &Health) -> Judged {
    let roles = health.sessions.roles.seen()?.iter();
    let near = roles.filter(|role| is_near(role.sessions, role.connection_limit));
    Ok(near.map(finding).collect::<Found>())
}

/// Whether the limit is one that is reached by growing, and is not far.
pub fn is_near(sessions: i64, limit: i32) -> bool {
    limit >= LEAST_LIMIT && sessions as f64 >= MANY * f64::from(limit)
}

fn finding(
    RoleConnections { role, connection_limit: limit, sessions }: &RoleConnections,
) -> Finding {
    let is_over = *sessions >= i64::from(*limit);
    let message =
        format!("the role has {} of the {limit} connections that it may have", whole(*sessions));
    Finding::new(&RULE, None, message)
        .about(role)
        .severity(if is_over { Severity::Critical } else { Severity::Warning })
        .help("more are refused; see what its sessions do before you raise the limit")
        .command(format!("ALTER ROLE {role} CONNECTION LIMIT {}", limit.saturating_mul(2)))
        .evidence("sessions", *sessions)
        .evidence("connection_limit", *limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Sessions;

    #[test]
    fn a_limit_of_a_few_is_meant_to_be_reached() {
        let of = |sessions, connection_limit| {
            let role = RoleConnections { role: "app".to_owned(), connection_limit, sessions };
            let health = Health {
                sessions: Sessions { roles: Known::Known(vec![role]), ..Sessions::default() },
                ..Health::default()
            };
            judge(&health).unwrap().findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(1, 1), None);
        assert_eq!(of(7, 10), None);
        assert_eq!(of(8, 10), Some(Severity::Warning));
        assert_eq!(of(10, 10), Some(Severity::Critical));
    }
}
