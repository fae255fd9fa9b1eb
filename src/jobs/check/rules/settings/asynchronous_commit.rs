use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::ASYNCHRONOUS_COMMIT;

pub fn judge(health: &Health) -> Judged {
    let commit = health.settings.seen()?.of_others("synchronous_commit")?;
    let Some(commit) = commit.filter(|commit| commit.value.as_deref() == Some("off")) else {
        return Ok(Vec::new().into());
    };
    let message = format!(
        "a crash loses the transactions of the last moment, although they were confirmed ({})",
        commit.source
    );
    let found = Finding::new(&RULE, None, message)
        .about(&"synchronous_commit")
        .help("if that is meant for some statements only, set it in their transactions");
    Ok(vec![found].into())
}
