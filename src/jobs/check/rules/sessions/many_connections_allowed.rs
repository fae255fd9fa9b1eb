use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::MANY_CONNECTIONS_ALLOWED;

const MANY: f64 = 500.0;

pub fn judge(health: &Health) -> Judged {
    let allowed = health.settings.seen()?.number("max_connections").unwrap_or(0.0);
    if allowed <= MANY {
        return Ok(Vec::new().into());
    }
    let found = Finding::new(&RULE, None, format!("{allowed} clients may be at work at once"))
        .about(&"max_connections")
        .help(
            "no machine works on so many at once: more than a few for each CPU make all of them slower, and each may use \
             work_mem several times. A pooler lets the others wait",
        )
        .evidence("max_connections", allowed);
    Ok(vec![found].into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::settings;

    #[test]
    fn hundreds_are_many() {
        let of = |value| {
            let settings = settings(&[("max_connections", value)]);
            judge(&Health { settings, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of("100"), of("500"), of("600")], [0, 0, 1]);
    }
}
