//! The server's settings.

use std::collections::HashMap;

use super::rows;
use crate::facts::columns::facts_of_columns;
use crate::facts::known::{Known, Unavailable};
use crate::pg::session::Session;

facts_of_columns! {
    /// A setting as this session sees it.
    pub struct Setting {
        pub name: String,
        /// In `unit`.
        pub value: Option<String>,
        pub unit: Option<String>,
        pub default_value: Option<String>,
        /// `default`, `configuration file`, `database` …
        pub source: String,
        /// Where it stands; `None` also where the role may not know.
        pub file: Option<String>,
        /// The file says something else, which a restart will bring.
        pub pending_restart: bool,
    }
}

/// All that may be seen, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(HashMap<String, Setting>);

pub(super) async fn load(session: &Session) -> Known<Settings> {
    let all = rows::<Setting>(session, include_str!("../../../sql/check/settings.sql")).await;
    all.map(Settings::from_iter)
}

impl FromIterator<Setting> for Settings {
    fn from_iter<I: IntoIterator<Item = Setting>>(all: I) -> Self {
        Settings(all.into_iter().map(|setting| (setting.name.clone(), setting)).collect())
    }
}

impl Settings {
    /// All, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Setting> {
        self.0.values()
    }

    /// The setting of that name; `None` where the server has none, or the role may not see it.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.0.get(name)
    }

    /// The setting of that name that every server has.
    ///
    /// # Errors
    /// Where the role may not see it.
    pub fn seen(&self, name: &str) -> Result<&Setting, Unavailable> {
        self.get(name).ok_or_else(|| {
            Unavailable::because(format!("the setting {name} is hidden from this role"))
                .help("GRANT pg_read_all_settings")
        })
    }

    /// Whether it is `on`; `false` where there is no such setting.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(Setting::is_on)
    }

    /// The figure, in the setting's unit; `None` where there is no such setting or it is no figure.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.value.as_deref()?.parse().ok()
    }

    /// The figure of a setting of memory or disk, in bytes.
    pub fn bytes(&self, name: &str) -> Option<f64> {
        let unit = match self.get(name)?.unit.as_deref()? {
            "B" => 1.0,
            "kB" => 1024.0,
            "8kB" => 8192.0,
            "16MB" => 16.0 * 1024.0 * 1024.0,
            "MB" => 1024.0 * 1024.0,
            _ => return None,
        };
        Some(self.number(name)? * unit)
    }
}

impl Setting {
    /// Whether it is `on`.
    pub fn is_on(&self) -> bool {
        self.value.as_deref() == Some("on")
    }

    /// Its value with its unit.
    pub fn shown(&self) -> String {
        let value = self.value.as_deref().unwrap_or_default();
        format!(
            "{value}{}",
            self.unit.as_deref().map_or(String::new(), |unit| format!(" {unit}"))
        )
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Settings of these values.
    pub fn settings(values: &[(&str, &str)]) -> Known<Settings> {
        let all = values.iter().map(|(name, value)| Setting {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
            ..Setting::default()
        });
        Known::Known(all.collect())
    }

    #[test]
    fn figures_have_their_units() {
        let of = |value: &str, unit: &str| Setting {
            name: "a".to_owned(),
            value: Some(value.to_owned()),
            unit: Some(unit.to_owned()),
            ..Setting::default()
        };
        let settings = Settings::from_iter([of("16384", "8kB")]);
        assert_eq!(settings.bytes("a"), Some(128.0 * 1024.0 * 1024.0));
        assert_eq!(settings.bytes("b"), None);
        assert_eq!(Settings::from_iter([of("5", "ms")]).bytes("a"), None);
    }
}
