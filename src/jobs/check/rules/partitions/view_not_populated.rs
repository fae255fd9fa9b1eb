use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::VIEW_NOT_POPULATED;

pub fn judge(health: &Health) -> Judged {
    let views = health.views.seen()?.iter().filter(|view| !view.is_populated);
    let found = views.map(|view| {
        Finding::new(
            &RULE,
            None,
            "the materialized view was never filled, so each query on it fails",
        )
        .about(&view.object)
        .severity(Severity::Warning)
        .help("it was created WITH NO DATA, or a restore did not get so far")
        .command(pgtend("refresh", &view.object))
    });
    Ok(found.collect::<Found>())
}
