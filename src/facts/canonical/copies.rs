//! Definitions read and printed by the server: of an index on an empty copy of its table, of a view
//! as a view of the same query. All in one transaction that the caller opens and rolls back.
//!
//! PostgreSQL runs code of the table's owner while it reads a definition. Functions are folded into
//! constants with the rights of the index's owner and under a security restriction (`DefineIndex`),
//! but constants are read before that, by whoever sent the statement, and reading a constant of an
//! array, row or range of a domain runs the domain's checks. So what belongs to a role whose code must
//! not run with ours is made as that role from the first word on: the elements of CREATE SCHEMA …
//! AUTHORIZATION are read and run as the schema's owner, who cannot leave his role there (`SET ROLE`
//! and `SET SESSION AUTHORIZATION` fail as they do in a SECURITY DEFINER function). What such code
//! does to the session's settings or leaves in it goes with the savepoint.

use std::collections::{BTreeMap, HashMap};

use tokio_postgres::types::Type;

use super::memory::Question;
use crate::facts::definition::{after_table, without_options};
use crate::facts::load::ask;
use crate::facts::{IndexShape, Oid, Questions, Relation, RelationKind};
use crate::pg::database::Server;
use crate::pg::name::{RelationName, quote_ident, quote_literal};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// An index definition to be read and printed.
#[derive(Debug, Clone)]
pub struct IndexReading {
    /// The table, as it was asked for.
    pub relation: RelationName,
    pub unique: bool,
    /// All that follows the table's name.
    pub definition: String,
    /// Whether it holds no expression and no predicate, so that no code can run.
    pub is_plain: bool,
}

/// A view's query to be read and printed.
#[derive(Debug, Clone)]
pub struct ViewReading {
    /// The view, as it was asked for; it exists.
    pub relation: RelationName,
    /// The parenthesised column list, or empty.
    pub columns: String,
    pub query: String,
}

/// In which schemas the names of a definition are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemasSearched {
    /// In those of the user's search path: the user wrote it.
    OfTheUser,
    /// In `pg_catalog` alone: the server printed it.
    OfTheServer,
}

/// Why a definition was not printed.
#[derive(Debug, Clone)]
pub enum Unread {
    /// It was not sent, for this reason.
    NotSent(String),
    /// The server refused.
    Failed(ServerError),
}

/// What the server printed.
pub type Read<T> = std::result::Result<T, Unread>;

/// To whom what has to be made belongs.
#[derive(Debug, Clone)]
enum CopyOwner {
    /// To the role itself, in its temporary schema.
    Own,
    /// To this role, in a schema of its own.
    Of(String),
    /// It cannot be made, for this reason, where code could run.
    Nowhere(String),
}

type Rows = Vec<Vec<Option<String>>>;

const BEGIN: &str = "SAVEPOINT pgtend_copy";
const KEEP: &str = "RELEASE SAVEPOINT pgtend_copy";
/// A savepoint outlives a rollback to it, and every further one would be nested in it.
const END: [&str; 2] = ["ROLLBACK TO SAVEPOINT pgtend_copy", KEEP];
/// It has a name of its own: under the name of a table that the query reads, the server would have
/// to print the table's schema too.
const VIEW_COPY: &str = "pgtend_view_copy";

/// What the names of copies of tables begin with.
pub const COPY: &str = "pgtend_copy";

/// Where copies are made.
pub struct Copies<'a> {
    session: &'a Session,
    server: &'a Server,
    relations: &'a HashMap<RelationName, Relation>,
    homes: HashMap<Oid, CopyOwner>,
    owners: HashMap<Oid, String>,
    path_of_the_user: String,
    path_of_the_server: String,
    /// Missing views that were made in this transaction, by the name that was asked for.
    made: HashMap<RelationName, RelationName>,
}

impl<'a> Copies<'a> {
    /// Learns to whom the copies have to belong. `tables`: those that may be copied or whose indexes
    /// may be read.
    pub async fn prepare(
        session: &'a Session,
        server: &'a Server,
        relations: &'a HashMap<RelationName, Relation>,
        tables: &[Oid],
    ) -> crate::failure::Result<Self> {
        let sql = include_str!("../../../sql/catalog/copy_owners.sql");
        let mut homes = HashMap::new();
        let mut owners = HashMap::new();
        for row in ask(session, sql, &[(&tables, Type::OID_ARRAY)]).await? {
            let owner = row.get::<_, String>("owner");
            let home = match (row.get("is_trusted"), row.get("may_make")) {
                (true, _) => CopyOwner::Own,
                (false, true) => CopyOwner::Of(owner.clone()),
                (false, false) => CopyOwner::Nowhere(format!(
                    "the comparison needs a copy that belongs to {}, which takes membership in that \
                     role and CREATE on the database",
                    quote_ident(&owner)
                )),
            };
            homes.insert(row.get("oid"), home);
            owners.insert(row.get("oid"), owner);
        }
        Ok(Copies {
            session,
            server,
            relations,
            homes,
            owners,
            path_of_the_user: path(&server.search_path.schemas),
            path_of_the_server: path(&[]),
            made: HashMap::new(),
        })
    }

    /// The question that the print of a text about an existing relation answers.
    pub fn question(
        &self,
        relation: &RelationName,
        text: &str,
        names: SchemasSearched,
    ) -> Option<Question<'_>> {
        let relation = self.relations.get(relation)?.oid;
        let setting = match names {
            SchemasSearched::OfTheUser => &self.path_of_the_user,
            SchemasSearched::OfTheServer => &self.path_of_the_server,
        };
        let owner = self.owners.get(&relation)?;
        let home = match self.homes.get(&relation)? {
            CopyOwner::Own => self.server.role.as_str(),
            CopyOwner::Of(owner) => owner.as_str(),
            CopyOwner::Nowhere(_) => return None,
        };
        let text = format!("{} {owner:?} {home:?} {text}", self.server.version.0);
        Some(Question { relation, text, setting })
    }

    pub async fn begin(&self) -> Answer<()> {
        let script = ["BEGIN".to_owned(), self.path_of_the_server.clone()];
        self.session
            .pipeline(&script)
            .await
            .into_iter()
            .try_for_each(|answer| answer.map(drop))
    }

    pub async fn end(&self) {
        self.session.pipeline(&["ROLLBACK".to_owned()]).await;
    }

    /// Whether both relations have one owner.
    pub fn have_one_owner(&self, one: Oid, other: Oid) -> bool {
        self.owners
            .get(&one)
            .is_some_and(|owner| self.owners.get(&other) == Some(owner))
    }

    /// A view yet to be made is made without data and remains until the end, so that declared indexes
    /// on it and views over it can be understood. One by one: whether it can remain depends on the
    /// answer. It would be the role's own, so it is read with the role's rights, as `apply` will, but
    /// for constants that might run the checks of another role's domain.
    pub async fn make_missing_views(
        &mut self,
        questions: &Questions,
    ) -> crate::failure::Result<Vec<(usize, Read<()>)>> {
        let missing = questions
            .views
            .iter()
            .enumerate()
            .filter(|(_, view)| !self.relations.contains_key(&view.name))
            .collect::<Vec<_>>();
        let mut reads = Vec::new();
        if missing.is_empty() {
            return Ok(reads);
        }
        let domains = include_str!("../../../sql/catalog/strange_domains.sql");
        let domains = ask(self.session, domains, &[]).await?;
        let are_there = domains.first().is_some_and(|row| row.get("are_there"));
        for (at, view) in missing {
            if are_there && view.query.contains(['\'', '$']) {
                let reason = "its constants could run the checks of another role's domain";
                reads.push((at, Err(Unread::NotSent(reason.to_owned()))));
                continue;
            }
            let name = self.server.search_path.place(&view.name);
            let create = format!(
                "CREATE MATERIALIZED VIEW {name} {} AS {}\nWITH NO DATA",
                view.columns, view.query
            );
            let path = self.path(SchemasSearched::OfTheUser);
            let back = self.path(SchemasSearched::OfTheServer);
            let script = [BEGIN.to_owned(), path, create, back, KEEP.to_owned()];
            let answers = self.session.pipeline(&script).await;
            let read = match answers.into_iter().find_map(Answer::err) {
                None => {
                    self.made.insert(view.name.clone(), name);
                    Ok(())
                }
                Some(error) => {
                    self.session.pipeline(&END.map(str::to_owned)).await;
                    Err(Unread::Failed(error))
                }
            };
            reads.push((at, read));
        }
        Ok(reads)
    }

    /// Reads and prints index definitions, each as if it were the only one.
    pub async fn indexes(
        &self,
        readings: &[IndexReading],
        names: SchemasSearched,
    ) -> Vec<Read<IndexShape>> {
        let nothing = Unread::NotSent("it does not exist yet".to_owned());
        let mut reads = vec![Err(nothing); readings.len()];
        let mut groups: BTreeMap<(&RelationName, bool), Vec<usize>> = BTreeMap::new();
        for (at, reading) in readings.iter().enumerate() {
            match self.place(reading) {
                Ok(CopyOwner::Nowhere(reason)) => reads[at] = Err(Unread::NotSent(reason)),
                Ok(CopyOwner::Own) => groups.entry((&reading.relation, true)).or_default().push(at),
                Ok(CopyOwner::Of(_)) => {
                    groups.entry((&reading.relation, false)).or_default().push(at);
                }
                Err(unread) => reads[at] = Err(unread),
            }
        }
        let waiting = groups.into_values().collect::<Vec<_>>();
        let again = self.read_groups(waiting, readings, names, &mut reads).await;
        // An error fails all that follows in its group, so they are read again, each alone.
        self.read_groups(again, readings, names, &mut reads).await;
        reads
    }

    /// Where an index has to be made to be read.
    fn place(&self, reading: &IndexReading) -> Read<CopyOwner> {
        let Some(table) = self.relations.get(&reading.relation) else {
            let not_yet = "it does not exist yet".to_owned();
            let is_made = self.made.contains_key(&reading.relation);
            return if is_made && reading.is_plain {
                Ok(CopyOwner::Own)
            } else {
                Err(Unread::NotSent(not_yet))
            };
        };
        if !can_be_copied(table.kind) {
            return Err(Unread::NotSent(format!("it is {}", table.kind.with_article())));
        }
        let home = if reading.is_plain {
            CopyOwner::Own
        } else {
            self.home(table.oid)
        };
        Ok(match home {
            CopyOwner::Own if !self.server.may_create_temp => CopyOwner::Nowhere(
                "the role lacks the TEMP privilege that the comparison needs".to_owned(),
            ),
            home => home,
        })
    }

    fn home(&self, relation: Oid) -> CopyOwner {
        let gone = || CopyOwner::Nowhere("its owner is not known".to_owned());
        self.homes.get(&relation).cloned().unwrap_or_else(gone)
    }

    async fn read_groups(
        &self,
        groups: Vec<Vec<usize>>,
        readings: &[IndexReading],
        names: SchemasSearched,
        reads: &mut [Read<IndexShape>],
    ) -> Vec<Vec<usize>> {
        let mut script = Vec::new();
        let mut parts = Vec::new();
        for group in groups {
            let members = group.iter().map(|at| &readings[*at]).collect::<Vec<_>>();
            let statements = self.index_script(&members, names);
            parts.push((group, script.len()..script.len() + statements.len()));
            script.extend(statements);
        }
        let answers = self.session.pipeline(&script).await;
        let mut again = Vec::new();
        for (group, part) in parts {
            match outcome(&answers[part]) {
                Ok(rows) => {
                    for (place, at) in group.into_iter().enumerate() {
                        reads[at] = shape(rows.get(place), readings[at].unique);
                    }
                }
                Err(error) if group.len() == 1 || concerns_the_table(&error) => {
                    for at in group {
                        reads[at] = Err(Unread::Failed(error.clone()));
                    }
                }
                Err(_) => again.extend(group.into_iter().map(|at| vec![at])),
            }
        }
        again
    }

    /// Rolling back to a savepoint after each table keeps the number of locks small.
    fn index_script(&self, readings: &[&IndexReading], names: SchemasSearched) -> Vec<String> {
        let Some(first) = readings.first() else {
            return Vec::new();
        };
        let mut script = vec![BEGIN.to_owned(), self.path(names)];
        let index = |reading: &IndexReading, table: &RelationName| {
            let unique = if reading.unique { "UNIQUE " } else { "" };
            format!("CREATE {unique}INDEX ON {table} {}", reading.definition)
        };
        let made = self.made.get(&first.relation);
        let table = match (self.relations.get(&first.relation), self.place(first)) {
            (Some(table), Ok(CopyOwner::Of(owner))) => {
                let copy = RelationName::qualified(self.schema(), table.name.name.as_str());
                let unqualified = RelationName::unqualified(copy.name.as_str());
                let mut statement = format!(
                    "CREATE SCHEMA {} AUTHORIZATION {} CREATE TABLE {unqualified} {}",
                    self.schema(),
                    quote_ident(&owner),
                    like(&table.name)
                );
                for reading in readings {
                    statement.push_str(&format!("\n{}", index(reading, &unqualified)));
                }
                script.push(statement);
                copy
            }
            (Some(table), _) => {
                // It bears the table's name: an index expression may use it, and the names that the
                // server chooses are made of it.
                let copy = RelationName::qualified("pg_temp", table.name.name.as_str());
                script.push(format!("CREATE TABLE {copy} {}", like(&table.name)));
                script.extend(readings.iter().map(|reading| index(reading, &copy)));
                copy
            }
            (None, _) => {
                let Some(view) = made else { return Vec::new() };
                script.extend(readings.iter().map(|reading| index(reading, view)));
                view.clone()
            }
        };
        let literal = quote_literal(&table.to_string());
        let printed = include_str!("../../../sql/catalog/copy_indexes.sql").replace("$1", &literal);
        script.extend([self.path(SchemasSearched::OfTheServer), printed]);
        script.extend(END.map(str::to_owned));
        script
    }

    /// Reads and prints queries of views that exist.
    pub async fn views(
        &self,
        readings: &[ViewReading],
        names: SchemasSearched,
    ) -> Vec<Read<String>> {
        let scripts = readings
            .iter()
            .map(|reading| self.view_script(reading, names))
            .collect::<Vec<_>>();
        let sent = scripts.iter().flatten().flatten().cloned().collect::<Vec<_>>();
        let mut answers = &self.session.pipeline(&sent).await[..];
        let mut reads = Vec::new();
        for script in scripts {
            reads.push(script.and_then(|script| {
                let (own, rest) = answers.split_at(script.len().min(answers.len()));
                answers = rest;
                outcome(own).map(|rows| first_text(&rows)).map_err(Unread::Failed)
            }));
        }
        reads
    }

    fn view_script(&self, reading: &ViewReading, names: SchemasSearched) -> Read<Vec<String>> {
        let ViewReading { relation, columns, query } = reading;
        let Some(view) = self.relations.get(relation) else {
            return Err(Unread::NotSent("it does not exist yet".to_owned()));
        };
        let mut script = vec![BEGIN.to_owned(), self.path(names)];
        let copy = match self.home(view.oid) {
            CopyOwner::Own if self.server.may_create_temp => {
                let copy = RelationName::qualified("pg_temp", VIEW_COPY);
                script.push(format!("CREATE VIEW {copy} {columns} AS {query}"));
                copy
            }
            CopyOwner::Own => {
                let reason = "the role lacks the TEMP privilege that the comparison needs";
                return Err(Unread::NotSent(reason.to_owned()));
            }
            CopyOwner::Of(owner) => {
                script.push(format!(
                    "CREATE SCHEMA {} AUTHORIZATION {} CREATE VIEW {VIEW_COPY} {columns} AS {query}",
                    self.schema(),
                    quote_ident(&owner)
                ));
                RelationName::qualified(self.schema(), VIEW_COPY)
            }
            CopyOwner::Nowhere(reason) => return Err(Unread::NotSent(reason)),
        };
        let literal = quote_literal(&copy.to_string());
        let printed = format!("SELECT pg_catalog.pg_get_viewdef({literal}::pg_catalog.regclass)");
        script.extend([self.path(SchemasSearched::OfTheServer), printed]);
        script.extend(END.map(str::to_owned));
        Ok(script)
    }

    /// The queries of views that exist, as the server prints them; asked before the transaction begins.
    pub async fn existing_views(&self, views: &[Oid]) -> Vec<Read<String>> {
        let printed = views
            .iter()
            .map(|view| format!("SELECT pg_catalog.pg_get_viewdef({view}::pg_catalog.oid)"));
        let answers = self.session.pipeline(&printed.collect::<Vec<_>>()).await;
        let reads = answers.into_iter().map(|answer| match answer {
            Ok(rows) => Ok(first_text(&rows)),
            Err(error) => Err(Unread::NotSent(format!("the server does not print it: {error}"))),
        });
        reads.collect()
    }

    /// The schema that a copy of another role's is made in: of this session, so that two runs do not
    /// wait for one another.
    fn schema(&self) -> String {
        format!("{COPY}_{}", self.session.pid())
    }

    fn path(&self, names: SchemasSearched) -> String {
        match names {
            SchemasSearched::OfTheUser => self.path_of_the_user.clone(),
            SchemasSearched::OfTheServer => self.path_of_the_server.clone(),
        }
    }
}

/// The temporary schema comes last, since it holds the copies, which must not be taken for types of
/// the same name: where it is not named, it comes first.
fn path(schemas: &[String]) -> String {
    let searched = schemas
        .iter()
        .map(|schema| quote_ident(schema))
        .chain(["pg_temp".to_owned()])
        .collect::<Vec<_>>();
    format!("SET LOCAL search_path = {}", searched.join(", "))
}

fn like(table: &RelationName) -> String {
    format!("(LIKE {table} INCLUDING GENERATED INCLUDING STORAGE)")
}

fn can_be_copied(kind: RelationKind) -> bool {
    use RelationKind::{ForeignTable, MaterializedView, PartitionedTable, Table};
    matches!(kind, Table | PartitionedTable | MaterializedView | ForeignTable)
}

/// The rows of the statement before the end, which prints, or the first error.
fn outcome(answers: &[Answer<Rows>]) -> Answer<Rows> {
    let failed = answers.iter().find_map(|answer| answer.as_ref().err());
    match (failed, answers.iter().rev().nth(END.len())) {
        (Some(error), _) => Err(error.clone()),
        (None, Some(answer)) => answer.clone(),
        (None, None) => Ok(Rows::new()),
    }
}

/// Whether no index of the table can be read: a lock that another session holds, a privilege, a limit.
fn concerns_the_table(error: &ServerError) -> bool {
    matches!(error.sqlstate.as_deref(), None | Some("55P03" | "42501" | "57014"))
}

fn first_text(rows: &Rows) -> String {
    rows.iter().flatten().flatten().next().cloned().unwrap_or_default()
}

fn shape(row: Option<&Vec<Option<String>>>, unique: bool) -> Read<IndexShape> {
    let text = |at: usize| row.and_then(|row| row.get(at)).and_then(Option::as_deref);
    let definition = text(0).and_then(after_table);
    match (definition, text(2)) {
        (Some(definition), Some(name)) => Ok(IndexShape {
            unique,
            definition: without_options(definition, text(1)),
            options: text(1).unwrap_or_default().to_owned(),
            name: name.to_owned(),
        }),
        _ => Err(Unread::NotSent("the server printed no definition".to_owned())),
    }
}
