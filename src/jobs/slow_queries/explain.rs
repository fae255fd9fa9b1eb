//! Explaining statements, and what their plans tell.

use crate::declared::DeclaredIndex;
use crate::facts::explain::{Explained, Guard, generic_plan, load_table_facts};
use crate::facts::reach::Trust;
use crate::failure::Result;
use crate::pg::session::Session;
use crate::work::explained::{self, PlanReading};

/// What EXPLAIN tells of a statement.
#[derive(Debug, Clone)]
pub enum Explanation {
    /// Its generic plan, and which declared indexes that are missing would serve it.
    Read(Box<PlanReading>, Vec<String>),
    /// Why there is none.
    None(String),
}

/// Explains a statement; it is never executed, and code of roles that are not trusted neither. `missing`: declared indexes that are not there.
pub async fn explain(
    session: &Session,
    query: &str,
    trust: &Trust,
    missing: &[DeclaredIndex],
) -> Result<Explanation> {
    let plan = match generic_plan(session, query, Guard::Trusted(trust)).await? {
        Explained::Plan(plan) => plan,
        Explained::Not(reason) => return Ok(Explanation::None(reason)),
    };
    let facts = load_table_facts(session, &explained::relations(&plan)).await?;
    let reading = explained::read(&plan, &facts);
    let served = explained::served_by(&reading, &plan, missing)
        .into_iter()
        .map(|(index, how)| {
            let name = index.name.as_deref().unwrap_or("an index without a name");
            format!(
                "the declared index {name} on {} is missing and would serve: {how}",
                index.table
            )
        })
        .collect();
    Ok(Explanation::Read(Box::new(reading), served))
}
