//! IF NOT EXISTS where something else bears the name.

use std::collections::HashMap;

use squawk_syntax::ast::Stmt;

use crate::facts::Oid;
use crate::facts::observed::ObservedRelation;
use crate::findings::{Finding, Rule};
use crate::jobs::verify::plan::meant::Meant;
use crate::jobs::verify::plan::observed::Origins;
use crate::jobs::verify::plan::relations::{RelationStep, Relations, keyword};
use crate::pg::name::NAME_MAX_BYTES;
use crate::pg::session::Notice;

/// `duplicate_table`, which is said of every kind of relation (PostgreSQL documentation, appendix A).
const DUPLICATE: &str = "42P07";

/// What is there after a step.
pub struct There<'a> {
    pub relations: &'a Relations,
    pub origins: &'a Origins,
    /// Names as they were written, of relations whose name was cut.
    pub written: &'a HashMap<Oid, String>,
}

/// What had no effect in the step: the statement itself, and those that a function or DO has sent.
pub fn check(step: &RelationStep, statement: Option<&Stmt>, there: &There<'_>) -> Vec<Finding> {
    let own = statement.and_then(Meant::of);
    let sent = step
        .notices
        .iter()
        .filter(|notice| notice.sqlstate == DUPLICATE)
        .filter_map(|notice| Meant::read(sent_by_function(notice)?));
    own.into_iter()
        .chain(sent)
        .filter_map(|meant| judge(step, &meant, there))
        .collect()
}

/// PL/pgSQL says in the context of a notice which statement it has sent.
pub fn sent_by_function(notice: &Notice) -> Option<&str> {
    let context = notice.context.as_deref()?.strip_prefix("SQL statement \"")?;
    let end = context.find("\"\nPL/pgSQL function ")?;
    Some(&context[..end])
}

fn judge(step: &RelationStep, meant: &Meant, there: &There<'_>) -> Option<Finding> {
    let met = meant.met(there.relations, step)?;
    if met.is_temporary || is_meant(step, meant, met, there) {
        return None;
    }
    let made = there.origins.place(met.oid).map(|place| format!(" (made at {})", place.at));
    let message = format!(
        "nothing is created: {} is {} already{}, and IF NOT EXISTS hides it",
        met.qualified(),
        whose(met, there.relations),
        made.unwrap_or_default(),
    );
    let finding = Finding::new(&Rule::NAME_COLLISION, Some(step.place.clone()), message);
    Some(finding.help(
        "choose another name: tables, views, sequences and indexes of a schema share their names, \
         and only the first 63 bytes of a name count",
    ))
}

/// IF NOT EXISTS is for what is there by another way: the same kind of relation, of the same table,
/// and not one whose long name only ends otherwise.
fn is_meant(step: &RelationStep, meant: &Meant, met: &ObservedRelation, there: &There<'_>) -> bool {
    let is_cut = meant.name.name.len() > NAME_MAX_BYTES;
    let is_other = |written: &String| *written != meant.name.name;
    if keyword(met.kind) != keyword(meant.kind)
        || is_cut && there.written.get(&met.oid).is_none_or(is_other)
    {
        return false;
    }
    let of = meant.of.as_ref().and_then(|of| there.relations.found(of, &step.names));
    of.is_none_or(|table| met.of == Some(table.oid))
}

fn whose(met: &ObservedRelation, relations: &Relations) -> String {
    match met.of.and_then(|of| relations.get(of)) {
        Some(table) if keyword(met.kind) == "INDEX" => format!("an index on {}", table.qualified()),
        _ => met.kind.with_article().to_owned(),
    }
}
