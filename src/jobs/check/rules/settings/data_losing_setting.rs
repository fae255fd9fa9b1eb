use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};


pub const RULE: Rule = Rule::DATA_LOSING_SETTING;

/// With these values rows are lost, or damage goes unnoticed.
const BAD: [(&str, &str, &str); 4] = [
    ("fsync", "off", "after a crash of the machine the whole cluster may be lost"),
    ("full_page_writes", "off", "after a crash pages may be half old and half new"),
    ("zero_damaged_pages", "on", "a damaged page is thrown away with its rows"),
    ("ignore_checksum_failure", "on", "damage is passed over, and copied"),
];

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let bad = BAD.into_iter().filter(|(name, value, _)| {
        settings.get(name).is_some_and(|setting| setting.value.as_deref() == Some(value))
    });
    let found = bad.map(|(name, value, consequence)| {
        let right = if value == "on" { "off" } else { "on" };
        Finding::new(&RULE, None, format!("{name} is {value}"))
            .about(&name)
            .help(consequence)
            .command(format!("ALTER SYSTEM SET {name} = {right}"))
    });
    Ok(found.collect::<Found>())
}
