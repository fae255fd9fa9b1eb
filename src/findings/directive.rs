//! `pgtend-ignore RULE, RULE: reason`: comments in files say it, and comments on objects.

/// What it begins with.
pub const MARKER: &str = "pgtend-ignore";

/// What is to be suppressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// As they are written.
    pub rules: Vec<String>,
    pub has_reason: bool,
}

impl Directive {
    /// What stands behind the marker; `None` where the marker is the beginning of another word. A rule's
    /// name has no spaces: what follows it without a colon is not the reason.
    pub fn read(text: &str) -> Option<Self> {
        if text.chars().next().is_some_and(|next| next != ':' && !next.is_whitespace()) {
            return None;
        }
        let (rules, reason) = text.split_once(':').unwrap_or((text, ""));
        let names = rules.split(',').filter_map(|rule| rule.split_whitespace().next());
        Some(Directive {
            rules: names.map(str::to_owned).collect(),
            has_reason: !reason.trim().is_empty(),
        })
    }
}
