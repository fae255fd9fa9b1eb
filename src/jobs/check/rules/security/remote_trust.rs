use crate::facts::health::{HbaRule, Health};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::REMOTE_TRUST;

pub fn judge(health: &Health) -> Judged {
    let rules = health.security.hba_rules.seen()?.iter();
    Ok(rules
        .filter(|rule| rule.method == "trust" && is_remote(rule))
        .map(finding)
        .collect::<Found>())
}

fn is_remote(rule: &HbaRule) -> bool {
    let address = rule.address.as_deref().unwrap_or_default();
    let is_own = ["::1", "samehost", "localhost"].contains(&address) || address.starts_with("127.");
    rule.connection.starts_with("host") && !is_own
}

fn finding(rule: &HbaRule) -> Finding {
    let address = rule.address.as_deref().unwrap_or_default();
    let message =
        format!("line {} of pg_hba.conf asks nobody from {address} for a password", rule.line);
    Finding::new(&RULE, None, message)
        .about(&rule.rule)
        .help(
            "whoever reaches the port is any role that the line names, superusers too: write scram-sha-256 instead of trust, then \
             SELECT pg_reload_conf()",
        )
        .evidence("line", rule.line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn only_from_elsewhere_and_without_a_password() {
        let of = |connection: &str, address: Option<&str>, method: &str| {
            let rule = HbaRule {
                connection: connection.to_owned(),
                address: address.map(str::to_owned),
                method: method.to_owned(),
                ..HbaRule::default()
            };
            let security = Security { hba_rules: Known::Known(vec![rule]), ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!(of("local", None, "trust"), 0);
        assert_eq!(of("host", Some("127.0.0.1"), "trust"), 0);
        assert_eq!(of("host", Some("::1"), "trust"), 0);
        assert_eq!(of("host", Some("0.0.0.0"), "scram-sha-256"), 0);
        assert_eq!(of("host", Some("0.0.0.0"), "trust"), 1);
        assert_eq!(of("hostssl", Some("all"), "trust"), 1);
    }
}
