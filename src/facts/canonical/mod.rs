//! How the server writes declared definitions. Nothing of the user's is touched but for a short
//! AccessShare lock on a table, and nothing remains.
//!
//! An index of plain columns is decided by the catalog. For what has expressions, predicates or queries
//! the server is asked, unless it was asked before and nothing has changed since that could change the
//! answer.
//!
//! What the server prints is not always what it prints after it has read that: of `varchar IN (…)` it
//! moves a cast into the list. So where a declared definition is not what exists at first sight, both
//! are read and printed again, until nothing changes any more.

mod copies;
mod memory;
mod plain;
mod present;
mod settled;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::{
    Canonical, Index, IndexQuestion, IndexShape, Oid, PartitionMember, Questions, Relation,
    RelationKind, ViewQuestion, ViewShape,
};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::RelationName;
use crate::pg::session::Session;
use copies::{Copies, IndexReading, Read, SchemasSearched, Unread, ViewReading};
use memory::{Memory, Print, Question};
use plain::{Catalog, Plain};
use present::Present;
use settled::Settled;
use verdict::{canonical, is_any_certain, is_certain};

/// The answers for declared indexes and views.
pub struct Canonicals {
    pub indexes: HashMap<IndexQuestion, Canonical<IndexShape>>,
    pub views: HashMap<ViewQuestion, Canonical<ViewShape>>,
}

impl Canonicals {
    /// Of answers in the order of the questions.
    fn of(
        questions: &Questions,
        indexes: Vec<Canonical<IndexShape>>,
        views: Vec<Canonical<ViewShape>>,
    ) -> Self {
        Canonicals {
            indexes: questions.indexes.iter().cloned().zip(indexes).collect(),
            views: questions.views.iter().cloned().zip(views).collect(),
        }
    }
}

/// What exists, to be compared with what is declared.
pub struct Existing<'a> {
    pub relations: &'a HashMap<RelationName, Relation>,
    pub partitions: &'a HashMap<Oid, Vec<PartitionMember>>,
    /// By table. Their definitions become those that the server prints in the end.
    pub indexes: &'a mut HashMap<Oid, Vec<Index>>,
}

/// Learns how the server writes every declared index and view, and those that exist: from the catalog
/// where that decides, from what it printed in earlier runs, which `folder` keeps, and by asking it.
pub async fn load(
    session: &Session,
    server: &Server,
    questions: &Questions,
    existing: Existing<'_>,
    folder: Option<&Path>,
) -> Result<Canonicals> {
    let plain = plain_indexes(session, server, questions, &existing).await?;
    let rest = plain
        .iter()
        .enumerate()
        .filter(|(_, shape)| shape.is_none())
        .map(|(at, _)| at)
        .collect::<Vec<_>>();
    let mut indexes = plain
        .into_iter()
        .map(|shape| shape.map_or(Canonical::NotCompared(String::new()), Canonical::Known))
        .collect::<Vec<_>>();
    if rest.is_empty() && questions.views.is_empty() {
        return Ok(Canonicals::of(questions, indexes, Vec::new()));
    }
    if let Some(reason) = cannot_copy(server) {
        for at in rest {
            indexes[at] = Canonical::NotCompared(reason.to_owned());
        }
        let view = Canonical::NotCompared(reason.to_owned());
        let views = vec![view; questions.views.len()];
        return Ok(Canonicals::of(questions, indexes, views));
    }
    let tables = tables(&existing);
    let copies = Copies::prepare(session, server, existing.relations, &tables).await?;
    let memory = Memory::open(folder, &server.database);
    let mut reader = DefinitionReader { session, copies, memory, begun: None };
    let compared = compare(&mut reader, questions, existing, &rest, indexes).await;
    reader.end().await;
    compared
}

fn cannot_copy(server: &Server) -> Option<&'static str> {
    if server.in_recovery {
        Some("a standby cannot make the empty copy that the comparison needs")
    } else if server.read_only {
        Some("a read-only session cannot make the empty copy that the comparison needs")
    } else {
        None
    }
}

fn tables(existing: &Existing<'_>) -> Vec<Oid> {
    let relations = existing.relations.values().map(|relation| relation.oid);
    let members = existing.partitions.values().flatten().map(|member| member.oid);
    sorted(relations.chain(members))
}

/// Each once.
fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Indexes of plain columns that the catalog decides: those that exist as they are declared, and
/// those that are missing.
async fn plain_indexes(
    session: &Session,
    server: &Server,
    questions: &Questions,
    existing: &Existing<'_>,
) -> Result<Vec<Option<IndexShape>>> {
    let mut shapes = vec![None; questions.indexes.len()];
    let mut left = Vec::new();
    let present = Present::of(existing);
    for (at, question) in questions.indexes.iter().enumerate() {
        let Some(relation) = existing.relations.get(&question.table) else {
            continue;
        };
        let plain = question.is_plain.then(|| Plain::read(&question.definition)).flatten();
        let Some(plain) = plain.filter(|_| has_indexes(relation.kind)) else {
            continue;
        };
        let shape = plain.as_existing(question.unique, server.version);
        shapes[at] = shape.and_then(|shape| present.as_declared(question, relation.oid, shape));
        if shapes[at].is_none() {
            left.push((at, relation, plain));
        }
    }
    if left.is_empty() {
        return Ok(shapes);
    }
    let tables = sorted(left.iter().map(|(_, relation, _)| relation.oid));
    let columns = sorted(left.iter().flat_map(|(.., plain)| plain.columns()));
    let catalog = Catalog::load(session, &tables, &columns).await?;
    let searched = server.search_path.searched();
    for (at, relation, plain) in &left {
        let question = &questions.indexes[*at];
        let table = (relation.oid, relation.name.name.as_str());
        let shape = plain.by_catalog(question.unique, server.version, table, &catalog, &searched);
        // Whether another one that exists is drift, the server decides.
        shapes[*at] = shape.and_then(|shape| match &question.name {
            Some(name) if present.named(relation.oid, name).is_some() => {
                present.as_declared(question, relation.oid, shape)
            }
            _ => Some(shape),
        });
    }
    Ok(shapes)
}

fn has_indexes(kind: RelationKind) -> bool {
    use RelationKind::{MaterializedView, PartitionedTable, Table};
    matches!(kind, Table | PartitionedTable | MaterializedView)
}

/// Reads definitions from memory, else on copies.
struct DefinitionReader<'a> {
    session: &'a Session,
    copies: Copies<'a>,
    memory: Memory,
    /// Whether the transaction for copies could be begun, once it was tried.
    begun: Option<Read<()>>,
}

impl DefinitionReader<'_> {
    async fn begin(&mut self) -> Read<()> {
        if self.begun.is_none() {
            self.begun = Some(self.copies.begin().await.map_err(Unread::Failed));
        }
        self.begun.clone().unwrap_or(Ok(()))
    }

    async fn end(self) {
        if self.begun.is_some() {
            self.copies.end().await;
        }
        self.memory.keep();
    }

    async fn indexes(
        &mut self,
        readings: &[IndexReading],
        names: SchemasSearched,
    ) -> Result<Vec<Read<IndexShape>>> {
        let questions = readings.iter().map(|reading| {
            let text = format!("index {} {}", reading.unique, reading.definition);
            self.copies.question(&reading.relation, &text, names)
        });
        let keys = self.keys(questions.collect()).await?;
        let remembered =
            keys.iter().map(|key| self.memory.get(key.as_deref()?)).collect::<Vec<_>>();
        let missing =
            (0..readings.len()).filter(|at| remembered[*at].is_none()).collect::<Vec<_>>();
        let mut reads = remembered
            .into_iter()
            .zip(readings)
            .map(|(print, reading)| {
                let Print { definition, options, name } = print.unwrap_or_default();
                Ok(IndexShape { unique: reading.unique, definition, options, name })
            })
            .collect::<Vec<Read<IndexShape>>>();
        if missing.is_empty() {
            return Ok(reads);
        }
        let asked = match self.begin().await {
            Ok(()) => {
                let readings = missing.iter().map(|at| readings[*at].clone()).collect::<Vec<_>>();
                self.copies.indexes(&readings, names).await
            }
            Err(unread) => vec![Err(unread); missing.len()],
        };
        for (at, read) in missing.into_iter().zip(asked) {
            if let (Ok(shape), Some(key)) = (&read, &keys[at]) {
                let IndexShape { definition, options, name, .. } = shape.clone();
                self.memory.put(key.clone(), Print { definition, options, name });
            }
            reads[at] = read;
        }
        Ok(reads)
    }

    async fn views(
        &mut self,
        readings: &[ViewReading],
        names: SchemasSearched,
    ) -> Result<Vec<Read<String>>> {
        let questions = readings.iter().map(|reading| {
            let text = format!("view {} {}", reading.columns, reading.query);
            self.copies.question(&reading.relation, &text, names)
        });
        let keys = self.keys(questions.collect()).await?;
        let mut reads = Vec::new();
        let mut missing = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let print = key.as_deref().and_then(|key| self.memory.get(key));
            if print.is_none() {
                missing.push(at);
            }
            reads.push(Ok(print.unwrap_or_default().definition));
        }
        if missing.is_empty() {
            return Ok(reads);
        }
        let asked = match self.begin().await {
            Ok(()) => {
                let readings = missing.iter().map(|at| readings[*at].clone()).collect::<Vec<_>>();
                self.copies.views(&readings, names).await
            }
            Err(unread) => vec![Err(unread); missing.len()],
        };
        for (at, read) in missing.into_iter().zip(asked) {
            if let (Ok(definition), Some(key)) = (&read, &keys[at]) {
                let print = Print { definition: definition.clone(), ..Print::default() };
                self.memory.put(key.clone(), print);
            }
            reads[at] = read;
        }
        Ok(reads)
    }

    /// The keys of these questions in memory; `None` for what is not kept.
    async fn keys(&self, questions: Vec<Option<Question<'_>>>) -> Result<Vec<Option<String>>> {
        let mut keys = vec![None; questions.len()];
        if !self.memory.is_kept() {
            return Ok(keys);
        }
        let asked = questions.into_iter().enumerate();
        let (places, asked) = asked
            .filter_map(|(at, question)| Some((at, question?)))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        if asked.is_empty() {
            return Ok(keys);
        }
        for (at, key) in places.into_iter().zip(memory::keys(self.session, &asked).await?) {
            keys[at] = key;
        }
        Ok(keys)
    }
}

async fn compare(
    reader: &mut DefinitionReader<'_>,
    questions: &Questions,
    mut existing: Existing<'_>,
    rest: &[usize],
    mut indexes: Vec<Canonical<IndexShape>>,
) -> Result<Canonicals> {
    let mut views = existing_views(reader, questions, &existing).await?;
    if questions.views.iter().any(|view| !existing.relations.contains_key(&view.name)) {
        let made = match reader.begin().await {
            Ok(()) => reader.copies.make_missing_views(questions).await?,
            Err(_) => Vec::new(),
        };
        for (at, read) in made {
            views[at] = canonical(read.map(|()| ViewShape::default()), is_any_certain);
        }
    }
    let readings = rest.iter().map(|at| {
        let index = &questions.indexes[*at];
        IndexReading {
            relation: index.table.clone(),
            unique: index.unique,
            definition: index.definition.clone(),
            is_plain: index.is_plain,
        }
    });
    let reads = reader
        .indexes(&readings.collect::<Vec<_>>(), SchemasSearched::OfTheUser)
        .await?;
    for (at, read) in rest.iter().zip(reads) {
        let is_plain = questions.indexes[*at].is_plain;
        indexes[*at] = canonical(read, if is_plain { is_any_certain } else { is_certain });
    }
    settle(reader, questions, &mut indexes, &mut existing).await?;
    Ok(Canonicals::of(questions, indexes, views))
}

/// An existing view's query is compared as the server prints a view of the declared query.
async fn existing_views(
    reader: &mut DefinitionReader<'_>,
    questions: &Questions,
    existing: &Existing<'_>,
) -> Result<Vec<Canonical<ViewShape>>> {
    let mut canonicals =
        vec![Canonical::NotCompared("it does not exist yet".to_owned()); questions.views.len()];
    let found = questions
        .views
        .iter()
        .enumerate()
        .filter_map(|(at, view)| {
            let relation = existing.relations.get(&view.name)?;
            Some((at, view, relation.oid))
        })
        .collect::<Vec<_>>();
    if found.is_empty() {
        return Ok(canonicals);
    }
    let oids = found.iter().map(|(.., oid)| *oid).collect::<Vec<_>>();
    let readings = found.iter().map(|(_, view, _)| ViewReading {
        relation: view.name.clone(),
        columns: view.columns.clone(),
        query: view.query.clone(),
    });
    let are = reader.copies.existing_views(&oids).await;
    let declared = reader.views(&readings.collect::<Vec<_>>(), SchemasSearched::OfTheUser).await?;
    let mut differing = Vec::new();
    for (((at, ..), declared), is) in found.iter().zip(declared).zip(are) {
        let shape =
            is.and_then(|existing| declared.map(|declared| ViewShape { existing, declared }));
        if shape.as_ref().is_ok_and(|shape| shape.existing != shape.declared) {
            differing.push(*at);
        }
        canonicals[*at] = canonical(shape, is_any_certain);
    }
    settle_views(reader, questions, differing, &mut canonicals).await?;
    Ok(canonicals)
}

/// Reads both queries of these views again and again, until neither changes any more.
async fn settle_views(
    reader: &mut DefinitionReader<'_>,
    questions: &Questions,
    views: Vec<usize>,
    canonicals: &mut [Canonical<ViewShape>],
) -> Result<()> {
    let mut texts = BTreeSet::new();
    for at in &views {
        if let Canonical::Known(shape) = &canonicals[*at] {
            let view = &questions.views[*at].name;
            texts.insert((view.clone(), shape.existing.clone()));
            texts.insert((view.clone(), shape.declared.clone()));
        }
    }
    let mut settled = Settled::new(texts);
    while let Some(texts) = settled.next() {
        let readings = texts.iter().map(|(relation, query)| ViewReading {
            relation: relation.clone(),
            columns: String::new(),
            query: query.trim_end().trim_end_matches(';').to_owned(),
        });
        let reads = reader
            .views(&readings.collect::<Vec<_>>(), SchemasSearched::OfTheServer)
            .await?;
        settled.hear(texts, reads.into_iter().map(Read::ok));
    }
    for at in views {
        if let Canonical::Known(shape) = &mut canonicals[at] {
            let view = &questions.views[at].name;
            shape.existing = settled.of(view, &shape.existing);
            shape.declared = settled.of(view, &shape.declared);
        }
    }
    Ok(())
}

/// Where a declared index is not found at first sight, all definitions of its table are read and
/// printed again.
async fn settle(
    reader: &mut DefinitionReader<'_>,
    questions: &Questions,
    canonicals: &mut [Canonical<IndexShape>],
    existing: &mut Existing<'_>,
) -> Result<()> {
    let unsettled = unsettled(questions, canonicals, existing);
    let mut texts = BTreeSet::new();
    for (question, canonical) in questions.indexes.iter().zip(&*canonicals) {
        if let Some(shape) = canonical.known().filter(|_| unsettled.contains_key(&question.table)) {
            texts.insert((question.table.clone(), shape.definition.clone()));
        }
    }
    for (relation, oid) in &unsettled {
        for index in members(existing, *oid)
            .filter_map(|table| existing.indexes.get(&table))
            .flatten()
        {
            texts.insert((relation.clone(), index.shape.definition.clone()));
        }
    }
    texts.retain(|(_, text)| !is_settled(text));
    let mut settled = Settled::new(texts);
    while let Some(texts) = settled.next() {
        let readings = texts.iter().map(|(relation, definition)| IndexReading {
            relation: relation.clone(),
            unique: false,
            definition: definition.clone(),
            is_plain: false,
        });
        let reads = reader
            .indexes(&readings.collect::<Vec<_>>(), SchemasSearched::OfTheServer)
            .await?;
        settled.hear(texts, reads.into_iter().map(|read| read.ok().map(|shape| shape.definition)));
    }
    for (question, canonical) in questions.indexes.iter().zip(canonicals) {
        if let Canonical::Known(shape) = canonical {
            shape.definition = settled.of(&question.table, &shape.definition);
        }
    }
    for (relation, oid) in unsettled {
        for table in members(existing, oid).collect::<Vec<_>>() {
            if !reader.copies.have_one_owner(oid, table) {
                continue;
            }
            for index in existing.indexes.get_mut(&table).into_iter().flatten() {
                index.shape.definition = settled.of(&relation, &index.shape.definition);
            }
        }
    }
    Ok(())
}

/// The tables of declared indexes that are not found at first sight.
fn unsettled(
    questions: &Questions,
    canonicals: &[Canonical<IndexShape>],
    existing: &Existing<'_>,
) -> BTreeMap<RelationName, Oid> {
    let present = Present::of(existing);
    let declared = questions.indexes.iter().zip(canonicals);
    let unsettled = declared.filter_map(|(question, canonical)| {
        let table = existing.relations.get(&question.table)?.oid;
        let is_there = present.has(question, table, canonical.known()?);
        (!is_there).then(|| (question.table.clone(), table))
    });
    unsettled.collect()
}

/// The table and its partitions.
fn members<'a>(existing: &'a Existing<'_>, table: Oid) -> impl Iterator<Item = Oid> + 'a {
    let members = existing.partitions.get(&table).into_iter().flatten().map(|member| member.oid);
    std::iter::once(table).chain(members.filter(move |member| *member != table))
}

/// Whether the server's print of an index is surely what it prints after reading it: one without
/// expressions and predicate, whose only parentheses are those of the columns and of INCLUDE.
fn is_settled(definition: &str) -> bool {
    let included = usize::from(definition.contains(" INCLUDE ("));
    definition.matches('(').count() <= 1 + included && !definition.contains(" WHERE ")
}
