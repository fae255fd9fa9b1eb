//! Reading the facts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use crate::pg::row::Row;
use tokio_postgres::types::{ToSql, Type};

use super::definition::{after_table, without_options};
use super::{
    Belongings, Build, Canonical, ColumnWidth, Facts, Index, IndexComment, IndexQuestion,
    IndexShape, NameConflict, Oid, PartitionMember, Questions, Relation, RelationKind,
    StatisticsTarget, canonical, load_invalid_indexes,
};
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::Server;
use crate::pg::name::{RelationName, with_suffix};
use crate::pg::server_error::LOCK_NOT_AVAILABLE;
use crate::pg::session::Session;

/// How many names are looked up for an index whose name the server would choose.
const NAME_CHOICES: usize = 20;

/// Answers the questions.
///
/// # Errors
/// `Connection`, `Server` or `Privilege` where a catalog query itself fails. What the role may not
/// see or the server will not have is a fact, not an error.
pub async fn load(session: &Session, server: &Server, questions: &Questions) -> Result<Facts> {
    load_with(session, server, questions, None).await
}

/// Like [`load`], but what the server prints of definitions is kept in this folder, so that it need
/// not be asked again while nothing changes.
pub async fn load_with(
    session: &Session,
    server: &Server,
    questions: &Questions,
    folder: Option<&Path>,
) -> Result<Facts> {
    let asked = questions.relations.iter().cloned().collect::<Vec<_>>();
    let relations = load_relations(session, server, &asked).await?;
    let partitions = load_partitions(session, &relations).await?;
    let tables = indexed_tables(questions, &relations, &partitions);
    let (mut indexes, locked) = load_unlocked_indexes(session, &tables).await?;
    let builds = load_builds(session).await?;
    let existing = canonical::Existing {
        relations: &relations,
        partitions: &partitions,
        indexes: &mut indexes,
    };
    let canonicals = canonical::load(session, server, questions, existing, folder).await?;
    let wanted = wanted_names(server, questions, &relations, &canonicals.indexes);
    let invalid_indexes = match questions.finds_invalid {
        true => load_invalid_indexes(session).await?,
        false => Vec::new(),
    };
    let mut facts = Facts {
        server: server.clone(),
        name_conflicts: load_bearers(session, &wanted).await?,
        index_comments: load_index_comments(session, server, &questions.commented).await?,
        column_widths: HashMap::new(),
        relations,
        indexes,
        partitions,
        canonical_indexes: canonicals.indexes,
        canonical_views: canonicals.views,
        locked,
        builds,
        invalid_indexes,
    };
    facts.column_widths = load_column_widths(session, &lacking(questions, &facts)).await?;
    Ok(facts)
}

async fn load_relations(
    session: &Session,
    server: &Server,
    asked: &[RelationName],
) -> Result<HashMap<RelationName, Relation>> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let (schemas, names) = schemas_and_names(asked);
    let searched = server.search_path.searched();
    let sql = include_str!("../../sql/catalog/relations.sql");
    let params: [(&(dyn ToSql + Sync), Type); 3] = [
        (&schemas, Type::TEXT_ARRAY),
        (&names, Type::TEXT_ARRAY),
        (&searched, Type::TEXT_ARRAY),
    ];
    let rows = ask(session, sql, &params).await?;
    let relations = rows.iter().map(|row| (asked[ordinal(row)].clone(), read_relation(row)));
    Ok(relations.collect())
}

/// The tables that indexes are declared on. Of no other are the indexes read: the server takes a
/// lock on the table to print a definition, and maintenance is to skip a table that is locked.
fn indexed_tables(
    questions: &Questions,
    relations: &HashMap<RelationName, Relation>,
    partitions: &HashMap<Oid, Vec<PartitionMember>>,
) -> Vec<Oid> {
    let declared = questions.indexes.iter().filter_map(|index| relations.get(&index.table));
    let tables = declared.flat_map(|relation| {
        let members = partitions.get(&relation.oid).map_or(&[][..], Vec::as_slice);
        std::iter::once(relation.oid).chain(members.iter().map(|member| member.oid))
    });
    tables.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Printing an index needs a lock on its table. Where one table is locked by somebody, the others
/// are read all the same.
pub async fn load_unlocked_indexes(
    session: &Session,
    tables: &[Oid],
) -> Result<(HashMap<Oid, Vec<Index>>, HashSet<Oid>)> {
    match load_indexes(session, tables).await {
        Err(failure) if failure.sqlstate.as_deref() == Some(LOCK_NOT_AVAILABLE) => {}
        result => return result.map(|indexes| (indexes, HashSet::new())),
    }
    let (mut indexes, mut locked) = (HashMap::new(), HashSet::new());
    if let [table] = tables {
        locked.insert(*table);
        return Ok((indexes, locked));
    }
    for table in tables {
        match load_indexes(session, &[*table]).await {
            Ok(more) => indexes.extend(more),
            Err(failure) if failure.sqlstate.as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                locked.insert(*table);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok((indexes, locked))
}

async fn load_indexes(session: &Session, tables: &[Oid]) -> Result<HashMap<Oid, Vec<Index>>> {
    let mut indexes: HashMap<Oid, Vec<Index>> = HashMap::new();
    if tables.is_empty() {
        return Ok(indexes);
    }
    let sql = include_str!("../../sql/catalog/indexes.sql");
    for row in ask(session, sql, &[(&tables, Type::OID_ARRAY)]).await? {
        if let Some(index) = read_index(&row) {
            indexes.entry(row.get("table_oid")).or_default().push(index);
        }
    }
    Ok(indexes)
}

async fn load_partitions(
    session: &Session,
    relations: &HashMap<RelationName, Relation>,
) -> Result<HashMap<Oid, Vec<PartitionMember>>> {
    let roots = relations
        .values()
        .filter(|relation| relation.kind == RelationKind::PartitionedTable)
        .map(|relation| relation.oid)
        .collect::<Vec<_>>();
    let mut partitions: HashMap<Oid, Vec<PartitionMember>> = HashMap::new();
    if roots.is_empty() {
        return Ok(partitions);
    }
    let sql = include_str!("../../sql/catalog/partitions.sql");
    for row in ask(session, sql, &[(&roots, Type::OID_ARRAY)]).await? {
        partitions.entry(row.get("root_oid")).or_default().push(read_partition(&row));
    }
    Ok(partitions)
}

/// The databases of the server that the role may connect to, without templates.
pub async fn load_databases(session: &Session) -> Result<Vec<String>> {
    let rows = ask(session, include_str!("../../sql/catalog/databases.sql"), &[]).await?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

/// The index builds under way in the database, by anyone.
pub async fn load_builds(session: &Session) -> Result<Vec<Build>> {
    let rows = ask(session, include_str!("../../sql/catalog/builds.sql"), &[]).await?;
    Ok(rows.iter().map(read_build).collect())
}

async fn load_bearers(
    session: &Session,
    names: &[RelationName],
) -> Result<HashMap<RelationName, NameConflict>> {
    let mut name_conflicts = HashMap::new();
    if names.is_empty() {
        return Ok(name_conflicts);
    }
    let (schemas, plain) = schemas_and_names(names);
    let sql = include_str!("../../sql/catalog/names.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&schemas, Type::TEXT_ARRAY), (&plain, Type::TEXT_ARRAY)];
    for row in ask(session, sql, &params).await? {
        let schema: Option<String> = row.get("table_schema");
        let table: Option<String> = row.get("table_name");
        let conflict = NameConflict {
            kind: row.get("kind"),
            table: table.map(|name| RelationName { schema, name }),
        };
        name_conflicts.insert(names[ordinal(&row)].clone(), conflict);
    }
    Ok(name_conflicts)
}

async fn load_index_comments(
    session: &Session,
    server: &Server,
    names: &[RelationName],
) -> Result<HashMap<RelationName, IndexComment>> {
    let relations = load_relations(session, server, names).await?;
    let found = relations.into_iter().filter_map(|(name, relation)| {
        let is_index =
            matches!(relation.kind, RelationKind::Index | RelationKind::PartitionedIndex);
        is_index.then(|| {
            let Relation { name: qualified, owned, comment, .. } = relation;
            (name, IndexComment { name: qualified, owned, comment })
        })
    });
    Ok(found.collect())
}

async fn load_column_widths(
    session: &Session,
    tables: &[Oid],
) -> Result<HashMap<(Oid, String), ColumnWidth>> {
    if tables.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = include_str!("../../sql/catalog/column_widths.sql");
    let rows = ask(session, sql, &[(&tables, Type::OID_ARRAY)]).await?;
    let widths = rows.iter().map(|row| {
        let width = ColumnWidth {
            width_bytes: row.get("width_bytes"),
            distinct_values: row.get("distinct_values"),
        };
        ((row.get("table_oid"), row.get("name")), width)
    });
    Ok(widths.collect())
}

/// The names that declared indexes want in their tables' schemas; for an index without a name
/// those that the server would try one after the other.
fn wanted_names(
    server: &Server,
    questions: &Questions,
    relations: &HashMap<RelationName, Relation>,
    canonical: &HashMap<IndexQuestion, Canonical<IndexShape>>,
) -> Vec<RelationName> {
    let mut wanted = Vec::new();
    for index in &questions.indexes {
        let schema = match relations.get(&index.table) {
            Some(relation) => relation.name.schema.clone(),
            None => server.search_path.place(&index.table).schema,
        };
        let names = match (&index.name, canonical.get(index)) {
            (Some(name), _) => vec![name.clone()],
            (None, Some(Canonical::Known(shape))) => name_choices(&shape.name),
            (None, _) => Vec::new(),
        };
        wanted.extend(names.into_iter().map(|name| RelationName { schema: schema.clone(), name }));
    }
    wanted
}

/// `t_a_idx`, `t_a_idx1`, `t_a_idx2` … as `ChooseRelationName` in PostgreSQL's `indexcmds.c`
/// tries them.
pub fn name_choices(first: &str) -> Vec<String> {
    let more = (1..NAME_CHOICES).map(|number| with_suffix(first, &number.to_string()));
    std::iter::once(first.to_owned()).chain(more).collect()
}

/// Tables that lack an index of a declared shape.
fn lacking(questions: &Questions, facts: &Facts) -> Vec<Oid> {
    let whole = facts
        .indexes
        .iter()
        .flat_map(|(table, indexes)| {
            let whole = indexes.iter().filter(|index| index.is_valid);
            whole.map(|index| (*table, index.shape.unique, index.shape.definition.as_str()))
        })
        .collect::<HashSet<_>>();
    let lacking = questions.indexes.iter().filter_map(|question| {
        let relation = facts.relations.get(&question.table)?;
        let shape = facts.canonical_indexes.get(question)?.known()?;
        let is_there = whole.contains(&(relation.oid, shape.unique, shape.definition.as_str()));
        (!is_there).then_some(relation.oid)
    });
    lacking.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Asks the catalog one question.
pub async fn ask(
    session: &Session,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>> {
    session
        .query(sql, params)
        .await
        .map_err(|error| error.into_failure().context("reading the catalog failed"))
}

/// The row of a query that always returns one.
///
/// # Errors
/// `Server` where it did not.
pub fn first(rows: &[Row]) -> Result<&Row> {
    rows.first()
        .ok_or_else(|| Failure::new(Kind::Server, "a catalog query returned no row"))
}

fn schemas_and_names(names: &[RelationName]) -> (Vec<Option<&str>>, Vec<&str>) {
    names.iter().map(|name| (name.schema.as_deref(), name.name.as_str())).unzip()
}

/// The relation whose schema and name stand in these columns.
pub fn named(row: &Row, schema: &str, name: &str) -> RelationName {
    RelationName { schema: Some(row.get(schema)), name: row.get(name) }
}

fn ordinal(row: &Row) -> usize {
    let from_one: i32 = row.get("ord");
    usize::try_from(from_one - 1).unwrap_or_default()
}

fn read_relation(row: &Row) -> Relation {
    Relation {
        oid: row.get("oid"),
        name: named(row, "schema", "name"),
        kind: row.get("kind"),
        owned: row.get("owned"),
        may_create_in_schema: row.get("may_create_in_schema"),
        may_maintain: row.get("may_maintain"),
        owner: row.get("owner"),
        row_estimate: row.get("row_estimate"),
        size_bytes: row.get("size_bytes"),
        is_populated: row.get("is_populated"),
        comment: row.get("comment"),
        analyzed_ago_seconds: row.get("analyzed_ago_seconds"),
        vacuumed_ago_seconds: row.get("vacuumed_ago_seconds"),
    }
}

/// `None` for an index that was dropped while the query ran: it has no definition any more.
fn read_index(row: &Row) -> Option<Index> {
    let definition: Option<String> = row.get("definition");
    let options: Option<String> = row.get("options_clause");
    let name: String = row.get("name");
    let definition = without_options(after_table(&definition?)?, options.as_deref());
    Some(Index {
        oid: row.get("oid"),
        shape: IndexShape {
            unique: row.get("is_unique"),
            definition,
            options: options.unwrap_or_default(),
            name: name.clone(),
        },
        name: RelationName::qualified(row.get::<_, String>("schema"), name),
        is_valid: row.get("is_valid"),
        is_ready: row.get("is_ready"),
        is_live: row.get("is_live"),
        constraint: row.get("constraint_name"),
        pinned_by: row.get("pinned_by"),
        parent: row.get("parent_oid"),
        comment: row.get("comment"),
        belongings: read_belongings(row),
        rows: row.get("rows"),
        size_bytes: row.get("size_bytes"),
    })
}

fn read_belongings(row: &Row) -> Belongings {
    let keys: Option<Vec<String>> = row.get("statistics_keys");
    let targets: Option<Vec<i32>> = row.get("statistics_targets");
    let statistics = keys.unwrap_or_default().into_iter().zip(targets.unwrap_or_default());
    Belongings {
        tablespace: row.get("tablespace"),
        may_use_tablespace: row.get("may_use_tablespace"),
        statistics: statistics.map(|(key, target)| StatisticsTarget { key, target }).collect(),
        is_clustered: row.get("is_clustered"),
        is_replica_identity: row.get("is_replica_identity"),
    }
}

fn read_partition(row: &Row) -> PartitionMember {
    let root: Oid = row.get("root_oid");
    let oid: Oid = row.get("oid");
    PartitionMember {
        oid,
        // The table itself may be somebody's partition too; here it is the root.
        parent: row.get::<_, Option<Oid>>("parent_oid").filter(|_| oid != root),
        name: named(row, "schema", "name"),
        kind: row.get("kind"),
        size_bytes: row.get("size_bytes"),
        key_columns: row.get::<_, Option<Vec<String>>>("key_columns").unwrap_or_default(),
        has_key_expressions: row.get("has_key_expressions"),
    }
}

fn read_build(row: &Row) -> Build {
    Build {
        pid: row.get("pid"),
        table: row.get("table_oid"),
        index: row.get("index_oid"),
        command: row.get("command"),
        phase: row.get("phase"),
        application: row.get("application"),
        role: row.get("role"),
        since_seconds: row.get("since_seconds"),
    }
}
