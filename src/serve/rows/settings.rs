//! The settings that somebody has set.

use std::sync::Arc;

use serde_json::json;

use super::{Partly, members};
use crate::facts::Unavailable;
use crate::facts::health::{Health, Setting, Settings};
use crate::serve::list::{Row, Shape, Show, field};
use crate::serve::query::Order;

pub static SETTINGS: Shape = Shape {
    name: "settings",
    title: "Settings",
    fields: &[
        field("name", "setting", Show::Text),
        field("shown", "value", Show::Code),
        field("shown_default", "default", Show::Code),
        field("source", "set by", Show::Text),
        field("file", "in", Show::Text),
        field("pending_restart", "waits for a restart", Show::YesNo),
        field("value", "", Show::Text),
        field("default_value", "", Show::Text),
        field("unit", "", Show::Text),
    ],
    sort_by: "name",
    order: Order::Rising,
};

/// What nobody has set, what is as it has to be, and what our own session has set.
const NOT_SET: [&str; 5] = ["default", "dynamic default", "override", "client", "session"];
const OWN: [&str; 2] = ["client", "session"];

/// In place of what may be a secret.
const HIDDEN: &str = "(not shown)";

/// The settings that differ from their defaults.
pub fn settings(health: &Health) -> Partly {
    let settings = match health.settings.seen() {
        Ok(settings) => settings,
        Err(why) => return Partly { rows: Err(why.to_string()), gaps: Vec::new() },
    };
    let differ = settings.all().filter(|it| is_set(it)).map(setting);
    Partly {
        rows: Ok(Arc::new(differ.collect())),
        gaps: gaps_of(settings),
    }
}

fn is_set(setting: &Setting) -> bool {
    let differs = setting.value != setting.default_value;
    setting.pending_restart || differs && !NOT_SET.contains(&setting.source.as_str())
}

/// What others may have set, and is not to be seen here.
fn gaps_of(settings: &Settings) -> Vec<String> {
    let hidden = settings
        .seen("data_directory")
        .err()
        .map(|_| {
            Unavailable::because("this role does not see all").help("GRANT pg_read_all_settings")
        })
        .map(|why| why.to_string());
    let mut own = settings
        .all()
        .filter(|it| OWN.contains(&it.source.as_str()))
        .map(|it| it.name.as_str())
        .collect::<Vec<_>>();
    own.sort_unstable();
    let own = format!(
        "pgtend sets these for its own sessions, and does not see what holds for others: {}",
        own.join(", ")
    );
    hidden.into_iter().chain([own]).collect()
}

fn setting(setting: &Setting) -> Row {
    let of = |value: &Option<String>| {
        let value = value.as_deref()?;
        let is_secret = may_be_secret(&setting.name, value);
        Some(if is_secret { HIDDEN.to_owned() } else { value.to_owned() })
    };
    let (value, default) = (of(&setting.value), of(&setting.default_value));
    let values = json!({
        "name": setting.name,
        "shown": value.as_deref().map(|it| setting.with_unit(it)),
        "shown_default": default.as_deref().map(|it| setting.with_unit(it)),
        "value": value,
        "default_value": default,
        "unit": setting.unit,
        "source": setting.source,
        "file": setting.file,
        "pending_restart": setting.pending_restart,
    });
    Row { id: setting.name.clone(), values: members(values).into() }
}

/// Connection strings have passwords in them, commands keys; and what a text of an extension is, nobody knows.
fn may_be_secret(name: &str, value: &str) -> bool {
    let is_plain =
        value.is_empty() || value.parse::<f64>().is_ok() || ["on", "off"].contains(&value);
    let is_one = name.contains('.') || name.ends_with("_conninfo") || name.ends_with("_command");
    is_one && !is_plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_none_of_it() {
        for (name, value, is_secret) in [
            ("primary_conninfo", "host=a password=b", true),
            ("archive_command", "aws --key x", true),
            ("restore_command", "", false),
            ("app.jwt", "eyJ", true),
            ("pg_stat_statements.max", "5000", false),
            ("auto_explain.log_analyze", "on", false),
            ("shared_preload_libraries", "pg_stat_statements", false),
            ("ssl_passphrase_command", "echo secret", true),
        ] {
            assert_eq!(may_be_secret(name, value), is_secret, "{name}");
        }
    }
}
