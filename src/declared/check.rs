//! What can be said about a declaration before any server is asked.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::{Declaration, DeclaredIndex, DeclaredView, Source};
use crate::failure::{Failure, Kind, Result};
use crate::pg::name::{NAME_MAX_BYTES, RelationName, quote_ident, with_suffix};
use crate::warning::Warning;

/// So many problems are printed; a file of the wrong kind has one a statement.
const PROBLEMS_SHOWN: usize = 20;

/// Something wrong at one place of one file.
pub struct Problem {
    pub source: Source,
    pub message: String,
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(source: &Source, message: impl Into<String>) -> Self {
        Problem { source: source.clone(), message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Cuts names as PostgreSQL does, so that they are those of the catalog, and says so.
pub fn cut_names(declaration: &mut Declaration) {
    let warnings = &mut declaration.warnings;
    for index in &mut declaration.indexes {
        if let Some(name) = &mut index.name {
            cut(name, &index.source, warnings);
        }
        cut_relation(&mut index.table, &index.source, warnings);
    }
    for view in &mut declaration.views {
        cut_relation(&mut view.name, &view.source, warnings);
    }
    for comment in &mut declaration.comments {
        cut_relation(&mut comment.name, &comment.source, warnings);
    }
    for maintenance in &mut declaration.maintenance {
        if let Some(table) = &mut maintenance.table {
            cut_relation(table, &maintenance.source, warnings);
        }
    }
}

fn cut_relation(name: &mut RelationName, source: &Source, warnings: &mut Vec<Warning>) {
    if let Some(schema) = &mut name.schema {
        cut(schema, source, warnings);
    }
    cut(&mut name.name, source, warnings);
}

fn cut(name: &mut String, source: &Source, warnings: &mut Vec<Warning>) {
    if name.len() <= NAME_MAX_BYTES {
        return;
    }
    let kept = with_suffix(name, "");
    let message = format!(
        "{source}: the name {} has {} bytes; PostgreSQL keeps {NAME_MAX_BYTES}: {}",
        quote_ident(name),
        name.len(),
        quote_ident(&kept)
    );
    warnings.push(Warning { rule: "name_cut", object: kept.clone(), message });
    *name = kept;
}

/// Two definitions under one name are a problem; the same declaration again is only noted and
/// left out.
pub fn twice(declaration: &mut Declaration, problems: &mut Vec<Problem>) {
    let warnings = &mut declaration.warnings;
    keep_first(&mut declaration.indexes, warnings, problems, same_index);
    keep_first(&mut declaration.views, warnings, problems, same_view);
    keep_first(&mut declaration.maintenance, warnings, problems, |first, second| {
        let same = first.kind == second.kind
            && first.table == second.table
            && first.columns == second.columns
            && first.options == second.options;
        if same { Likeness::Same } else { Likeness::Unrelated }
    });
    keep_first(&mut declaration.comments, warnings, problems, |first, second| {
        if first.on != second.on || first.name != second.name {
            Likeness::Unrelated
        } else if first.text == second.text {
            Likeness::Same
        } else {
            Likeness::Conflicting
        }
    });
}

enum Likeness {
    Unrelated,
    Same,
    Conflicting,
}

/// Of a SQL file and a Prisma schema the server judges what is the same.
fn same_index(first: &DeclaredIndex, second: &DeclaredIndex) -> Likeness {
    if first.origin != second.origin {
        return Likeness::Unrelated;
    }
    let same_definition = may_be_same(&first.table, &second.table)
        && first.unique == second.unique
        && first.definition == second.definition;
    match (&first.name, &second.name) {
        (None, None) if same_definition => Likeness::Same,
        (Some(a), Some(b)) if a == b && schemas_may_be_same(&first.table, &second.table) => {
            if same_definition {
                Likeness::Same
            } else {
                Likeness::Conflicting
            }
        }
        _ => Likeness::Unrelated,
    }
}

fn same_view(first: &DeclaredView, second: &DeclaredView) -> Likeness {
    if !may_be_same(&first.name, &second.name) {
        return Likeness::Unrelated;
    }
    let same = first.query == second.query && first.columns == second.columns;
    if same { Likeness::Same } else { Likeness::Conflicting }
}

fn may_be_same(first: &RelationName, second: &RelationName) -> bool {
    first.name == second.name && schemas_may_be_same(first, second)
}

/// Without a schema the search path decides, so the two may be the same.
fn schemas_may_be_same(first: &RelationName, second: &RelationName) -> bool {
    match (&first.schema, &second.schema) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

fn keep_first<T: Placed>(
    items: &mut Vec<T>,
    warnings: &mut Vec<Warning>,
    problems: &mut Vec<Problem>,
    likeness: impl Fn(&T, &T) -> Likeness,
) {
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
    for item in items.drain(..) {
        let earlier = seen.entry(item.bucket()).or_default();
        let verdict = earlier.iter().map(|at| (*at, likeness(&kept[*at], &item))).find_map(
            |(at, likeness)| match likeness {
                Likeness::Unrelated => None,
                Likeness::Same => Some((at, true)),
                Likeness::Conflicting => Some((at, false)),
            },
        );
        match verdict {
            None => {
                earlier.push(kept.len());
                kept.push(item);
            }
            Some((at, true)) => warnings.push(Warning {
                rule: "declared_twice",
                object: item.label(),
                message: format!(
                    "{}: declared at {} already; counted once",
                    item.source(),
                    kept[at].source()
                ),
            }),
            Some((at, false)) => problems.push(
                Problem::new(
                    item.source(),
                    format!("{} is declared differently at {}", item.label(), kept[at].source()),
                )
                .hint("one name can have one definition; remove or rename one of the two"),
            ),
        }
    }
    *items = kept;
}

/// What the search for things declared twice needs to know of a declared thing.
trait Placed {
    fn source(&self) -> &Source;
    fn label(&self) -> String;
    /// Only things of one bucket can be the same.
    fn bucket(&self) -> String;
}

impl Placed for DeclaredIndex {
    fn source(&self) -> &Source {
        &self.source
    }
    fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("index {}", quote_ident(name)),
            None => format!("an index on {} without a name", self.table),
        }
    }
    fn bucket(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!(" {}", self.definition))
    }
}

impl Placed for DeclaredView {
    fn source(&self) -> &Source {
        &self.source
    }
    fn label(&self) -> String {
        format!("materialized view {}", self.name)
    }
    fn bucket(&self) -> String {
        self.name.name.clone()
    }
}

impl Placed for crate::declared::DeclaredMaintenance {
    fn source(&self) -> &Source {
        &self.source
    }
    fn label(&self) -> String {
        match &self.table {
            Some(table) => format!("{} {table}", self.kind.keyword()),
            None => self.kind.keyword().to_owned(),
        }
    }
    fn bucket(&self) -> String {
        self.label()
    }
}

impl Placed for crate::declared::DeclaredComment {
    fn source(&self) -> &Source {
        &self.source
    }
    fn label(&self) -> String {
        format!("the comment on {}", self.name)
    }
    fn bucket(&self) -> String {
        self.name.to_string()
    }
}

/// Turns the problems into one failure, or none. Of files that were included it is said where.
pub fn report(mut problems: Vec<Problem>, included: &HashMap<Arc<Path>, Source>) -> Result<()> {
    problems.sort_by(|a, b| (&a.source.file, a.source.line).cmp(&(&b.source.file, b.source.line)));
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let hint = first.hint.clone();
    let mut lines = problems
        .iter()
        .take(PROBLEMS_SHOWN)
        .map(|problem| match included.get(&problem.source.file) {
            Some(at) => format!("{}: {} (included at {at})", problem.source, problem.message),
            None => format!("{}: {}", problem.source, problem.message),
        })
        .collect::<Vec<_>>();
    if problems.len() > PROBLEMS_SHOWN {
        lines.push(format!("and {} more", problems.len() - PROBLEMS_SHOWN));
    }
    let mut failure = Failure::new(Kind::Declaration, lines.join("\n"));
    failure.hint = hint;
    Err(failure)
}
