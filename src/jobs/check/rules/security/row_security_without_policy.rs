use crate::facts::health::{Health, RowSecurity};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::ROW_SECURITY_WITHOUT_POLICY;

pub fn judge(health: &Health) -> Judged {
    let tables = health.security.row_security.seen()?.iter();
    let closed = tables.filter(|table| table.is_enabled && table.policies == 0);
    Ok(closed.map(finding).collect::<Found>())
}

fn finding(RowSecurity { object, .. }: &RowSecurity) -> Finding {
    Finding::new(
        &RULE,
        None,
        "row security is on and there is no policy: only its owner sees rows",
    )
    .about(object)
    .help(
        "if that is meant, revoke the privileges instead; else a policy is missing (CREATE POLICY)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn a_policy_is_enough() {
        let of = |is_enabled, policies| {
            let table = RowSecurity { is_enabled, policies, ..RowSecurity::default() };
            let row_security = Known::Known(vec![table]);
            let security = Security { row_security, ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(true, 0), of(true, 1), of(false, 1)], [1, 0, 0]);
    }
}
