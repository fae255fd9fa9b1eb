//! What the configuration says of `pgtend check`.

use glob::Pattern;
use jiff::civil::Date;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{not_empty, pattern};

/// Defaults of `pgtend check`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckConfig {
    /// What makes it fail: severities, and names of rules.
    pub fail_on: Vec<String>,
    /// What somebody has decided to live with.
    pub ignore: Vec<CheckIgnore>,
}

impl Default for CheckConfig {
    fn default() -> Self {
        CheckConfig { fail_on: vec!["warning".to_owned()], ignore: Vec::new() }
    }
}

/// A rule of `pgtend check` that is suppressed for some objects.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckIgnore {
    pub rule: String,
    /// The objects, as findings name them; all if absent.
    #[serde(default, deserialize_with = "some_pattern")]
    pub object: Option<Pattern>,
    /// The last day on which it holds.
    #[serde(default, deserialize_with = "some_day")]
    pub until: Option<Date>,
    /// Why: for the next reader.
    #[serde(deserialize_with = "not_empty")]
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the file must hold it, and people read it")
    )]
    pub reason: String,
}

fn some_pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pattern>, D::Error> {
    pattern(&String::deserialize(deserializer)?).map(Some)
}

/// A day, as TOML writes it or in quotes.
fn some_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Day {
        Written(toml::value::Datetime),
        Quoted(String),
    }
    let text = match Day::deserialize(deserializer)? {
        Day::Written(day) => day.to_string(),
        Day::Quoted(text) => text,
    };
    let day = text.parse::<Date>();
    day.map(Some)
        .map_err(|_| Error::custom(format!("expected a day such as 2027-03-31, not {text}")))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn entries_have_a_reason_and_maybe_a_day() {
        let read = |text: &str| {
            toml::from_str::<CheckConfig>(&format!("[[ignore]]\nrule = \"a\"\n{text}"))
        };
        for day in ["2027-03-31", "\"2027-03-31\""] {
            let read = read(&format!("reason = \"b\"\nobject = \"x.*\"\nuntil = {day}")).unwrap();
            assert_eq!(read.ignore[0].until, Some(date(2027, 3, 31)));
            assert_eq!(read.ignore[0].reason, "b");
        }
        for (text, wanted) in [
            ("", "reason"),
            ("reason = \" \"", "a reason is needed"),
            ("reason = \"b\"\nuntil = \"soon\"", "2027-03-31"),
            ("reason = \"b\"\nobject = \"[a\"", "Pattern syntax error"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
