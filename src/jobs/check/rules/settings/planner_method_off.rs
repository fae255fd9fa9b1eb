use crate::facts::health::{Health, RoleSetting, Setting, Settings, means_off};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged, role_reset};

pub const RULE: Rule = Rule::PLANNER_METHOD_OFF;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let database = health.database_name()?;
    let mut off = settings.all().filter(|setting| is_off(setting)).collect::<Vec<_>>();
    off.sort_by(|one, other| one.name.cmp(&other.name));
    let of_all = off.iter().filter(|setting| !setting.is_own());
    let of_all = of_all.map(|setting| finding(setting, &database));
    let roles = health
        .role_settings
        .seen()?
        .iter()
        .filter(|setting| is_off_for_role(setting, settings));
    let of_roles = roles.map(|setting| of_role(setting, &database));
    let own = settings.all().filter(|it| is_method(&it.name) && it.is_own());
    Ok(Found {
        findings: of_all.chain(of_roles).collect(),
        unknown: own.min_by(|one, other| one.name.cmp(&other.name)).map(Setting::hides_others),
    })
}

fn is_method(name: &str) -> bool {
    name.starts_with("enable_")
}

fn is_off(setting: &Setting) -> bool {
    let is_default = setting.default_value == setting.value;
    is_method(&setting.name) && !is_default && !setting.is_on()
}

/// Some methods are off by default.
fn is_off_for_role(of_role: &RoleSetting, settings: &Settings) -> bool {
    let usual = settings.get(&of_role.name).and_then(|setting| setting.default_value.as_deref());
    is_method(&of_role.name) && means_off(&of_role.value) && usual == Some("on")
}

fn finding(setting: &Setting, database: &str) -> Finding {
    let message = format!("the planner may not use it: off by {}", setting.source);
    Finding::new(&RULE, None, message)
        .about(&setting.name)
        .help(
            "it is meant for trying things out in a session; for all statements it makes some slow",
        )
        .command(setting.reset(database))
}

/// That may be meant: it is one application's, which somebody has looked at.
fn of_role(setting: &RoleSetting, database: &str) -> Finding {
    let RoleSetting { name, role, .. } = setting;
    Finding::new(&RULE, None, format!("the planner may not use it for any statement of the role {role}"))
        .about(&format!("{name} of {role}"))
        .severity(Severity::Info)
        .help("it is meant for trying things out in a session; better mend the one statement for which it was switched off")
        .command(role_reset(setting, database))
}
