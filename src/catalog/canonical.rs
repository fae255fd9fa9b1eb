//! Letting the server write declared definitions in its own way: on empty copies, in one
//! transaction that is rolled back. Nothing of the user's is touched but for a short AccessShare
//! lock on each table, and nothing remains.

use std::collections::BTreeMap;
use std::mem;

use super::definition::{after_table, without_options};
use super::{
    Canonical, IndexQuestion, IndexShape, Questions, Relation, RelationKind, ViewQuestion,
    ViewShape,
};
use crate::pg::database::Server;
use crate::pg::name::{RelationName, quote_literal};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// The answers for declared indexes and views, in the order of the questions.
pub struct Canonicals {
    pub indexes: Vec<Canonical<IndexShape>>,
    pub views: Vec<Canonical<ViewShape>>,
}

type Rows = Vec<Vec<Option<String>>>;

/// Asks the server to write every declared index and view.
pub async fn load(
    session: &Session,
    server: &Server,
    questions: &Questions,
    relations: &[Option<Relation>],
) -> Canonicals {
    let unasked = |reason: &str| Canonicals {
        indexes: vec![Canonical::NotCompared(reason.to_owned()); questions.indexes.len()],
        views: vec![Canonical::NotCompared(reason.to_owned()); questions.views.len()],
    };
    if questions.indexes.is_empty() && questions.views.is_empty() {
        return unasked("");
    }
    if let Some(reason) = cannot_copy(server) {
        return unasked(reason);
    }
    let copies = match session.execute("BEGIN").await {
        Ok(()) => make_missing_views(session, questions, relations).await,
        Err(error) => return unasked(&error.message),
    };
    let mut canonicals = unasked("it does not exist yet");
    let script = Script::write(by_relation(questions), questions, relations, Views::Included);
    let again = script.ask(session, questions, &mut canonicals).await;
    // An error fails all that follows in its group, so they are asked again, each alone.
    let script = Script::write(again, questions, relations, Views::LeftOut);
    script.ask(session, questions, &mut canonicals).await;
    session.pipeline(&["ROLLBACK".to_owned()]).await;
    for (at, copy) in copies {
        canonicals.views[at] = copy;
    }
    canonicals
}

/// Index questions by the relation that they are about.
fn by_relation(questions: &Questions) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, index) in questions.indexes.iter().enumerate() {
        groups.entry(index.relation).or_default().push(at);
    }
    groups.into_values().collect()
}

/// A view yet to be made is made without data and remains until the end, so that declared indexes
/// on it and views over it can be understood. One by one: whether it can remain depends on the
/// answer.
async fn make_missing_views(
    session: &Session,
    questions: &Questions,
    relations: &[Option<Relation>],
) -> Vec<(usize, Canonical<ViewShape>)> {
    let missing = questions.views.iter().enumerate();
    let missing = missing.filter(|(_, view)| relations[view.relation].is_none());
    let mut made = Vec::new();
    for (at, ViewQuestion { relation, columns, query }) in missing {
        let name = &questions.relations[*relation];
        let answers = session
            .pipeline(&[
                "SAVEPOINT pgtend_view".to_owned(),
                format!("CREATE MATERIALIZED VIEW {name} {columns} AS {query}\nWITH NO DATA"),
            ])
            .await;
        made.push(match answers.into_iter().find_map(Answer::err) {
            None => (at, Canonical::Known(ViewShape::default())),
            Some(error) => {
                session.pipeline(&["ROLLBACK TO SAVEPOINT pgtend_view".to_owned()]).await;
                (at, Canonical::Refused(error))
            }
        });
    }
    made
}

fn cannot_copy(server: &Server) -> Option<&'static str> {
    if server.in_recovery {
        Some("a standby cannot make the empty copy that the comparison needs")
    } else if server.read_only {
        Some("a read-only session cannot make the empty copy that the comparison needs")
    } else if !server.may_create_temp {
        Some("the role lacks the TEMP privilege that the comparison needs")
    } else {
        None
    }
}

/// Statements to send, and where among them the answers will be.
#[derive(Default)]
struct Script {
    statements: Vec<String>,
    groups: Vec<Group>,
    /// Of each view that exists: its question, and where it is printed, made anew as declared, and
    /// printed again.
    views: Vec<(usize, [usize; 3])>,
}

/// Whether a script asks for the views too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Views {
    Included,
    LeftOut,
}

/// Declared indexes that are made on one copy of their table.
struct Group {
    questions: Vec<usize>,
    /// Where the copy is made; `None` where it is there already.
    copy: Option<usize>,
    /// Where each index is made.
    made: Vec<usize>,
    /// Where all of them are printed, in this order.
    printed: usize,
}

impl Script {
    fn write(
        groups: Vec<Vec<usize>>,
        questions: &Questions,
        relations: &[Option<Relation>],
        views: Views,
    ) -> Script {
        let mut script = Script::default();
        for (at, view) in questions.views.iter().enumerate() {
            let existing = relations[view.relation].as_ref();
            if let Some(existing) = existing.filter(|_| views == Views::Included) {
                let places = script.view(view, &existing.name);
                script.views.push((at, places));
            }
        }
        for group in groups {
            script.group(group, questions, relations);
        }
        script
    }

    fn send(&mut self, statement: impl Into<String>) -> usize {
        self.statements.push(statement.into());
        self.statements.len() - 1
    }

    /// An existing view's query is compared as the server prints a view of the declared query. That
    /// view has a name of its own: under the name of a table that the query reads, the server would
    /// have to print the table's schema too.
    fn view(&mut self, view: &ViewQuestion, name: &RelationName) -> [usize; 3] {
        let ViewQuestion { columns, query, .. } = view;
        self.send("SAVEPOINT pgtend_view");
        let printed = |name: &RelationName| {
            let name = quote_literal(&name.to_string());
            format!("SELECT pg_catalog.pg_get_viewdef({name}::pg_catalog.regclass)")
        };
        let existing = self.send(printed(name));
        let copy = RelationName::qualified("pg_temp", "pgtend_view_copy");
        let made = self.send(format!("CREATE VIEW {copy} {columns} AS {query}"));
        let declared = self.send(printed(&copy));
        self.send("ROLLBACK TO SAVEPOINT pgtend_view");
        [existing, made, declared]
    }

    /// Rolling back to a savepoint after each table keeps the number of locks small.
    fn group(&mut self, group: Vec<usize>, questions: &Questions, relations: &[Option<Relation>]) {
        let Some(first) = group.first() else { return };
        let relation = questions.indexes[*first].relation;
        let planned = questions.views.iter().any(|view| view.relation == relation);
        let existing = relations[relation].as_ref();
        if !planned && !existing.is_some_and(|existing| can_be_copied(existing.kind)) {
            return;
        }
        self.send("SAVEPOINT pgtend_table");
        let (copy, name) = match existing {
            Some(existing) => {
                let (copy, name) = self.copy(&existing.name);
                (Some(copy), name)
            }
            None => (None, questions.relations[relation].clone()),
        };
        let made = group.iter().map(|at| self.index(&questions.indexes[*at], &name)).collect();
        let literal = quote_literal(&name.to_string());
        let printed =
            self.send(include_str!("../../sql/catalog/copy_indexes.sql").replace("$1", &literal));
        self.send("ROLLBACK TO SAVEPOINT pgtend_table");
        self.groups.push(Group { questions: group, copy, made, printed });
    }

    /// The copy bears the table's name: an index expression may use it, and the names that the
    /// server chooses are made of it.
    fn copy(&mut self, table: &RelationName) -> (usize, RelationName) {
        let copy = RelationName::qualified("pg_temp", table.name.as_str());
        let made = self.send(format!(
            "CREATE TABLE {copy} (LIKE {table} INCLUDING GENERATED INCLUDING STORAGE)"
        ));
        (made, copy)
    }

    fn index(&mut self, index: &IndexQuestion, table: &RelationName) -> usize {
        let unique = if index.unique { "UNIQUE " } else { "" };
        self.send(format!("CREATE {unique}INDEX ON {table} {}", index.definition))
    }

    /// Sends the statements and reads the answers; returns the questions that have to be asked
    /// again.
    async fn ask(
        self,
        session: &Session,
        questions: &Questions,
        canonicals: &mut Canonicals,
    ) -> Vec<Vec<usize>> {
        let answers = session.pipeline(&self.statements).await;
        self.read(answers, questions, canonicals)
    }

    /// Reads the answers into the canonicals; returns the questions that have to be asked again.
    fn read(
        self,
        mut answers: Vec<Answer<Rows>>,
        questions: &Questions,
        canonicals: &mut Canonicals,
    ) -> Vec<Vec<usize>> {
        for (at, [existing, made, declared]) in self.views {
            let [existing, declared] =
                [existing, declared].map(|at| mem::replace(&mut answers[at], Ok(Vec::new())));
            canonicals.views[at] = match (existing, &answers[made], declared) {
                (Err(error), ..) => {
                    Canonical::NotCompared(format!("the server does not print it: {error}"))
                }
                (_, Err(error), _) => Canonical::Refused(error.clone()),
                (_, _, Err(error)) => Canonical::Refused(error),
                (Ok(existing), Ok(_), Ok(declared)) => Canonical::Known(ViewShape {
                    existing: first_text(existing),
                    declared: first_text(declared),
                }),
            };
        }
        let mut again = Vec::new();
        for group in self.groups {
            let answer = group.answer(&answers);
            if matches!(&answer, Err(refusal) if refusal.may_concern_one_only(&group)) {
                again.extend(group.questions.into_iter().map(|at| vec![at]));
                continue;
            }
            for (place, at) in group.questions.into_iter().enumerate() {
                canonicals.indexes[at] = match &answer {
                    Ok(rows) => shape(rows.get(place), questions.indexes[at].unique),
                    Err(Refusal::OfCopy(reason)) => Canonical::NotCompared(reason.clone()),
                    Err(Refusal::OfIndex(error)) => refused(error),
                };
            }
        }
        again
    }
}

/// Why a group has no answer.
enum Refusal {
    /// The table could not be copied.
    OfCopy(String),
    /// One of the indexes could not be made, or printed.
    OfIndex(ServerError),
}

impl Refusal {
    fn may_concern_one_only(&self, group: &Group) -> bool {
        matches!(self, Refusal::OfIndex(_)) && group.questions.len() > 1
    }
}

impl Group {
    /// The printed indexes, or the first thing that went wrong.
    fn answer<'a>(&self, answers: &'a [Answer<Rows>]) -> Result<&'a Rows, Refusal> {
        if let Some(Err(error)) = self.copy.map(|at| &answers[at]) {
            return Err(Refusal::OfCopy(format!("its table cannot be copied: {error}")));
        }
        if let Some(error) = self.made.iter().find_map(|at| answers[*at].as_ref().err()) {
            return Err(Refusal::OfIndex(error.clone()));
        }
        answers[self.printed].as_ref().map_err(|error| Refusal::OfIndex(error.clone()))
    }
}

fn can_be_copied(kind: RelationKind) -> bool {
    use RelationKind::{ForeignTable, MaterializedView, PartitionedTable, Table};
    matches!(kind, Table | PartitionedTable | MaterializedView | ForeignTable)
}

fn first_text(rows: Rows) -> String {
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}

fn shape(row: Option<&Vec<Option<String>>>, unique: bool) -> Canonical<IndexShape> {
    let text = |at: usize| row.and_then(|row| row.get(at)).and_then(Option::as_deref);
    let definition = text(0).and_then(after_table);
    match (definition, text(2)) {
        (Some(definition), Some(name)) => Canonical::Known(IndexShape {
            unique,
            definition: without_options(definition, text(1)),
            options: text(1).unwrap_or_default().to_owned(),
            name: name.to_owned(),
        }),
        _ => Canonical::NotCompared("the server printed no definition".to_owned()),
    }
}

/// A refusal counts as the server's verdict on the declaration only where it cannot come from the
/// copy: a function of the whole row, for example, has another argument type there.
fn refused(error: &ServerError) -> Canonical<IndexShape> {
    let certain = matches!(
        error.sqlstate.as_deref(),
        // Undefined column, undefined object (operator class, collation, method), syntax error,
        // invalid object definition (a function that is not immutable), invalid parameter value.
        Some("42703" | "42704" | "42601" | "42P17" | "22023" | "0A000")
    );
    if certain {
        Canonical::Refused(error.clone())
    } else {
        Canonical::NotCompared(error.to_string())
    }
}
