use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};


pub const RULE: Rule = Rule::PLANNER_METHOD_OFF;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let mut off = settings.all().filter(|setting| {
        let is_default = setting.default_value == setting.value;
        setting.name.starts_with("enable_") && !is_default && !setting.is_on()
    });
    let mut off = off.by_ref().collect::<Vec<_>>();
    off.sort_by(|one, other| one.name.cmp(&other.name));
    let found = off.into_iter().map(|setting| {
        let name = &setting.name;
        Finding::new(&RULE, None, format!("the planner may not use it: off by {}", setting.source))
            .about(name)
            .help("it is meant for trying things out in a session; for all statements it makes some slow")
            .command(match setting.source.as_str() {
                "database" => format!("ALTER DATABASE … RESET {name}"),
                "user" | "database user" => format!("ALTER ROLE … RESET {name}"),
                _ => format!("ALTER SYSTEM RESET {name}"),
            })
    });
    Ok(found.collect::<Found>())
}
