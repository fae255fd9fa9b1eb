use super::releases::running;
use crate::facts::health::{Health, IndexClass};
use crate::facts::{INDEX_FAULTS, IndexFault};
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged};
use crate::pg::version::ServerVersion;

pub const RULE: Rule = Rule::SUSPECT_INDEX;

pub fn judge(health: &Health) -> Judged {
    let running = running(health)?;
    let classes = health.versions.index_classes.seen()?;
    let found = INDEX_FAULTS.iter().filter_map(|fault| {
        let end = fault.fixed_in(running).filter(|end| running < *end)?;
        let affected = classes.iter().filter(|index| fault.is_of(index.key())).collect::<Vec<_>>();
        (!affected.is_empty()).then(|| finding(fault, end, &affected))
    });
    Ok(found.collect::<Found>())
}

fn finding(fault: &IndexFault, end: ServerVersion, affected: &[&IndexClass]) -> Finding {
    let number = affected.iter().map(|index| index.indexes).sum::<i64>();
    let examples = affected.iter().flat_map(|index| &index.examples).cloned().collect::<Vec<_>>();
    let message = format!(
        "{}: {}",
        count(usize::try_from(number).unwrap_or_default(), "index", "indexes"),
        fault.what,
    );
    Finding::new(&RULE, None, message)
        .about(&fault.indexes)
        .severity(if fault.is_rare { Severity::Info } else { Severity::Warning })
        .help(format!("update the server to {end} or newer first, then rebuild them: only a rebuild repairs them"))
        .command("pgtend reindex --suspect")
        .evidence("examples", examples)
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
        let versions = Versions {
            index_classes: Known::Known(vec![index]),
            ..Versions::default()
        };
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
