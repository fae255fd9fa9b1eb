use crate::facts::health::{Health, RoleName};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::SUPERUSER_LOGIN;

pub fn judge(health: &Health) -> Judged {
    Ok(health.security.superusers.seen()?.iter().map(finding).collect::<Found>())
}

fn finding(RoleName { role }: &RoleName) -> Finding {
    Finding::new(&RULE, None, "the role is a superuser and may log in")
        .about(role)
        .help("no privilege binds it, and it runs programs on the machine; for most work pg_monitor, pg_maintain or ownership is enough")
        .command(format!("ALTER ROLE {role} NOSUPERUSER"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn each_role_is_told() {
        let of = |roles| {
            let security = Security { superusers: Known::Known(roles), ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(Vec::new()), of(vec![RoleName::default()])], [0, 1]);
    }
}
