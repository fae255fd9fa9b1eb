//! By what CI systems and baselines know a finding again in the next run.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::Finding;
use super::Repository;

/// One for each finding: of its rule, its file and its line's text, so that it stays the same where
/// lines are put before it; and which of several such it is. Of what stands in no file its object
/// counts, and no figure.
pub fn fingerprints(findings: &[Finding], repository: &Repository) -> Vec<String> {
    let mut seen = HashMap::new();
    let fingerprints = findings.iter().map(|finding| {
        let (file, text) = match &finding.place {
            Some(place) => (repository.name(&place.at.file), place.text.trim()),
            None => (String::new(), finding.object.as_deref().unwrap_or(&finding.message)),
        };
        let subject = (finding.rule.as_str(), file, text);
        let occurrence = seen.entry(subject.clone()).and_modify(|number| *number += 1).or_insert(0);
        let (rule, file, text) = subject;
        // No rule and no file name holds a zero.
        hash(&format!("{rule}\0{file}\0{occurrence}\0{text}"))
    });
    fingerprints.collect()
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::declared::Source;
    use crate::findings::repository::tests::repository;
    use crate::findings::{Place, Rule};

    fn of(lines: &[(u32, &str)]) -> Vec<String> {
        let findings = lines.iter().map(|(line, text)| {
            let text = (*text).to_owned();
            let at = Source { file: Path::new("1.sql").into(), line: *line, column: 1 };
            let place = Place { at, text, from: 1 };
            Finding::new(&Rule::SYNTAX, Some(place), "message")
        });
        fingerprints(&findings.collect::<Vec<_>>(), &repository())
    }

    #[test]
    fn a_finding_is_known_again_at_another_line() {
        assert_eq!(of(&[(1, "a"), (2, "b")]), of(&[(3, "  a"), (9, "b")]));
    }

    #[test]
    fn none_is_there_twice() {
        let [first, again, other] = &of(&[(1, "a"), (2, "a"), (3, "b")])[..] else {
            panic!()
        };
        assert!(first != again && first != other && again != other);
        assert_eq!(first.len(), 64);
    }
}
