//! `${name}` in Flyway's scripts.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::declared::migrations::listing::file_name;
use crate::declared::migrations::{Asked, invalid_at};
use crate::failure::Result;

/// So many folders above a script are searched for Flyway's configuration.
const DEPTH: usize = 7;

const IN_ENVIRONMENT: &str = "FLYWAY_PLACEHOLDERS_";

/// The text with what stands for its placeholders.
///
/// # Errors
/// `Declaration` at the line of one for which nothing stands: Flyway ends there, too.
pub fn fill(file: &Path, text: &str, asked: &Asked) -> Result<String> {
    if !text.contains("${") {
        return Ok(text.to_owned());
    }
    let values = PlaceholderValues::of(file, asked);
    if !values.replaces {
        return Ok(text.to_owned());
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        filled.push_str(&rest[..at]);
        let Some(length) = rest[at..].find('}') else {
            break;
        };
        let name = &rest[at + 2..at + length];
        let value = values.get(name).ok_or_else(|| {
            let before = text.len() - rest.len() + at;
            let line = text[..before].bytes().filter(|byte| *byte == b'\n').count() + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            invalid_at(file, line, format!("no value is given for the placeholder ${{{name}}}"))
                .hint(format!(
                    "give it with --placeholder {name}=VALUE; Flyway fills in placeholders also in \
                     strings and comments, unless placeholderReplacement=false stands in its \
                     configuration"
                ))
        })?;
        filled.push_str(&value);
        rest = &rest[at + length + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What is known, in small letters: Flyway does not mind the case.
struct PlaceholderValues {
    known: HashMap<String, String>,
    replaces: bool,
}

impl PlaceholderValues {
    /// What is asked for counts more than the environment, and that more than files.
    fn of(file: &Path, asked: &Asked) -> Self {
        let mut values = PlaceholderValues { known: built_in(file), replaces: true };
        for path in configuration(file).into_iter().rev() {
            if let Ok(text) = fs::read_to_string(&path) {
                match path.extension().is_some_and(|extension| extension == "toml") {
                    true => values.toml(&text),
                    false => values.properties(&text),
                }
            }
        }
        for (name, value) in &asked.variables {
            match name.strip_prefix(IN_ENVIRONMENT) {
                Some(name) => values.set(name, value),
                None if name == "FLYWAY_PLACEHOLDER_REPLACEMENT" => {
                    values.replaces = value != "false";
                }
                None => {}
            }
        }
        asked.placeholders.iter().for_each(|(name, value)| values.set(name, value));
        values
    }

    fn get(&self, name: &str) -> Option<String> {
        self.known.get(&name.to_ascii_lowercase()).cloned()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.known.insert(name.to_ascii_lowercase(), value.to_owned());
    }

    fn toml(&mut self, text: &str) {
        let Ok(table) = text.parse::<toml::Table>() else {
            return;
        };
        let Some(flyway) = table.get("flyway") else {
            return;
        };
        if let Some(replaces) = flyway.get("placeholderReplacement").and_then(|it| it.as_bool()) {
            self.replaces = replaces;
        }
        let placeholders = flyway.get("placeholders").and_then(|it| it.as_table());
        for (name, value) in placeholders.into_iter().flatten() {
            match value.as_str() {
                Some(text) => self.set(name, text),
                None => self.set(name, &value.to_string()),
            }
        }
    }

    /// flyway.conf, and Spring's application.properties.
    fn properties(&mut self, text: &str) {
        for line in text.lines() {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            let Some(key) = key.strip_prefix("spring.").unwrap_or(key).strip_prefix("flyway.")
            else {
                continue;
            };
            match key.strip_prefix("placeholders.") {
                Some(name) => self.set(name, value),
                None if matches!(key, "placeholderReplacement" | "placeholder-replacement") => {
                    self.replaces = value != "false";
                }
                None => {}
            }
        }
    }
}

/// What Flyway itself sets. Whose database it is, is not known yet: these are those of a throwaway
/// server.
fn built_in(file: &Path) -> HashMap<String, String> {
    let folder = std::env::current_dir().unwrap_or_default().display().to_string();
    let pairs = [
        ("flyway:defaultschema", "public".to_owned()),
        ("flyway:user", "postgres".to_owned()),
        ("flyway:database", "verify".to_owned()),
        ("flyway:timestamp", "2000-01-01 00:00:00".to_owned()),
        ("flyway:filename", file_name(file)),
        ("flyway:workingdirectory", folder),
        ("flyway:table", "flyway_schema_history".to_owned()),
        ("flyway:environment", "default".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Flyway's configuration files around a script, the nearest one first.
fn configuration(file: &Path) -> Vec<PathBuf> {
    let Ok(file) = fs::canonicalize(file) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for folder in file.ancestors().skip(1).take(DEPTH) {
        for name in ["flyway.toml", "flyway.conf", "conf/flyway.conf", "application.properties"] {
            let path = folder.join(name);
            if path.is_file() {
                found.push(path);
            }
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_counts_more_than_the_environment_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("V1__a.sql");
        fs::write(&file, "").unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join("flyway.conf"), "flyway.placeholders.a=1\nflyway.url=x\n")
            .unwrap();
        let toml = "[flyway]\nurl = 'x'\n[flyway.placeholders]\nb = \"2\"\nD = \"4\"\n";
        fs::write(folder.path().join("flyway.toml"), toml).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut asked = Asked {
            layout: None,
            placeholders: vec![pair("C", "3")],
            variables: vec![
                pair("FLYWAY_PLACEHOLDERS_B", "two"),
                pair("FLYWAY_PLACEHOLDERS_C", "x"),
            ],
        };
        let text = "${a} ${B} ${c} ${d} ${flyway:defaultSchema} ${flyway:filename} $$ { }";
        assert_eq!(fill(&file, text, &asked).unwrap(), "1 two 3 4 public V1__a.sql $$ { }");
        let failure = fill(&file, "\n'${gone}'", &asked).unwrap_err();
        assert!(failure.to_string().contains("V1__a.sql:2: no value"), "{failure}");
        assert!(failure.hint.unwrap().contains("--placeholder gone=VALUE"));
        asked.variables = vec![pair("FLYWAY_PLACEHOLDER_REPLACEMENT", "false")];
        assert_eq!(fill(&file, text, &asked).unwrap(), text);
    }
}
