use super::superuser_function_search_path::finding;
use crate::facts::health::Health;
use crate::findings::Rule;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::DEFINER_FUNCTION_SEARCH_PATH;

/// Those of superusers have a rule of their own.
pub fn judge(health: &Health) -> Judged {
    let functions = health.security.definer_functions.seen()?.iter();
    Ok(functions
        .filter(|it| !it.is_superusers)
        .map(|it| finding(&RULE, it))
        .collect::<Found>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{DefinerFunction, Security};

    #[test]
    fn those_of_superusers_are_told_elsewhere() {
        let of = |is_superusers| {
            let function = DefinerFunction { is_superusers, ..DefinerFunction::default() };
            let definer_functions = Known::Known(vec![function]);
            let security = Security { definer_functions, ..Security::default() };
            judge(&Health { security, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(false), of(true)], [1, 0]);
    }
}
