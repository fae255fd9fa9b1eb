use crate::facts::health::{Health, RoleName};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::MD5_PASSWORD;

pub fn judge(health: &Health) -> Judged {
    Ok(health.security.md5_roles.seen()?.iter().map(finding).collect::<Found>())
}

fn finding(RoleName { role }: &RoleName) -> Finding {
    Finding::new(&RULE, None, "its password is kept as an MD5 hash, with which one can log in")
        .about(role)
        .help(format!(
            "with password_encryption = scram-sha-256, set the password anew (psql: \\password {role}); PostgreSQL will drop MD5"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn each_role_is_told() {
        let of = |roles| {
            let security = Security { md5_roles: Known::Known(roles), ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(Vec::new()), of(vec![RoleName::default()])], [0, 1]);
    }
}
