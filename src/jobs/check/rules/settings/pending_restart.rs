use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::PENDING_RESTART;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let mut pending = settings.all().filter(|setting| setting.pending_restart).collect::<Vec<_>>();
    pending.sort_by(|one, other| one.name.cmp(&other.name));
    let found = pending.into_iter().map(|setting| {
        let message = format!(
            "it is {} now, and another value takes hold at the next restart",
            setting.shown()
        );
        Finding::new(&RULE, None, message)
            .about(&setting.name)
            .help("the next restart, planned or not, changes how the server works, or fails")
    });
    Ok(found.collect::<Found>())
}
