use crate::facts::health::{Health, Unencrypted};
use crate::findings::{Finding, Rule};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::UNENCRYPTED_SESSIONS;

pub fn judge(health: &Health) -> Judged {
    let seen = health.security.unencrypted.seen()?.iter();
    Ok(seen.filter(|it| it.sessions > 0).map(finding).collect::<Found>())
}

fn finding(Unencrypted { sessions, client }: &Unencrypted) -> Finding {
    let number =
        count(usize::try_from(*sessions).unwrap_or_default(), "session comes", "sessions come");
    let from = client
        .as_deref()
        .map_or_else(String::new, |client| format!(", one of them from {client}"));
    Finding::new(&RULE, None, format!("{number} over the network in clear text{from}"))
        .about(&"ssl")
        .help("whoever listens on the way reads statements and rows: switch ssl on, and write hostssl in pg_hba.conf")
        .evidence("sessions", *sessions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn none_is_none() {
        let of = |sessions| {
            let unencrypted = Known::Known(vec![Unencrypted { sessions, client: None }]);
            let security = Security { unencrypted, ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(0), of(3)], [0, 1]);
    }
}
