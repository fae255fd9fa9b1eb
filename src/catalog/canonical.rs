//! Letting the server write declared definitions in its own way: on empty copies, in one
//! transaction that is rolled back. Nothing of the user's is touched but for a short AccessShare
//! lock on each table, and nothing remains.

use std::collections::BTreeMap;

use super::definition::{after_table, without_options};
use super::{
    Canonical, IndexQuestion, IndexShape, Questions, Relation, RelationKind, ViewQuestion,
};
use crate::pg::database::Server;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// The answers for declared indexes and views, in the order of the questions.
pub struct Canonicals {
    pub indexes: Vec<Canonical<IndexShape>>,
    pub views: Vec<Canonical<String>>,
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
        Ok(()) => copy_missing_views(session, questions, relations).await,
        Err(error) => return unasked(&error.message),
    };
    let script = Script::write(questions, relations);
    let answers = session.pipeline(&script.statements).await;
    let mut canonicals = script.read(answers, questions);
    for (at, copy) in copies {
        canonicals.views[at] = copy;
    }
    canonicals
}

/// A view yet to be made becomes an empty table that remains until the end, so that declared
/// indexes on it and views over it can be understood. One by one: whether to keep a copy depends
/// on the answer.
async fn copy_missing_views(
    session: &Session,
    questions: &Questions,
    relations: &[Option<Relation>],
) -> Vec<(usize, Canonical<String>)> {
    let missing = questions.views.iter().enumerate();
    let missing = missing.filter(|(_, view)| relations[view.relation].is_none());
    let mut copies = Vec::new();
    for (at, ViewQuestion { relation, columns, query }) in missing {
        let copy = quote_ident(&questions.relations[*relation].name);
        let made = session
            .pipeline(&[
                "SAVEPOINT pgtend_view".to_owned(),
                format!("CREATE TEMP TABLE {copy} {columns} AS {query}\nWITH NO DATA"),
            ])
            .await;
        copies.push(match made.into_iter().find_map(Answer::err) {
            None => (at, Canonical::Known(String::new())),
            Some(error) => {
                session.pipeline(&["ROLLBACK TO SAVEPOINT pgtend_view".to_owned()]).await;
                (at, Canonical::Refused(error))
            }
        });
    }
    copies
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

/// The statements of the transaction, and where in it the answers will be.
struct Script {
    statements: Vec<String>,
    /// For each index question that can be asked: where the table's copy is made (`None` where it
    /// is there already), where the index is made, where it is printed.
    indexes: Vec<Option<(Option<usize>, [usize; 2])>>,
    /// For each view question whose view exists: where its copy is made and where it is printed.
    views: Vec<Option<[usize; 2]>>,
}

impl Script {
    fn write(questions: &Questions, relations: &[Option<Relation>]) -> Script {
        let mut script = Script {
            statements: Vec::new(),
            indexes: vec![None; questions.indexes.len()],
            views: Vec::new(),
        };
        for view in &questions.views {
            let existing = relations[view.relation].as_ref();
            let places = existing.map(|existing| script.view(view, &existing.name));
            script.views.push(places);
        }
        let mut by_relation: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, index) in questions.indexes.iter().enumerate() {
            by_relation.entry(index.relation).or_default().push(at);
        }
        for (relation, indexes) in by_relation {
            let planned = questions.views.iter().any(|view| view.relation == relation);
            script.table(relation, &indexes, questions, relations, planned);
        }
        script.send("ROLLBACK");
        script
    }

    fn send(&mut self, statement: impl Into<String>) -> usize {
        self.statements.push(statement.into());
        self.statements.len() - 1
    }

    /// An existing view's query is compared as the server prints a view of the declared query.
    fn view(&mut self, view: &ViewQuestion, name: &RelationName) -> [usize; 2] {
        let ViewQuestion { columns, query, .. } = view;
        self.send("SAVEPOINT pgtend_view");
        let copy = quote_ident(&name.name);
        let made = self.send(format!("CREATE TEMP VIEW {copy} {columns} AS {query}"));
        let printed = self.send(format!(
            "SELECT pg_catalog.pg_get_viewdef({}::pg_catalog.regclass)",
            temp_literal(&name.name)
        ));
        self.send("ROLLBACK TO SAVEPOINT pgtend_view");
        [made, printed]
    }

    fn table(
        &mut self,
        relation: usize,
        indexes: &[usize],
        questions: &Questions,
        relations: &[Option<Relation>],
        planned: bool,
    ) {
        self.send("SAVEPOINT pgtend_table");
        let (made, name) = match &relations[relation] {
            Some(existing) if can_be_copied(existing.kind) => {
                let copy = quote_ident(&existing.name.name);
                // The copy bears the table's name: an index expression may use it, and the names
                // that the server chooses are made of it.
                let made = self.send(format!(
                    "CREATE TEMP TABLE {copy} (LIKE {} INCLUDING GENERATED INCLUDING STORAGE)",
                    existing.name
                ));
                (Some(made), existing.name.name.as_str())
            }
            None if planned => (None, questions.relations[relation].name.as_str()),
            _ => {
                self.send("RELEASE SAVEPOINT pgtend_table");
                return;
            }
        };
        for at in indexes {
            self.indexes[*at] = Some((made, self.index(&questions.indexes[*at], name)));
        }
        self.send("ROLLBACK TO SAVEPOINT pgtend_table");
    }

    fn index(&mut self, index: &IndexQuestion, table: &str) -> [usize; 2] {
        let unique = if index.unique { "UNIQUE " } else { "" };
        self.send("SAVEPOINT pgtend_index");
        let made = self.send(format!(
            "CREATE {unique}INDEX ON pg_temp.{} {}",
            quote_ident(table),
            index.definition
        ));
        let printed = self.send(
            include_str!("../../sql/catalog/copy_index.sql").replace("$1", &temp_literal(table)),
        );
        self.send("ROLLBACK TO SAVEPOINT pgtend_index");
        [made, printed]
    }

    fn read(&self, mut answers: Vec<Answer<Rows>>, questions: &Questions) -> Canonicals {
        let indexes = self.indexes.iter().zip(&questions.indexes).map(|(places, question)| {
            let Some((copy, [made, printed])) = places else {
                return Canonical::NotCompared("its table does not exist".to_owned());
            };
            if let Some(Err(error)) = copy.map(|copy| &answers[copy]) {
                return Canonical::NotCompared(format!("its table cannot be copied: {error}"));
            }
            match (&answers[*made], &answers[*printed]) {
                (Ok(_), Ok(rows)) => shape(rows, question.unique),
                (Err(error), _) | (_, Err(error)) => refused(error),
            }
        });
        let indexes = indexes.collect();
        let views = self.views.iter().map(|places| {
            let Some([made, printed]) = places else {
                return Canonical::NotCompared("it does not exist yet".to_owned());
            };
            let printed = std::mem::replace(&mut answers[*printed], Ok(Vec::new()));
            match (&answers[*made], printed) {
                (Ok(_), Ok(rows)) => Canonical::Known(first_text(rows)),
                (Err(error), _) => Canonical::Refused(error.clone()),
                (_, Err(error)) => Canonical::Refused(error),
            }
        });
        Canonicals { indexes, views: views.collect() }
    }
}

fn can_be_copied(kind: RelationKind) -> bool {
    use RelationKind::{ForeignTable, MaterializedView, PartitionedTable, Table};
    matches!(kind, Table | PartitionedTable | MaterializedView | ForeignTable)
}

/// The name in this session's temporary schema, as a string literal that casts to regclass.
fn temp_literal(name: &str) -> String {
    crate::pg::name::quote_literal(&format!("pg_temp.{}", quote_ident(name)))
}

fn first_text(rows: Rows) -> String {
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}

fn shape(rows: &Rows, unique: bool) -> Canonical<IndexShape> {
    let text = |at: usize| rows.first().and_then(|row| row.get(at)).and_then(Option::as_deref);
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
