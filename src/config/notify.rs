//! `[notify]`: who is told what a command came to.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::duration;

#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// After what.
    pub on: Vec<NotifyOn>,
    /// A program and its arguments; the JSON document goes to its standard input.
    pub exec: Vec<String>,
    /// A URL that the document is sent to. Whoever knows it may write there.
    pub webhook: Option<String>,
    /// The environment variable that holds it instead.
    pub webhook_env: Option<String>,
    /// The file that holds it instead.
    pub webhook_file: Option<PathBuf>,
    pub format: NotifyFormat,
    /// What takes longer is given up.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyOn {
    Failed,
    Findings,
    Cancelled,
    Always,
}

/// What is sent to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyFormat {
    /// The JSON document.
    #[default]
    Json,
    /// A message as Slack takes it, and others that follow it.
    Slack,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        NotifyConfig {
            on: vec![NotifyOn::Failed, NotifyOn::Findings],
            exec: Vec::new(),
            webhook: None,
            webhook_env: None,
            webhook_file: None,
            format: NotifyFormat::Json,
            timeout: Duration::from_secs(10),
        }
    }
}

impl NotifyConfig {
    /// Whether anybody is to be told anything.
    pub fn is_set(&self) -> bool {
        !self.exec.is_empty()
            || self.webhook.is_some()
            || self.webhook_env.is_some()
            || self.webhook_file.is_some()
    }
}

impl fmt::Debug for NotifyConfig {
    /// The URL is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotifyConfig").field("on", &self.on).finish_non_exhaustive()
    }
}
