use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::NO_STATEMENT_STATISTICS;

pub fn judge(health: &Health) -> Judged {
    let libraries = health.settings.seen()?.seen("shared_preload_libraries")?;
    let loaded = libraries.value.as_deref().unwrap_or_default();
    if loaded.split(',').any(|library| library.trim() == "pg_stat_statements") {
        return Ok(Vec::new().into());
    }
    let found = Finding::new(&RULE, None, "pg_stat_statements is not loaded, so nobody knows where the time goes")
        .about(&"shared_preload_libraries")
        .help("add it, restart, and run CREATE EXTENSION pg_stat_statements; slow-queries and advise read it");
    Ok(vec![found].into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::settings;

    #[test]
    fn what_is_hidden_is_unknown() {
        let judged = |values: &[(&str, &str)]| {
            judge(&Health { settings: settings(values), ..Health::default() })
        };
        assert!(judged(&[]).is_err());
        let loaded = judged(&[("shared_preload_libraries", "auto_explain, pg_stat_statements")]);
        assert_eq!(loaded.unwrap().findings, []);
        assert_eq!(judged(&[("shared_preload_libraries", "")]).unwrap().findings.len(), 1);
    }
}
