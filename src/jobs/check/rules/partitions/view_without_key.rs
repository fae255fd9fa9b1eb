use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::VIEW_WITHOUT_KEY;

pub fn judge(health: &Health) -> Judged {
    let views = health.views.seen()?.iter().filter(|view| !view.has_key);
    let found = views.map(|view| {
        Finding::new(
            &RULE,
            None,
            "the materialized view has no unique index, so a refresh locks out its readers",
        )
        .about(&view.object)
        .severity(Severity::Info)
        .help("with a unique index on whole columns it is refreshed CONCURRENTLY, while it is read")
        .command(format!("CREATE UNIQUE INDEX CONCURRENTLY ON {} (…)", view.object))
    });
    Ok(found.collect::<Found>())
}
