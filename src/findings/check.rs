//! The checks, what each came to, and on which server.

use std::time::Duration;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckVerdict {
    /// It found nothing that fails.
    Passed,
    /// It found something that does.
    Failed,
    /// It could not be made.
    Skipped,
    /// What it looks at could not be seen.
    Unknown,
}

impl CheckVerdict {
    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            CheckVerdict::Passed => "passed",
            CheckVerdict::Failed => "failed",
            CheckVerdict::Skipped => "skipped",
            CheckVerdict::Unknown => "unknown",
        }
    }
}

/// A check that was made, or skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, the same in all formats.
    pub name: &'static str,
    /// What it came to.
    pub verdict: CheckVerdict,
    /// How long it took.
    pub took: Duration,
    /// What there is to say about it.
    pub reason: Option<String>,
    /// How many findings are not told because somebody has decided so.
    pub suppressed: usize,
    /// On which servers, by version; filled in where there are several.
    pub servers: Vec<String>,
}

impl Check {
    /// What it came to, as people read it.
    pub fn told(&self) -> &'static str {
        match self.verdict {
            CheckVerdict::Failed => "finding",
            other => other.name(),
        }
    }

    /// Why it came to that, as far as there is something to say.
    pub fn why(&self) -> String {
        match (&self.reason, self.suppressed) {
            (Some(reason), _) => reason.clone(),
            (None, 0) => String::new(),
            (None, suppressed) => format!("{suppressed} suppressed"),
        }
    }
}
