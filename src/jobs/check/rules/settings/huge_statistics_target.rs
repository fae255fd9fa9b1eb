use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::HUGE_STATISTICS_TARGET;

const HUGE: f64 = 1000.0;

pub fn judge(health: &Health) -> Judged {
    let target = health.settings.seen()?.of_others("default_statistics_target")?;
    let huge = target.and_then(|target| Some((target, target.number().filter(|it| *it > HUGE)?)));
    let Some((setting, target)) = huge else {
        return Ok(Vec::new().into());
    };
    let found = Finding::new(&RULE, None, format!("every column of every table has {target} values to plan with"))
        .about(&"default_statistics_target")
        .help("planning and ANALYZE take longer for all; raise it for single columns instead (ALTER COLUMN … SET STATISTICS)")
        .command(setting.reset(&health.database_name()?))
        .evidence("default_statistics_target", target);
    Ok(vec![found].into())
}
