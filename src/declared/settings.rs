//! The settings of a session that decide what its later statements mean.

use std::collections::HashMap;

use super::Source;
use super::statement::{Words, name_of, string_of};
use crate::syntax::lexer::TokenKind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// The items of a list, or the one value.
    Items(Vec<String>),
    /// It cannot be told from the text.
    Unknown,
}

/// A value and the place where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredSetting {
    /// What it was set to.
    pub value: SettingValue,
    pub source: Source,
}

/// What a statement did to the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingOutcome {
    /// Nothing that any declaration could notice.
    Unimportant,
    /// It is followed.
    Followed,
}

/// These decide where a name is looked for, and what is made.
const DECIDE_WHERE: [&str; 5] = [
    "search_path",
    "default_tablespace",
    "default_table_access_method",
    "role",
    "session_authorization",
];

/// These decide how a constant is read.
pub const READ_OTHERWISE: [&str; 7] = [
    "standard_conforming_strings",
    "client_encoding",
    "transform_null_equals",
    "datestyle",
    "intervalstyle",
    "timezone",
    "xmloption",
];

/// What is followed.
fn followed() -> impl Iterator<Item = &'static str> {
    DECIDE_WHERE.into_iter().chain(READ_OTHERWISE)
}

/// Whether a constant reads as in pgtend's own sessions, so that the setting is as none.
fn is_neutral(name: &str, items: &[String]) -> bool {
    let value = items.join(", ").to_ascii_lowercase();
    let is_off = matches!(value.as_str(), "off" | "false" | "no" | "0");
    match name {
        "standard_conforming_strings" => !is_off,
        "client_encoding" => matches!(value.replace(['-', '_'], "").as_str(), "utf8" | "unicode"),
        "transform_null_equals" => is_off,
        "datestyle" => value.replace(' ', "").starts_with("iso,mdy") || value == "iso",
        "intervalstyle" => value == "postgres",
        "xmloption" => value == "content",
        "default_table_access_method" => value == "heap",
        "default_tablespace" => value.is_empty(),
        "role" => value == "none",
        _ => false,
    }
}

/// The settings of one session.
#[derive(Debug, Default)]
pub struct SessionSettings {
    now: HashMap<&'static str, DeclaredSetting>,
    /// What comes back at the end of the transaction.
    before: Vec<(&'static str, Option<DeclaredSetting>)>,
    in_transaction: bool,
}

impl SessionSettings {
    /// The setting, where the session has set it to anything that matters.
    pub fn get(&self, name: &str) -> Option<&DeclaredSetting> {
        self.now.get(name)
    }

    pub fn begin(&mut self) {
        self.in_transaction = true;
    }

    /// COMMIT; what is rolled back never comes here.
    pub fn commit(&mut self) {
        self.in_transaction = false;
        for (name, setting) in self.before.drain(..).rev() {
            match setting {
                Some(setting) => self.now.insert(name, setting),
                None => self.now.remove(name),
            };
        }
    }

    /// What cannot be followed mentions this setting.
    pub fn doubt(&mut self, name: &str, source: &Source) {
        if let Some(name) = followed().find(|known| *known == name) {
            let setting = DeclaredSetting { value: SettingValue::Unknown, source: source.clone() };
            self.now.insert(name, setting);
        }
    }

    /// Follows SET, RESET, DISCARD and calls of set_config.
    pub fn statement(&mut self, text: &str, source: &Source) -> SettingOutcome {
        let mut words = Words::of(text);
        if words.eat("discard") {
            if words.eat("all") {
                self.now.clear();
                return SettingOutcome::Followed;
            }
            return SettingOutcome::Unimportant;
        }
        if words.eat("reset") {
            return self.reset(&mut words, source);
        }
        if words.eat("set") {
            return self.set(&mut words, source);
        }
        self.set_config(&mut words, source)
    }

    fn reset(&mut self, words: &mut Words<'_>, source: &Source) -> SettingOutcome {
        if words.eat("all") {
            self.now.retain(|name, _| matches!(*name, "role" | "session_authorization"));
            return SettingOutcome::Followed;
        }
        let name = if words.eat("session authorization") {
            "session_authorization".to_owned()
        } else if words.eat("time zone") {
            "timezone".to_owned()
        } else {
            words.part().unwrap_or_default()
        };
        self.put(&name, None, false, source)
    }

    fn set(&mut self, words: &mut Words<'_>, source: &Source) -> SettingOutcome {
        let is_local = words.eat("local");
        if !is_local && words.eat("session authorization") {
            let role = value(words);
            return self.put("session_authorization", role, false, source);
        }
        if !is_local && !words.eat("session characteristics") {
            words.eat("session");
        }
        if words.eat("session authorization") {
            let role = value(words);
            return self.put("session_authorization", role, is_local, source);
        }
        let name = if words.eat("schema") {
            "search_path".to_owned()
        } else if words.eat("time zone") {
            "timezone".to_owned()
        } else if words.eat("names") {
            "client_encoding".to_owned()
        } else if words.eat("xml option") {
            words.eat_any(&["document", "content"]);
            return SettingOutcome::Unimportant;
        } else {
            words.part().unwrap_or_default()
        };
        let _ = words.eat("to") || words.eat_char("=");
        let value = value(words);
        self.put(&name, value, is_local, source)
    }

    /// Calls one after the other, with nothing but constants; all else is not known.
    fn set_config(&mut self, words: &mut Words<'_>, source: &Source) -> SettingOutcome {
        let mut outcome = SettingOutcome::Unimportant;
        let mut is_known = words.eat("select");
        while is_known {
            let Some((name, value, is_local)) = call(words) else {
                is_known = false;
                break;
            };
            if self.put(&name, value, is_local, source) == SettingOutcome::Followed {
                outcome = SettingOutcome::Followed;
            }
            words.eat("as");
            words.part();
            if !words.eat_char(",") {
                is_known = words.is_at_end();
                break;
            }
        }
        if !is_known {
            let text = words.text().to_ascii_lowercase();
            for name in followed().filter(|name| text.contains(name)) {
                self.doubt(name, source);
                outcome = SettingOutcome::Followed;
            }
        }
        outcome
    }

    fn put(
        &mut self,
        name: &str,
        value: Option<SettingValue>,
        is_local: bool,
        source: &Source,
    ) -> SettingOutcome {
        let lower = name.to_ascii_lowercase();
        let Some(name) = followed().find(|known| *known == lower) else {
            return SettingOutcome::Unimportant;
        };
        if is_local && !self.in_transaction {
            return SettingOutcome::Unimportant;
        }
        if is_local {
            self.before.push((name, self.now.get(name).cloned()));
        } else {
            // It stays beyond the transaction.
            self.before.retain(|(local, _)| *local != name);
        }
        let kept = value.filter(|value| match value {
            SettingValue::Items(items) => !is_neutral(name, items),
            SettingValue::Unknown => true,
        });
        match kept {
            Some(value) => self.now.insert(name, DeclaredSetting { value, source: source.clone() }),
            None => self.now.remove(name),
        };
        // A role of the session's own ends the one that was set.
        if name == "session_authorization" {
            self.now.remove("role");
        }
        SettingOutcome::Followed
    }
}

/// The value of SET; `None` for DEFAULT.
fn value(words: &mut Words<'_>) -> Option<SettingValue> {
    if words.eat("default") || words.is_at_end() {
        return None;
    }
    let mut items = Vec::new();
    loop {
        let Some(token) = words.next() else {
            return Some(SettingValue::Unknown);
        };
        let text = words.text();
        let item = match token.kind {
            TokenKind::Text => string_of(token, text),
            TokenKind::Number => Some(token.text(text).to_owned()),
            _ => name_of(token, text),
        };
        let Some(item) = item else {
            return Some(SettingValue::Unknown);
        };
        items.push(item);
        if !words.eat_char(",") {
            return Some(if words.is_at_end() {
                SettingValue::Items(items)
            } else {
                SettingValue::Unknown
            });
        }
    }
}

/// One call of set_config with constants.
fn call(words: &mut Words<'_>) -> Option<(String, Option<SettingValue>, bool)> {
    if words.eat("pg_catalog") && !words.eat_char(".") {
        return None;
    }
    if !words.eat("set_config") || !words.eat_char("(") {
        return None;
    }
    let name = string_of(words.next()?, words.text())?.to_ascii_lowercase();
    let token = words.eat_char(",").then(|| words.next())??;
    let value = match string_of(token, words.text()) {
        Some(value) if name == "search_path" => Some(SettingValue::Items(split_names(&value)?)),
        Some(value) => Some(SettingValue::Items(vec![value])),
        None if token.is(words.text(), "null") => None,
        None => return None,
    };
    let token = words.eat_char(",").then(|| words.next())??;
    let is_local = string_of(token, words.text())
        .unwrap_or_else(|| token.text(words.text()).to_owned())
        .to_ascii_lowercase();
    let is_local = match is_local.as_str() {
        "true" | "t" | "on" | "yes" | "1" => true,
        "false" | "f" | "off" | "no" | "0" => false,
        _ => return None,
    };
    words.eat_char(")").then_some((name, value, is_local))
}

/// The names of a list as a setting holds it.
fn split_names(list: &str) -> Option<Vec<String>> {
    let mut words = Words::of(list);
    let mut names = Vec::new();
    while !words.is_at_end() {
        names.push(words.part()?);
        if !words.eat_char(",") {
            break;
        }
    }
    words.is_at_end().then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings after these statements, as `name=value`.
    fn after(statements: &[&str]) -> String {
        let mut settings = SessionSettings::default();
        for text in statements {
            match *text {
                "BEGIN" => settings.begin(),
                "COMMIT" => settings.commit(),
                text => {
                    let source = Source {
                        file: std::path::Path::new("a.sql").into(),
                        line: 1,
                        column: 1,
                    };
                    settings.statement(text, &source);
                }
            }
        }
        let mut all = settings.now.into_iter().collect::<Vec<_>>();
        all.sort_by_key(|(name, _)| *name);
        let said = all.into_iter().map(|(name, setting)| match setting.value {
            SettingValue::Items(items) => format!("{name}={}", items.join(",")),
            SettingValue::Unknown => format!("{name}=?"),
        });
        said.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_setting_is_followed_however_it_is_set() {
        for (statements, wanted) in [
            (&["SET search_path = App, \"B c\", 'd, e'"][..], "search_path=app,B c,d, e"),
            (&["set session search_path to a;", "set search_path to default"], ""),
            (&["select pg_catalog.set_config('search_path', '', false)"], "search_path="),
            (&["select set_config('Search_Path', 'a, \"B\"', false) as x"], "search_path=a,B"),
            (&["select set_config('search_path', a, false) from b"], "search_path=?"),
            (&["SET SCHEMA 'a'", "RESET search_path"], ""),
            (&["SET ROLE a", "SET SESSION AUTHORIZATION 'b'"], "session_authorization=b"),
            (&["SET ROLE a", "RESET ALL"], "role=a"),
            (&["SET ROLE a", "SET search_path = a", "DISCARD ALL"], ""),
            (&["SET ROLE NONE", "SET default_tablespace = ''"], ""),
            (&["SET default_tablespace = fast"], "default_tablespace=fast"),
            (&["SET standard_conforming_strings = on", "SET NAMES 'utf-8'"], ""),
            (&["SET standard_conforming_strings = off"], "standard_conforming_strings=off"),
            (&["SET TIME ZONE 'UTC'"], "timezone=UTC"),
            (&["SET statement_timeout = 0", "SET app.x = 'y'"], ""),
            (&["SET LOCAL search_path = a"], ""),
            (&["BEGIN", "SET LOCAL search_path = a"], "search_path=a"),
            (
                &["SET search_path = a", "BEGIN", "SET LOCAL search_path = b", "COMMIT"],
                "search_path=a",
            ),
            (
                &["BEGIN", "SET LOCAL search_path = b", "SET search_path = c", "COMMIT"],
                "search_path=c",
            ),
            (
                &["BEGIN", "SET search_path = c", "SET LOCAL search_path = b", "COMMIT"],
                "search_path=c",
            ),
            (&["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"], ""),
        ] {
            assert_eq!(after(statements), wanted, "{statements:?}");
        }
    }
}
