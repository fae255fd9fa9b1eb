use crate::facts::health::{Health, RoleSetting, means_off, means_on};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged, role_reset};

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
    let database = health.database_name()?;
    let mut found = Found::default();
    for (name, value, consequence) in BAD {
        match settings.of_others(name) {
            Ok(Some(setting)) if setting.value.as_deref() == Some(value) => {
                let right = if value == "on" { "off" } else { "on" };
                found.findings.push(
                    Finding::new(&RULE, None, format!("{name} is {value}"))
                        .about(&name)
                        .help(consequence)
                        .command(match setting.source.as_str() {
                            "database" | "global" => setting.reset(&database),
                            _ => format!("ALTER SYSTEM SET {name} = {right}"),
                        }),
                );
            }
            Ok(_) => {}
            Err(why) => found.unknown = Some(why),
        }
    }
    found
        .findings
        .extend(health.role_settings.seen()?.iter().filter_map(|it| of_role(it, &database)));
    Ok(found)
}

fn of_role(setting: &RoleSetting, database: &str) -> Option<Finding> {
    let RoleSetting { name, value, role, .. } = setting;
    let (_, bad, consequence) = BAD.into_iter().find(|(bad, ..)| bad == name)?;
    let is_bad = if bad == "on" { means_on(value) } else { means_off(value) };
    is_bad.then(|| {
        Finding::new(&RULE, None, format!("{name} is {bad} for the role {role}"))
            .about(&format!("{name} of {role}"))
            .help(consequence)
            .command(role_reset(setting, database))
    })
}
