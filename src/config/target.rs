//! `[targets.NAME]`: databases by name, with settings of their own.

use std::env;

use serde::{Deserialize, Deserializer};

use super::pattern;
use crate::failure::{Failure, Kind, Result};

/// A database that `--target` can name.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetConfig {
    /// As for `--database-url`.
    pub url: String,
    /// The environment variable that holds it instead.
    pub url_env: Option<String>,
    /// It stands for the databases of the server whose names match one of these.
    #[serde(deserialize_with = "one_or_more_patterns")]
    pub databases: Vec<glob::Pattern>,
    /// But for those that match one of these.
    #[serde(deserialize_with = "one_or_more_patterns")]
    pub exclude: Vec<glob::Pattern>,
    /// Settings of its own, which win over those of the file.
    pub(super) paths: Option<toml::Value>,
    apply: Option<toml::Table>,
    refresh: Option<toml::Table>,
    history: Option<toml::Table>,
    vacuum: Option<toml::Table>,
    reindex: Option<toml::Table>,
    analyze: Option<toml::Table>,
    slow_queries: Option<toml::Table>,
    snapshot: Option<toml::Table>,
    check: Option<toml::Table>,
    serve: Option<toml::Table>,
}

impl TargetConfig {
    /// Where it is.
    ///
    /// # Errors
    /// `Config` where nothing says so.
    pub fn url(&self, name: &str) -> Result<String> {
        let missing = |what: String| Failure::new(Kind::Config, format!("target {name}: {what}"));
        match &self.url_env {
            Some(variable) => {
                env::var(variable).ok().filter(|url| !url.is_empty()).ok_or_else(|| {
                    missing(format!("the environment variable {variable} (url_env) is not set"))
                })
            }
            None if self.url.is_empty() => {
                Err(missing("neither url nor url_env is set".to_owned()))
            }
            None => Ok(self.url.clone()),
        }
    }

    pub(super) fn settings(&self) -> [(&'static str, Option<&toml::Table>); 10] {
        [
            ("apply", self.apply.as_ref()),
            ("refresh", self.refresh.as_ref()),
            ("history", self.history.as_ref()),
            ("vacuum", self.vacuum.as_ref()),
            ("reindex", self.reindex.as_ref()),
            ("analyze", self.analyze.as_ref()),
            ("slow_queries", self.slow_queries.as_ref()),
            ("snapshot", self.snapshot.as_ref()),
            ("check", self.check.as_ref()),
            ("serve", self.serve.as_ref()),
        ]
    }

    /// Whether it stands for that database of its server.
    pub fn has(&self, database: &str) -> bool {
        let any = |patterns: &[glob::Pattern]| patterns.iter().any(|it| it.matches(database));
        any(&self.databases) && !any(&self.exclude)
    }
}

impl std::fmt::Debug for TargetConfig {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

/// A pattern, or a list of them.
fn one_or_more_patterns<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<glob::Pattern>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    let texts = match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(text) => vec![text],
        OneOrMore::More(texts) => texts,
    };
    texts.iter().map(|text| pattern(text)).collect()
}
