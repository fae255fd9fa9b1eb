use crate::facts::health::{DefinerFunction, Health};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::SUPERUSER_FUNCTION_SEARCH_PATH;

pub fn judge(health: &Health) -> Judged {
    let functions = health.security.definer_functions.seen()?.iter();
    Ok(functions
        .filter(|it| it.is_superusers)
        .map(|it| finding(&RULE, it))
        .collect::<Found>())
}

/// Of a rule about such functions.
pub fn finding(rule: &Rule, DefinerFunction { object, owner, .. }: &DefinerFunction) -> Finding {
    let message =
        format!("it runs with the rights of {owner}, and finds names by the caller's search path");
    Finding::new(rule, None, message)
        .about(object)
        .help(
            "who may call it puts an operator or table of his own first, and runs it as the owner. Name every schema in its \
             body, then set the path",
        )
        .command(format!("ALTER ROUTINE {object} SET search_path = pg_catalog, pg_temp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn only_those_of_superusers() {
        let of = |is_superusers| {
            let function = DefinerFunction { is_superusers, ..DefinerFunction::default() };
            let definer_functions = Known::Known(vec![function]);
            let security = Security { definer_functions, ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(false), of(true)], [0, 1]);
    }
}
