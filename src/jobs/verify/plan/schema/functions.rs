//! Functions that break where the server restricts the search path.

use crate::facts::migrated::ReliedFunction;
use crate::findings::{Finding, Rule};
use crate::jobs::verify::plan::observed::Origins;

/// A function that could be called with the user's search path and not with the restricted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The function, and what relies on it.
    pub relied: ReliedFunction,
    /// What the server said.
    pub error: String,
}

/// A finding for each index and view that relies on one.
pub fn broken_functions(broken: &[Broken], origins: &Origins) -> Vec<Finding> {
    let new = broken.iter().filter(|broken| origins.is_new(broken.relied.user_oid));
    let findings = new.map(|Broken { relied, error }| {
        let place = origins.place(relied.user_oid);
        let message = format!(
            "the {} {} calls {}, which fails when the search path is restricted, as PostgreSQL 17 and \
             newer do it while they build indexes and refresh views: {error}",
            relied.user_kind, relied.user, relied.function
        );
        let finding = Finding::new(&Rule::SEARCH_PATH_FUNCTION, place, message);
        finding.about(&relied.function).help(format!(
            "name the schemas in its body, or ALTER FUNCTION {} SET search_path = …",
            relied.function
        ))
    });
    findings.collect()
}
