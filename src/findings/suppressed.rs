//! Findings about objects that somebody has decided to live with: in the configuration, or by a comment on the
//! object in the database.

use glob::Pattern;
use jiff::civil::Date;

use super::{Directive, Finding, MARKER, Rule};

/// A rule that is suppressed for some objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    rule: String,
    /// The objects; all, where there is none.
    object: Option<Pattern>,
    /// From the next day on it holds no more.
    until: Option<Date>,
    by: String,
    is_used: bool,
}

/// All that is suppressed, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressions {
    all: Vec<Suppression>,
    wrong: Vec<Finding>,
}

impl Suppressions {
    /// Adds an entry of the configuration.
    pub fn entry(&mut self, rule: &str, object: Option<Pattern>, until: Option<Date>) {
        let of = object.as_ref().map_or_else(String::new, |object| format!(" for {object}"));
        let by = format!("the entry of [[check.ignore]] of {rule}{of}");
        self.add(Suppression { rule: rule.to_owned(), object, until, by, is_used: false });
    }

    /// Adds what a comment on an object says: `pgtend-ignore RULE, RULE: reason`, anywhere in it.
    pub fn comment(&mut self, object: &str, comment: &str) {
        let by = format!("the comment on {object}");
        let texts = comment
            .split(MARKER)
            .skip(1)
            .map(|text| text.lines().next().unwrap_or_default());
        for Directive { rules, has_reason } in texts.filter_map(Directive::read) {
            if !has_reason {
                let help = "write the reason behind a colon: pgtend-ignore RULE: reason";
                let message = format!("{by} does not say why");
                let found = Finding::new(&Rule::IGNORE_WITHOUT_REASON, None, message);
                self.wrong.push(found.about(&object).help(help));
            }
            for rule in rules {
                self.add(Suppression {
                    rule,
                    object: Pattern::new(&Pattern::escape(object)).ok(),
                    until: None,
                    by: by.clone(),
                    is_used: false,
                });
            }
        }
    }

    fn add(&mut self, suppression: Suppression) {
        if Rule::named(&suppression.rule).is_some() {
            self.all.push(suppression);
            return;
        }
        let message =
            format!("{} names the rule {}, which there is not", suppression.by, suppression.rule);
        let found = Finding::new(&Rule::UNKNOWN_IGNORE, None, message);
        self.wrong
            .push(found.about(&suppression.rule).help("pgtend rules lists the rules"));
    }

    /// The findings that are left of these, and how many are suppressed.
    pub fn sift(&mut self, findings: Vec<Finding>, today: Date) -> (Vec<Finding>, usize) {
        let before = findings.len();
        let left = findings
            .into_iter()
            .filter(|finding| !self.covers(finding, today))
            .collect::<Vec<_>>();
        let suppressed = before - left.len();
        (left, suppressed)
    }

    fn covers(&mut self, finding: &Finding, today: Date) -> bool {
        let mut is_covered = false;
        let of_rule = self.all.iter_mut().filter(|one| one.rule == finding.rule);
        for one in of_rule.filter(|one| one.holds(finding.object.as_deref())) {
            one.is_used = true;
            is_covered |= !one.is_expired(today);
        }
        is_covered
    }

    /// What is wrong with them, now that `looked` says of which rules all was seen.
    pub fn judge(&self, looked: impl Fn(&str) -> bool, today: Date) -> Vec<Finding> {
        let mut found = self.wrong.clone();
        for one in &self.all {
            if let Some(until) = one.until.filter(|_| one.is_expired(today)) {
                let message = format!("{} held until {until}, and holds no more", one.by);
                let expired = Finding::new(&Rule::EXPIRED_IGNORE, None, message).about(&one.rule);
                found.push(
                    expired.help("mend what it suppresses, or decide again and set another day"),
                );
            } else if !one.is_used && looked(&one.rule) {
                let message = format!("{} suppresses nothing", one.by);
                let unused = Finding::new(&Rule::UNUSED_IGNORE, None, message).about(&one.rule);
                found.push(unused.help("remove it"));
            }
        }
        found
    }
}

impl Suppression {
    fn holds(&self, object: Option<&str>) -> bool {
        match (&self.object, object) {
            (None, _) => true,
            (Some(pattern), Some(object)) => pattern.matches(object),
            (Some(_), None) => false,
        }
    }

    fn is_expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 11, 28);

    fn finding(object: &str) -> Finding {
        Finding::new(&Rule::UNUSED_INDEX, None, "it").about(&object)
    }

    fn wrong(suppressions: &Suppressions) -> Vec<String> {
        let found = suppressions.judge(|_| true, TODAY);
        found.into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn entries_hold_for_objects_and_until_a_day() {
        let mut all = Suppressions::default();
        let pattern = |text: &str| Some(Pattern::new(text).unwrap());
        all.entry("unused-index", pattern("public.a*"), None);
        all.entry("unused-index", pattern("public.b"), Some(date(2026, 11, 28)));
        all.entry("unused-index", pattern("public.c"), Some(date(2026, 11, 27)));
        let found = ["public.a1", "public.b", "public.c", "other.a"].map(finding);
        let (left, suppressed) = all.sift(found.to_vec(), TODAY);
        let left = left.iter().filter_map(|finding| finding.object.as_deref());
        assert_eq!((left.collect::<Vec<_>>(), suppressed), (vec!["public.c", "other.a"], 2));
        assert_eq!(wrong(&all), ["expired-ignore"]);
    }

    #[test]
    fn comments_hold_for_their_object_and_say_why() {
        let mut all = Suppressions::default();
        all.comment("public.\"a*\"", "yearly\npgtend-ignore unused-index: the close of the year");
        assert_eq!(all.sift(vec![finding("public.\"a*\""), finding("public.\"ab\"")], TODAY).1, 1);
        all.comment("public.b", "pgtend-ignore unused-index");
        all.comment("public.c", "pgtend-ignore nonsense: because");
        assert_eq!(wrong(&all), ["ignore-without-reason", "unknown-ignore", "unused-ignore"]);
    }
}
