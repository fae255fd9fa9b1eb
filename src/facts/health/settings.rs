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

facts_of_columns! {
    /// A setting that a role has in this database, whatever the server's is.
    pub struct RoleSetting {
        pub name: String,
        pub value: String,
        /// As the server quotes it.
        pub role: String,
        /// It holds in this database only.
        pub is_here: bool,
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

    /// The setting as other connections to this database have it; `None` where there is no such setting, or the
    /// role may not see it.
    ///
    /// # Errors
    /// Where this connection or its role has a value of its own, which hides that of others.
    pub fn of_others(&self, name: &str) -> Result<Option<&Setting>, Unavailable> {
        let setting = self.get(name);
        match setting.filter(|setting| setting.is_own()) {
            Some(own) => Err(own.hides_others()),
            None => Ok(setting),
        }
    }

    /// Whether it is `on`; `false` where there is no such setting.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(Setting::is_on)
    }

    /// The figure, in the setting's unit; `None` where there is no such setting or it is no figure.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.number()
    }

    /// The figure of a setting of memory or disk, in bytes.
    pub fn bytes(&self, name: &str) -> Option<f64> {
        let unit = unit_bytes(self.get(name)?.unit.as_deref()?)?;
        Some(self.number(name)? * unit as f64)
    }
}

/// Bytes of a unit of memory or disk.
fn unit_bytes(unit: &str) -> Option<i64> {
    let (number, letters) = unit.split_at(unit.find(|it: char| !it.is_ascii_digit())?);
    let number = if number.is_empty() {
        Ok(1)
    } else {
        number.parse::<i64>()
    };
    let (_, bytes) = MEMORY.iter().find(|(name, _)| *name == letters)?;
    number.ok()?.checked_mul(*bytes)
}

/// Milliseconds of a unit of time.
fn unit_millis(unit: &str) -> Option<i64> {
    TIME.iter().find(|(name, _)| *name == unit).map(|(_, millis)| *millis)
}

/// The greatest come first.
const MEMORY: [(&str, i64); 5] =
    [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10), ("B", 1)];
const TIME: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];

/// In the greatest unit of which it is a whole number, as SHOW has it.
fn in_greatest(value: i64, of_one: i64, units: &[(&str, i64)]) -> Option<String> {
    let in_least = value.checked_mul(of_one).filter(|value| *value > 0)?;
    let (name, each) = units.iter().find(|(_, each)| in_least % each == 0)?;
    Some(format!("{}{name}", in_least / each))
}

/// What a value holds for that comes from there: this connection, or the role that it is of.
const OWN: [&str; 5] = ["client", "session", "interactive", "user", "database user"];

/// Whether a text means `off`: any beginning of these words, as the server reads a boolean.
pub fn means_off(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["0", "of", "off", "f", "fa", "fal", "fals", "false", "n", "no"].contains(&text.as_str())
}

/// Whether a text means `on`.
pub fn means_on(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["1", "on", "t", "tr", "tru", "true", "y", "ye", "yes"].contains(&text.as_str())
}

impl Setting {
    /// Whether it holds for this connection only, or for its role: pgtend begins with timeouts of its own, and
    /// its user may set what he likes.
    pub fn is_own(&self) -> bool {
        OWN.contains(&self.source.as_str())
    }

    /// What is not known of others then.
    pub fn hides_others(&self) -> Unavailable {
        let Setting { name, source, .. } = self;
        let whose = match source.as_str() {
            "user" | "database user" => "the role of this connection has",
            _ => "this connection has",
        };
        Unavailable::because(format!(
            "{whose} a value of its own for {name}, which hides that of others"
        ))
        .help("connect without it (PGOPTIONS, ALTER ROLE … RESET)")
    }

    /// What sets it back, for the database of that name as the server quotes it.
    pub fn reset(&self, database: &str) -> String {
        let name = &self.name;
        match self.source.as_str() {
            "database" => format!("ALTER DATABASE {database} RESET {name}"),
            "global" => format!("ALTER ROLE ALL RESET {name}"),
            _ => format!("ALTER SYSTEM RESET {name}"),
        }
    }

    /// Whether it is `on`.
    pub fn is_on(&self) -> bool {
        self.value.as_deref() == Some("on")
    }

    /// The figure, in its unit; `None` where it is none.
    pub fn number(&self) -> Option<f64> {
        self.value.as_deref()?.parse().ok()
    }

    /// Its value with its unit: `128MB`.
    pub fn shown(&self) -> String {
        self.with_unit(self.value.as_deref().unwrap_or_default())
    }

    /// A value that it may have, with its unit.
    pub fn with_unit(&self, value: &str) -> String {
        let Some(unit) = self.unit.as_deref() else {
            return value.to_owned();
        };
        let Ok(whole) = value.parse::<i64>() else {
            return format!("{value} {unit}");
        };
        let memory = unit_bytes(unit).and_then(|bytes| in_greatest(whole, bytes, &MEMORY));
        let time = || unit_millis(unit).and_then(|millis| in_greatest(whole, millis, &TIME));
        // 0 and -1 mean something else than an amount.
        memory.or_else(time).unwrap_or_else(|| value.to_owned())
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

    #[test]
    fn values_are_shown_as_the_server_shows_them() {
        for (value, unit, shown) in [
            ("16384", Some("8kB"), "128MB"),
            ("1300", Some("MB"), "1300MB"),
            ("64", Some("16MB"), "1GB"),
            ("300", Some("s"), "5min"),
            ("200", Some("ms"), "200ms"),
            ("2", Some("min"), "2min"),
            ("-1", Some("kB"), "-1"),
            ("0", Some("ms"), "0"),
            ("0.5", Some("ms"), "0.5 ms"),
            ("replica", None, "replica"),
        ] {
            let unit = unit.map(str::to_owned);
            let setting = Setting { unit, ..Setting::default() };
            assert_eq!(setting.with_unit(value), shown);
        }
    }
}
