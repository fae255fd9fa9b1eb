//! What was found on a day, and is known from then on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind, Result};
use crate::files;
use crate::findings::Finding;

/// Findings by rule and object: no figures, which change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Of this form of the file.
    schema_version: u32,
    /// The objects of each rule.
    findings: BTreeMap<String, Vec<String>>,
}

const SCHEMA_VERSION: u32 = 1;

impl Baseline {
    pub fn of(findings: &[Finding]) -> Self {
        let mut of_rules = BTreeMap::<String, Vec<String>>::new();
        for finding in findings {
            let objects = of_rules.entry(finding.rule.clone()).or_default();
            objects.push(finding.object.clone().unwrap_or_default());
        }
        of_rules.values_mut().for_each(|objects| objects.sort());
        Baseline { schema_version: SCHEMA_VERSION, findings: of_rules }
    }

    /// # Errors
    /// `Config` where the file cannot be read, or is none of ours.
    pub fn read(file: &Path) -> Result<Self> {
        let wrong = |why: String| {
            Failure::new(
                Kind::Config,
                format!("cannot read the baseline {}: {why}", file.display()),
            )
            .hint(format!("pgtend check --write-baseline {} writes one", file.display()))
        };
        let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let baseline =
            serde_json::from_str::<Baseline>(&text).map_err(|error| wrong(error.to_string()))?;
        match baseline.schema_version {
            SCHEMA_VERSION => Ok(baseline),
            other => Err(wrong(format!("its schema_version {other} is not known here"))),
        }
    }

    /// # Errors
    /// `Io` where it cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        files::replace(file, &text).map_err(|error| files::not_written(file, &error))
    }

    /// The findings that are new.
    pub fn without_known(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let is_new = |finding: &Finding| {
            let objects = self.findings.get(&finding.rule);
            let object = finding.object.clone().unwrap_or_default();
            objects.is_none_or(|objects| !objects.contains(&object))
        };
        findings.into_iter().filter(is_new).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Rule;

    #[test]
    fn what_is_known_is_known_again_by_rule_and_object() {
        let finding = |object: &str, message: &str| {
            Finding::new(&Rule::UNUSED_INDEX, None, message).about(&object)
        };
        let baseline = Baseline::of(&[finding("public.a", "12 MiB")]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known.json");
        baseline.write(&file).unwrap();
        assert_eq!(Baseline::read(&file).unwrap(), baseline);
        let new =
            baseline.without_known(vec![finding("public.a", "13 MiB"), finding("public.b", "1")]);
        assert_eq!(new, [finding("public.b", "1")]);
        fs::write(&file, "{}").unwrap();
        assert!(Baseline::read(&file).unwrap_err().to_string().contains("schema_version"));
    }
}
