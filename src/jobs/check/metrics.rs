//! The numbers of findings for Prometheus, in a text file that is replaced as a whole.

use std::collections::BTreeMap;
use std::path::Path;

use super::plan::Judgement;
use crate::files;
use crate::findings::CheckVerdict;
use crate::output::metrics::escaped;
use crate::warning::Warning;

/// Returns the warning where it cannot be written.
pub fn write(file: &Path, database: &str, judgement: &Judgement) -> Option<Warning> {
    let error = files::replace(file, &text(database, judgement)).err()?;
    Some(Warning {
        rule: "metrics_not_written",
        object: file.display().to_string(),
        message: error.to_string(),
    })
}

fn text(database: &str, judgement: &Judgement) -> String {
    let mut counts = BTreeMap::new();
    for finding in &judgement.review.findings {
        *counts.entry((finding.rule.as_str(), finding.severity.name())).or_insert(0_u64) += 1;
    }
    let database = escaped(database);
    let mut text = "# HELP pgtend_check_findings Findings of pgtend check.\n\
                    # TYPE pgtend_check_findings gauge\n"
        .to_owned();
    for ((check, severity), count) in counts {
        let labels = format!("database=\"{database}\",check=\"{check}\",severity=\"{severity}\"");
        text.push_str(&format!("pgtend_check_findings{{{labels}}} {count}\n"));
    }
    let checks = judgement.review.checks.iter();
    let unknown = checks.filter(|check| check.verdict == CheckVerdict::Unknown).count();
    text.push_str(&format!(
        "# HELP pgtend_check_unknown Checks that could not look.\n\
         # TYPE pgtend_check_unknown gauge\n\
         pgtend_check_unknown{{database=\"{database}\"}} {unknown}\n"
    ));
    text
}
