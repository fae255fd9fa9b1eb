//! The rules that are ours, each with its page. squawk's rules are squawk's.

use super::Severity;

/// A rule of pgtend's own.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in findings, and its page's.
    pub name: &'static str,
    /// How bad its findings are, unless one of them says otherwise.
    pub severity: Severity,
    /// What happens and what to write instead, with a bad and a good example; Markdown.
    pub page: &'static str,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $constant:ident = $severity:ident $name:literal;)*) => {
        impl Rule {
            $($(#[$doc])*
            pub const $constant: Rule = Rule {
                name: $name,
                severity: Severity::$severity,
                page: include_str!(concat!("../../../docs/rules/", $name, ".md")),
            };)*

            /// Every rule, in the order of the checks.
            pub const ALL: &[Rule] = &[$(Rule::$constant),*];
        }
    };
}

rules! {
    /// A file is not SQL.
    SYNTAX = Error "syntax";
    /// The server refuses a statement.
    NOT_APPLIED = Error "not-applied";
    /// The server refuses a statement because it stands in a transaction.
    IN_TRANSACTION = Error "in-transaction";
    /// An index is invalid afterwards.
    INVALID_INDEX = Error "invalid-index";
    /// A statement with IF NOT EXISTS had no effect, because the name means something else.
    NOT_AS_DECLARED = Error "not-as-declared";
    /// `apply` does not come to an end.
    NOT_CONVERGED = Error "not-converged";
    /// `apply` does not mend an index whose build broke off.
    NOT_HEALED = Error "not-healed";
    /// A materialized view cannot be refreshed while it is read.
    VIEW_NOT_CONCURRENT = Warning "view-not-concurrent";
    /// A column by which a concurrent refresh matches rows may be NULL.
    NULLABLE_VIEW_KEY = Warning "nullable-view-key";
    /// The server refuses a statement of a down script.
    DOWN_NOT_APPLIED = Error "down-not-applied";
    /// A down script does not restore the schema.
    DOWN_NOT_RESTORED = Error "down-not-restored";
    /// A migration cannot be applied again after its down script.
    UP_AFTER_DOWN = Error "up-after-down";
    /// A migration has no down script, and others have.
    NO_DOWN = Warning "no-down";
}

impl Rule {
    /// The rule of that name.
    pub fn named(name: &str) -> Option<&'static Rule> {
        Rule::ALL.iter().find(|rule| rule.name == name)
    }

    /// Whether squawk has a rule of that name.
    pub fn is_squawks(name: &str) -> bool {
        name.parse::<squawk_linter::Rule>().is_ok()
    }

    /// What it is about, in a line: the first below the page's title.
    pub fn summary(&self) -> &'static str {
        self.page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default()
    }
}
