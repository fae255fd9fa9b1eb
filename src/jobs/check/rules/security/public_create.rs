use crate::facts::health::{Health, PublicSchema};
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::PUBLIC_CREATE;

pub fn judge(health: &Health) -> Judged {
    let schema = health.security.public_schema.seen()?.iter();
    Ok(schema.filter(|schema| schema.is_open).map(finding).collect::<Found>())
}

fn finding(PublicSchema { logins, .. }: &PublicSchema) -> Finding {
    let who = match logins {
        0 => "no role but superusers may log in here now".to_owned(),
        _ => {
            let roles = usize::try_from(*logins).unwrap_or_default();
            format!("{} that may log in here are no superusers", count(roles, "role", "roles"))
        }
    };
    Finding::new(&RULE, None, format!("everybody may create objects in it; {who}"))
        .about(&"public")
        .severity(if *logins > 0 { Severity::Critical } else { Severity::Info })
        .help("a function or operator that lies there is taken for the server's own, and runs with the rights of who calls it")
        .command("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        .evidence("login_roles", *logins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn it_hurts_where_others_log_in() {
        let of = |is_open, logins| {
            let public_schema = Known::Known(vec![PublicSchema { is_open, logins }]);
            let security = Security { public_schema, ..Security::default() };
            let found = judge(&Health { security, ..Health::default() }).unwrap();
            found.findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(false, 5), None);
        assert_eq!(of(true, 0), Some(Severity::Info));
        assert_eq!(of(true, 5), Some(Severity::Critical));
    }
}
