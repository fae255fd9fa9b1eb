//! How the server writes declared definitions. Nothing of the user's is touched but for a short
//! AccessShare lock on each table, and nothing remains.
//!
//! What the server prints is not always what it prints after it has read that: of `varchar IN (…)` it
//! moves a cast into the list. So where a declared definition is not what exists at first sight, both
//! are read and printed again, until nothing changes any more.

mod copies;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use self::copies::{Copies, IndexReading, Names, Read, Unread, ViewReading};
use super::{Canonical, Index, IndexShape, Oid, Partition, Questions, Relation, ViewShape};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// After so many readings of its own print the server is taken at its word.
const READINGS: usize = 4;

/// The answers for declared indexes and views, in the order of the questions.
pub struct Canonicals {
    pub indexes: Vec<Canonical<IndexShape>>,
    pub views: Vec<Canonical<ViewShape>>,
}

/// What exists, to be compared with what is declared.
pub struct Existing<'a> {
    pub relations: &'a [Option<Relation>],
    pub partitions: &'a HashMap<Oid, Vec<Partition>>,
    /// By table. Their definitions become those that the server prints in the end.
    pub indexes: &'a mut HashMap<Oid, Vec<Index>>,
}

/// Asks the server to write every declared index and view, and those that exist.
pub async fn load(
    session: &Session,
    server: &Server,
    questions: &Questions,
    existing: Existing<'_>,
) -> Result<Canonicals> {
    let unasked = |reason: &str| Canonicals {
        indexes: vec![Canonical::NotCompared(reason.to_owned()); questions.indexes.len()],
        views: vec![Canonical::NotCompared(reason.to_owned()); questions.views.len()],
    };
    if questions.indexes.is_empty() && questions.views.is_empty() {
        return Ok(unasked(""));
    }
    if let Some(reason) = cannot_copy(server) {
        return Ok(unasked(reason));
    }
    let tables = tables(&existing);
    let mut copies = Copies::prepare(session, server, existing.relations, &tables).await?;
    if let Err(error) = copies.begin().await {
        return Ok(unasked(&error.message));
    }
    let compared = compare(&mut copies, questions, existing).await;
    copies.end().await;
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
    let relations = existing.relations.iter().flatten().map(|relation| relation.oid);
    let members = existing.partitions.values().flatten().map(|member| member.oid);
    relations.chain(members).collect::<BTreeSet<_>>().into_iter().collect()
}

async fn compare(
    copies: &mut Copies<'_>,
    questions: &Questions,
    mut existing: Existing<'_>,
) -> Result<Canonicals> {
    let made = copies.make_missing_views(questions).await?;
    let mut views = existing_views(copies, questions, &existing).await;
    for (at, read) in made {
        views[at] = canonical(read.map(|()| ViewShape::default()), is_any_certain);
    }
    let readings = questions.indexes.iter().map(|index| IndexReading {
        relation: index.relation,
        unique: index.unique,
        definition: index.definition.clone(),
        is_plain: index.is_plain,
    });
    let reads = copies.indexes(&readings.collect::<Vec<_>>(), Names::OfTheUser).await;
    let reads = reads.into_iter().map(|read| canonical(read, is_certain));
    let mut indexes = reads.collect::<Vec<_>>();
    settle(copies, questions, &mut indexes, &mut existing).await;
    Ok(Canonicals { indexes, views })
}

/// An existing view's query is compared as the server prints a view of the declared query.
async fn existing_views(
    copies: &Copies<'_>,
    questions: &Questions,
    existing: &Existing<'_>,
) -> Vec<Canonical<ViewShape>> {
    let mut canonicals =
        vec![Canonical::NotCompared("it does not exist yet".to_owned()); questions.views.len()];
    let found = questions.views.iter().enumerate().filter_map(|(at, view)| {
        let relation = existing.relations[view.relation].as_ref()?;
        Some((at, view, relation.oid))
    });
    let found = found.collect::<Vec<_>>();
    if found.is_empty() {
        return canonicals;
    }
    let oids = found.iter().map(|(.., oid)| *oid).collect::<Vec<_>>();
    let readings = found.iter().map(|(_, view, _)| ViewReading {
        relation: view.relation,
        columns: view.columns.clone(),
        query: view.query.clone(),
    });
    let declared = copies.views(&readings.collect::<Vec<_>>(), Names::OfTheUser).await;
    let are = copies.existing_views(&oids).await;
    let mut differing = Vec::new();
    for (((at, ..), declared), is) in found.iter().zip(declared).zip(are) {
        let shape =
            is.and_then(|existing| declared.map(|declared| ViewShape { existing, declared }));
        if shape.as_ref().is_ok_and(|shape| shape.existing != shape.declared) {
            differing.push(*at);
        }
        canonicals[*at] = canonical(shape, is_any_certain);
    }
    settle_views(copies, questions, differing, &mut canonicals).await;
    canonicals
}

/// Reads both queries of these views again and again, until neither changes any more.
async fn settle_views(
    copies: &Copies<'_>,
    questions: &Questions,
    views: Vec<usize>,
    canonicals: &mut [Canonical<ViewShape>],
) {
    let mut texts = BTreeSet::new();
    for at in &views {
        if let Canonical::Known(shape) = &canonicals[*at] {
            let relation = questions.views[*at].relation;
            texts.insert((relation, shape.existing.clone()));
            texts.insert((relation, shape.declared.clone()));
        }
    }
    let mut settled = Settled::new(texts);
    while let Some(texts) = settled.next() {
        let readings = texts.iter().map(|(relation, query)| ViewReading {
            relation: *relation,
            columns: String::new(),
            query: query.trim_end().trim_end_matches(';').to_owned(),
        });
        let reads = copies.views(&readings.collect::<Vec<_>>(), Names::OfTheServer).await;
        settled.hear(texts, reads.into_iter().map(Read::ok));
    }
    for at in views {
        if let Canonical::Known(shape) = &mut canonicals[at] {
            let relation = questions.views[at].relation;
            shape.existing = settled.of(relation, &shape.existing);
            shape.declared = settled.of(relation, &shape.declared);
        }
    }
}

/// Where a declared index is not found at first sight, all definitions of its table are read and
/// printed again.
async fn settle(
    copies: &Copies<'_>,
    questions: &Questions,
    canonicals: &mut [Canonical<IndexShape>],
    existing: &mut Existing<'_>,
) {
    let mut unsettled = BTreeMap::new();
    for (question, canonical) in questions.indexes.iter().zip(&*canonicals) {
        let (Some(shape), Some(relation)) =
            (canonical.known(), &existing.relations[question.relation])
        else {
            continue;
        };
        let there = existing.indexes.get(&relation.oid).map_or(&[][..], Vec::as_slice);
        let named =
            |index: &&Index| question.name.as_ref().is_none_or(|name| *name == index.shape.name);
        if !there.iter().filter(named).any(|index| index.shape.equals(shape)) {
            unsettled.insert(question.relation, relation.oid);
        }
    }
    let mut texts = BTreeSet::new();
    for (question, canonical) in questions.indexes.iter().zip(&*canonicals) {
        if let Some(shape) =
            canonical.known().filter(|_| unsettled.contains_key(&question.relation))
        {
            texts.insert((question.relation, shape.definition.clone()));
        }
    }
    for (relation, oid) in &unsettled {
        for index in
            members(existing, *oid).filter_map(|table| existing.indexes.get(&table)).flatten()
        {
            texts.insert((*relation, index.shape.definition.clone()));
        }
    }
    texts.retain(|(_, text)| !is_settled(text));
    let mut settled = Settled::new(texts);
    while let Some(texts) = settled.next() {
        let readings = texts.iter().map(|(relation, definition)| IndexReading {
            relation: *relation,
            unique: false,
            definition: definition.clone(),
            is_plain: false,
        });
        let reads = copies.indexes(&readings.collect::<Vec<_>>(), Names::OfTheServer).await;
        settled.hear(texts, reads.into_iter().map(|read| read.ok().map(|shape| shape.definition)));
    }
    for (question, canonical) in questions.indexes.iter().zip(canonicals) {
        if let Canonical::Known(shape) = canonical {
            shape.definition = settled.of(question.relation, &shape.definition);
        }
    }
    for (relation, oid) in unsettled {
        for table in members(existing, oid).collect::<Vec<_>>() {
            if !copies.have_one_owner(oid, table) {
                continue;
            }
            for index in existing.indexes.get_mut(&table).into_iter().flatten() {
                index.shape.definition = settled.of(relation, &index.shape.definition);
            }
        }
    }
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

/// Texts by relation, and what the server prints of each after reading it.
struct Settled {
    prints: HashMap<(usize, String), String>,
    next: Vec<(usize, String)>,
    readings_left: usize,
}

impl Settled {
    fn new(texts: BTreeSet<(usize, String)>) -> Self {
        let next = texts.into_iter().collect();
        Settled { prints: HashMap::new(), next, readings_left: READINGS }
    }

    /// The texts to be read next.
    fn next(&mut self) -> Option<Vec<(usize, String)>> {
        let texts = std::mem::take(&mut self.next);
        let goes_on = !texts.is_empty() && self.readings_left > 0;
        self.readings_left = self.readings_left.saturating_sub(1);
        goes_on.then_some(texts)
    }

    /// What was printed of the texts; one that could not be read remains as it is.
    fn hear(&mut self, texts: Vec<(usize, String)>, prints: impl Iterator<Item = Option<String>>) {
        let mut next = HashSet::new();
        for ((relation, text), print) in texts.into_iter().zip(prints) {
            let Some(print) = print.filter(|print| *print != text) else { continue };
            let printed = (relation, print);
            if !self.prints.contains_key(&printed) {
                next.insert(printed.clone());
            }
            self.prints.insert((relation, text), printed.1);
        }
        self.next = next.into_iter().collect();
    }

    fn of(&self, relation: usize, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..READINGS {
            match self.prints.get(&(relation, text.clone())) {
                Some(print) => text.clone_from(print),
                None => break,
            }
        }
        text
    }
}

fn canonical<T>(read: Read<T>, is_verdict: fn(&ServerError) -> bool) -> Canonical<T> {
    match read {
        Ok(shape) => Canonical::Known(shape),
        Err(Unread::NotSent(reason)) => Canonical::NotCompared(reason),
        Err(Unread::Failed(error)) if is_verdict(&error) => Canonical::Refused(error),
        Err(Unread::Failed(error)) => Canonical::NotCompared(error.to_string()),
    }
}

/// A refusal counts as the server's verdict on the declaration only where it cannot come from the
/// copy: a function of the whole row, for example, has another argument type there.
fn is_certain(error: &ServerError) -> bool {
    matches!(
        error.sqlstate.as_deref(),
        // Undefined column, undefined object (operator class, collation, method), syntax error,
        // invalid object definition (a function that is not immutable), invalid parameter value.
        Some("42703" | "42704" | "42601" | "42P17" | "22023" | "0A000")
    )
}

/// A query is refused for whatever reason but a privilege that the view's owner lacks, a lock, a
/// limit or a lost connection.
fn is_any_certain(error: &ServerError) -> bool {
    let passing = ["42501", "55P03", "57014"];
    let passing = error.sqlstate.as_deref().is_none_or(|sqlstate| passing.contains(&sqlstate));
    !passing && !error.is_passing()
}
