use crate::facts::health::{DisabledTrigger, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::DISABLED_TRIGGER;

pub fn judge(health: &Health) -> Judged {
    let triggers = health.disabled_triggers.seen()?.iter();
    Ok(triggers.map(finding).collect::<Found>())
}

fn finding(trigger: &DisabledTrigger) -> Finding {
    let DisabledTrigger { object, name, table_object, constraint_name } = trigger;
    let (severity, message) = match constraint_name {
        Some(constraint) => (
            Severity::Warning,
            format!("the trigger is switched off, so the foreign key {constraint} is not checked"),
        ),
        None => (Severity::Info, "the trigger is switched off".to_owned()),
    };
    Finding::new(&RULE, None, message)
        .about(object)
        .severity(severity)
        .help("it is often forgotten after a load; what was written meanwhile was not checked")
        .command(format!("ALTER TABLE {table_object} ENABLE TRIGGER {name}"))
}
