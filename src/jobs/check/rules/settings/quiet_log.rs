use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::QUIET_LOG;

/// With these values the server says nothing of it.
const QUIET: [(&str, &str); 5] = [
    ("log_lock_waits", "off"),
    ("log_checkpoints", "off"),
    ("log_autovacuum_min_duration", "-1"),
    ("log_temp_files", "-1"),
    ("track_io_timing", "off"),
];

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let (mut quiet, mut unknown) = (Vec::new(), None);
    for (name, value) in QUIET {
        match settings.of_others(name) {
            Ok(Some(setting)) if setting.value.as_deref() == Some(value) => quiet.push(name),
            Ok(_) => {}
            Err(why) => unknown = Some(why),
        }
    }
    if quiet.is_empty() {
        return Ok(Found { findings: Vec::new(), unknown });
    }
    let found = Finding::new(
        &RULE,
        None,
        format!("the server does not log what these settings would record: {}", quiet.join(", ")),
    )
    .about(&"log")
    .help("they cost next to nothing, and are missing on the day when something goes wrong")
    .evidence("settings", quiet.len());
    Ok(Found { findings: vec![found], unknown })
}
