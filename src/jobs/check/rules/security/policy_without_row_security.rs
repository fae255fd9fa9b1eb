use crate::facts::health::{Health, RowSecurity};
use crate::findings::{Finding, Rule};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::POLICY_WITHOUT_ROW_SECURITY;

pub fn judge(health: &Health) -> Judged {
    let tables = health.security.row_security.seen()?.iter();
    let open = tables.filter(|table| !table.is_enabled && table.policies > 0);
    Ok(open.map(finding).collect::<Found>())
}

fn finding(RowSecurity { object, policies, .. }: &RowSecurity) -> Finding {
    let policies = count(usize::try_from(*policies).unwrap_or_default(), "policy", "policies");
    Finding::new(
        &RULE,
        None,
        format!("the table has {policies}, and row security is off: they do nothing"),
    )
    .about(object)
    .help("everybody who may read the table sees all rows")
    .command(format!("ALTER TABLE {object} ENABLE ROW LEVEL SECURITY"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn policies_want_row_security() {
        let of = |is_enabled, policies| {
            let table = RowSecurity { is_enabled, policies, ..RowSecurity::default() };
            let row_security = Known::Known(vec![table]);
            let security = Security { row_security, ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(true, 0), of(true, 1), of(false, 1)], [0, 0, 1]);
    }
}
