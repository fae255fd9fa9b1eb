use super::releases::{Release, running};
use crate::facts::health::{Health, IndexClass};
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::command::shell;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::SUSPECT_INDEX;

/// An error of releases by which indexes of a kind come to lack rows, or to have wrong ones.
struct Fault {
    /// Which indexes, as findings name them.
    indexes: &'static str,
    is_of: fn(&IndexClass) -> bool,
    severity: Severity,
    /// What is wrong with them.
    what: &'static str,
    /// The minor that ends it, of each major that has it.
    ended_by: &'static [(u32, u32)],
}

impl Fault {
    /// The release that ends it, where the one that runs has it.
    fn end(&self, running: Release) -> Option<Release> {
        let end = self.ended_by.iter().find(|(major, _)| *major == running.major);
        let end = end.map(|(major, minor)| Release { major: *major, minor: *minor })?;
        (running < end).then_some(end)
    }
}

/// From the release notes. What only makes an index large or slow is left out, and what takes values that hardly
/// anybody has.
const FAULTS: [Fault; 8] = [
    Fault {
        indexes: "GiST indexes of pg_trgm",
        is_of: |index| index.method == "gist" && index.class == "gist_trgm_ops",
        severity: Severity::Warning,
        what: "searches may miss rows",
        ended_by: &NOVEMBER_2026,
    },
    Fault {
        indexes: "B-tree indexes on bpchar without a length",
        is_of: |index| index.method == "btree" && is_bpchar(&index.class) && !index.has_length,
        severity: Severity::Info,
        what: "index-only scans may return values with other spaces at their end",
        ended_by: &NOVEMBER_2026,
    },
    Fault {
        indexes: "GIN indexes",
        is_of: |index| index.method == "gin",
        severity: Severity::Info,
        what: "a VACUUM with more dead rows than fit into its memory may leave entries behind that point to other rows",
        ended_by: &NOVEMBER_2026,
    },
    Fault {
        indexes: "GiST indexes of btree_gist on float4 and float8",
        is_of: |index| {
            index.method == "gist" && ["gist_float4_ops", "gist_float8_ops"].contains(&&*index.class)
        },
        severity: Severity::Info,
        what: "with NaN among the values searches may miss rows",
        ended_by: &[(14, 24), (15, 19), (16, 15), (17, 11), (18, 6)],
    },
    Fault {
        indexes: "BRIN indexes with bloom filters",
        is_of: |index| index.method == "brin" && index.class.ends_with("_bloom_ops"),
        severity: Severity::Warning,
        what: "searches may miss rows",
        ended_by: &[(14, 18), (15, 13), (16, 9), (17, 5)],
    },
    Fault {
        indexes: "GiST indexes",
        is_of: |index| index.method == "gist",
        severity: Severity::Warning,
        what: "those that were built with many rows may miss some of them",
        ended_by: &[(14, 10), (15, 5), (16, 1)],
    },
    Fault {
        indexes: "B-tree indexes on interval",
        is_of: |index| index.method == "btree" && index.class == "interval_ops",
        severity: Severity::Warning,
        what: "index-only scans may return an equal interval that is written otherwise",
        ended_by: &[(14, 10), (15, 5), (16, 1)],
    },
    Fault {
        indexes: "BRIN indexes",
        is_of: |index| index.method == "brin",
        severity: Severity::Warning,
        what: "searches for NULL may miss rows",
        ended_by: &[(14, 9), (15, 4)],
    },
];

const NOVEMBER_2026: [(u32, u32); 5] = [(14, 25), (15, 20), (16, 16), (17, 12), (18, 7)];

fn is_bpchar(class: &str) -> bool {
    ["bpchar_ops", "bpchar_pattern_ops"].contains(&class)
}

pub fn judge(health: &Health) -> Judged {
    let running = running(health)?;
    let classes = health.versions.index_classes.seen()?;
    let found = FAULTS.iter().filter_map(|fault| {
        let end = fault.end(running)?;
        let affected = classes.iter().filter(|index| (fault.is_of)(index)).collect::<Vec<_>>();
        (!affected.is_empty()).then(|| finding(fault, end, &affected))
    });
    Ok(found.collect::<Found>())
}

fn finding(fault: &Fault, end: Release, affected: &[&IndexClass]) -> Finding {
    let number = affected.iter().map(|index| index.indexes).sum::<i64>();
    let names = affected.iter().flat_map(|index| &index.examples);
    let names = names.map(|name| shell(name)).collect::<Vec<_>>();
    let message = format!(
        "{}: {}",
        count(usize::try_from(number).unwrap_or_default(), "index", "indexes"),
        fault.what,
    );
    Finding::new(&RULE, None, message)
        .about(&fault.indexes)
        .severity(fault.severity)
        .help(format!("update the server to {end} or newer first, then rebuild them: nothing else mends what is there"))
        .command(format!("pgtend reindex {}", names.join(" ")))
        .evidence("indexes", number)
        .evidence("fixed_in", end.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::releases::of_version;
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Versions;

    fn found(number: &str, method: &str, class: &str, has_length: bool) -> Vec<String> {
        let index = IndexClass {
            method: method.to_owned(),
            class: class.to_owned(),
            has_length,
            indexes: 1,
            examples: vec!["public.i".to_owned()],
        };
        let versions =
            Versions { index_classes: Known::Known(vec![index]), ..Versions::default() };
        let health = Health { settings: of_version(number), versions, ..Health::default() };
        let findings = judge(&health).unwrap().findings;
        findings.into_iter().filter_map(|finding| finding.object).collect()
    }

    #[test]
    fn only_the_releases_with_the_error_are_told() {
        assert_eq!(found("150003", "brin", "int4_minmax_ops", false), ["BRIN indexes"]);
        assert_eq!(found("150004", "brin", "int4_minmax_ops", false), [""; 0]);
        assert_eq!(found("160000", "brin", "int4_minmax_ops", false), [""; 0]);
        assert_eq!(found("180001", "gist", "gist_float8_ops", false).len(), 1);
        assert_eq!(found("180006", "gist", "gist_float8_ops", false), [""; 0]);
        assert_eq!(found("190000", "gin", "jsonb_ops", false), [""; 0]);
    }

    #[test]
    fn only_the_indexes_with_the_error_are_told() {
        assert_eq!(found("150018", "btree", "bpchar_ops", false).len(), 1);
        assert_eq!(found("150018", "btree", "bpchar_ops", true), [""; 0]);
        assert_eq!(found("150018", "btree", "text_ops", false), [""; 0]);
        assert_eq!(found("150018", "gist", "gist_trgm_ops", false), ["GiST indexes of pg_trgm"]);
        assert_eq!(found("150018", "gist", "range_ops", false), [""; 0]);
    }
}
