//! Facts about the database: plain structs with units in their names, and how they are read. All
//! that a plan needs is asked in one round, however many objects are declared.

pub mod activity;
pub mod at_stake;
pub mod btree_size;
mod canonical;
pub mod column_values;
pub mod columns;
mod completed_names;
pub mod definition;
pub mod explain;
mod extensions;
pub mod fingerprint;
pub mod health;
pub mod history;
mod index_bloat;
mod index_faults;
mod invalid;
pub mod inventory;
pub mod known;
pub(crate) mod load;
mod maintenance;
pub mod measures;
pub mod migrated;
mod nulls;
pub mod observed;
pub mod planned_code;
mod progress;
pub mod reach;
pub mod refresh;
pub mod reindex;
mod schemas;
pub mod secret;
pub mod statements;
pub mod suspicion;
pub mod throughput;
pub mod trend;
pub mod views;
mod wal;
mod watch;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::time::Duration;

use tokio_postgres::row::RowIndex;

use crate::pg::database::Server;
use crate::pg::name::RelationName;
use crate::pg::row::RowColumn;
use crate::pg::server_error::ServerError;

pub use completed_names::load_names_beginning;
pub use extensions::load_available_extensions;
pub use fingerprint::{Fingerprint, Thing, load_fingerprint};
pub use index_bloat::{IndexBloat, IndexesWanted, load_index_bloat};
pub use index_faults::{INDEX_FAULTS, IndexFault, KeyClass};
pub use invalid::{IndexState, InvalidIndex, load_index_state, load_invalid_indexes};
pub use known::{Known, Unavailable};
pub use load::{load, load_builds, load_databases, load_unlocked_indexes, load_with};
pub use maintenance::{
    AutovacuumSettings, Heap, HorizonHolder, TableMaintenance, TableState, load_horizon,
    load_table_maintenance, load_tables,
};
pub use nulls::{NullPlan, TableColumn, load_null_plans};
pub use progress::{Progress, load_all_progress};
pub use schemas::{Schema, load_schemas};
pub use views::{
    KeyHint, MaterializedView, Sources, UniqueIndex, Views, Writes, load_key_hints, load_sources,
    load_unique_indexes, load_view, load_view_holders, load_views, load_xact_writes,
};
pub use wal::{WalPosition, load_wal_position};
pub use watch::{
    is_at_work, load_forecast, load_index_directory, load_present_names, load_progress,
    load_replication, load_waiters,
};

/// A PostgreSQL object identifier.
pub type Oid = u32;

/// What a plan has to know about the database.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// Tables and views by name; among them those of the indexes and views.
    pub relations: BTreeSet<RelationName>,
    /// Indexes as declared.
    pub indexes: Vec<IndexQuestion>,
    /// Materialized views as declared.
    pub views: Vec<ViewQuestion>,
    /// Indexes by name, whose comment is wanted.
    pub commented: Vec<RelationName>,
    /// Whether indexes that nobody asks about are wanted where they are invalid.
    pub finds_invalid: bool,
}

/// How would the server write this index, and is its name free?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexQuestion {
    pub table: RelationName,
    pub name: Option<String>,
    pub unique: bool,
    /// All that follows the table's name.
    pub definition: String,
    /// Whether only plain columns are indexed and there is no predicate.
    pub is_plain: bool,
}

/// How would the server write this view?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ViewQuestion {
    pub name: RelationName,
    /// The parenthesised column list, or empty.
    pub columns: String,
    pub query: String,
}

/// The answers, by what was asked.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The server and what this session may do there.
    pub server: Server,
    /// What each name means; no entry where there is no such relation.
    pub relations: HashMap<RelationName, Relation>,
    /// All indexes of these relations and of their partitions, by table.
    pub indexes: HashMap<Oid, Vec<Index>>,
    /// The members of each partitioned table, parents before children, the table itself first.
    pub partitions: HashMap<Oid, Vec<PartitionMember>>,
    /// How the server writes each declared index.
    pub canonical_indexes: HashMap<IndexQuestion, Canonical<IndexShape>>,
    /// How the server writes each declared view's query, and that of the view that exists.
    pub canonical_views: HashMap<ViewQuestion, Canonical<ViewShape>>,
    /// Tables that somebody has locked so that nothing can be read about their indexes.
    pub locked: HashSet<Oid>,
    /// What bears a declared index's name in its table's schema already.
    pub name_conflicts: HashMap<RelationName, NameConflict>,
    /// The comments of indexes asked for by name; no entry where there is no such index.
    pub index_comments: HashMap<RelationName, IndexComment>,
    /// Index builds under way.
    pub builds: Vec<Build>,
    /// Indexes that are invalid, where they are asked for.
    pub invalid_indexes: Vec<InvalidIndex>,
    /// Column statistics by table and column, of tables that lack a declared index.
    pub column_widths: HashMap<(Oid, String), ColumnWidth>,
}

impl Facts {
    /// How the server writes the index that was asked for.
    pub fn canonical_index(&self, question: &IndexQuestion) -> &Canonical<IndexShape> {
        static UNASKED: Canonical<IndexShape> = Canonical::NotCompared(String::new());
        self.canonical_indexes.get(question).unwrap_or(&UNASKED)
    }

    /// How the server writes the view that was asked for.
    pub fn canonical_view(&self, question: &ViewQuestion) -> &Canonical<ViewShape> {
        static UNASKED: Canonical<ViewShape> = Canonical::NotCompared(String::new());
        self.canonical_views.get(question).unwrap_or(&UNASKED)
    }
}

/// A table, view or other relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    pub oid: Oid,
    pub name: RelationName,
    pub kind: RelationKind,
    /// Whether the role may do what owners may.
    pub owned: bool,
    /// Whether the role may make relations in its schema, as an index is.
    pub may_create_in_schema: bool,
    /// Whether the role may VACUUM and ANALYZE it.
    pub may_maintain: bool,
    pub owner: String,
    /// Rows as of the last VACUUM or ANALYZE; negative where neither was ever done.
    pub row_estimate: f64,
    /// Bytes of the main fork as of then.
    pub size_bytes: i64,
    /// False for a materialized view that was never filled.
    pub is_populated: bool,
    /// The comment on it.
    pub comment: Option<String>,
    /// Seconds since the last ANALYZE that the statistics know of.
    pub analyzed_ago_seconds: Option<f64>,
    /// Seconds since the last VACUUM that the statistics know of.
    pub vacuumed_ago_seconds: Option<f64>,
}

/// A member of a partitioned table: itself, a partition, or a partition of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMember {
    pub oid: Oid,
    /// What it is a partition of; `None` for the table itself.
    pub parent: Option<Oid>,
    pub name: RelationName,
    pub kind: RelationKind,
    /// Bytes as of the last VACUUM or ANALYZE.
    pub size_bytes: i64,
    /// The columns of its own partition key, if it is partitioned.
    pub key_columns: Vec<String>,
    /// Whether its partition key has expressions.
    pub has_key_expressions: bool,
}

/// The kinds of relations, as `pg_class.relkind` tells them apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RelationKind {
    Table,
    PartitionedTable,
    MaterializedView,
    Index,
    /// An index of a partitioned table.
    PartitionedIndex,
    View,
    Sequence,
    ForeignTable,
    CompositeType,
    Toast,
    /// Something that this version does not know.
    #[default]
    Other,
}

impl RelationKind {
    fn from_relkind(relkind: &str) -> Self {
        match relkind {
            "r" => RelationKind::Table,
            "p" => RelationKind::PartitionedTable,
            "m" => RelationKind::MaterializedView,
            "i" => RelationKind::Index,
            "I" => RelationKind::PartitionedIndex,
            "v" => RelationKind::View,
            "S" => RelationKind::Sequence,
            "f" => RelationKind::ForeignTable,
            "c" => RelationKind::CompositeType,
            "t" => RelationKind::Toast,
            _ => RelationKind::Other,
        }
    }

    /// As PostgreSQL's messages call it, with its article.
    pub fn with_article(self) -> &'static str {
        match self {
            RelationKind::Table => "a table",
            RelationKind::PartitionedTable => "a partitioned table",
            RelationKind::MaterializedView => "a materialized view",
            RelationKind::Index => "an index",
            RelationKind::PartitionedIndex => "a partitioned index",
            RelationKind::View => "a view",
            RelationKind::Sequence => "a sequence",
            RelationKind::ForeignTable => "a foreign table",
            RelationKind::CompositeType => "a composite type",
            RelationKind::Toast => "a TOAST table",
            RelationKind::Other => "another relation",
        }
    }
}

impl<'a> RowColumn<'a> for RelationKind {
    fn read<I: RowIndex + Display>(
        row: &'a tokio_postgres::Row,
        column: I,
    ) -> std::result::Result<Self, tokio_postgres::Error> {
        <&str>::read(row, column).map(RelationKind::from_relkind)
    }
}

/// An index that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub oid: Oid,
    pub name: RelationName,
    /// How the server writes it.
    pub shape: IndexShape,
    /// Queries may use it.
    pub is_valid: bool,
    /// Writes maintain it.
    pub is_ready: bool,
    /// It is not being dropped.
    pub is_live: bool,
    /// The primary key, unique or exclusion constraint that it implements.
    pub constraint: Option<String>,
    /// What keeps it from being dropped on its own.
    pub pinned_by: Option<String>,
    /// The partitioned index that it is part of.
    pub parent: Option<Oid>,
    /// The comment on it.
    pub comment: Option<String>,
    /// What stands in no CREATE INDEX.
    pub belongings: Belongings,
    /// Bytes as of the last VACUUM or build.
    pub size_bytes: i64,
    /// Rows that it holds, as of then; negative: not counted.
    pub rows: i64,
}

/// What belongs to an index and stands in no CREATE INDEX.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Belongings {
    /// Where it is stored; `None`: in the database's own tablespace.
    pub tablespace: Option<String>,
    /// Whether the role may put an index there.
    pub may_use_tablespace: bool,
    /// ALTER INDEX … SET STATISTICS.
    pub statistics: Vec<StatisticsTarget>,
    /// CLUSTER orders the table by it.
    pub is_clustered: bool,
    /// Logical replication knows rows by it.
    pub is_replica_identity: bool,
}

/// How much ANALYZE keeps of an indexed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsTarget {
    /// The expression as the server prints it.
    pub key: String,
    pub target: i32,
}

impl Index {
    /// Whether queries can use it and writes maintain it.
    pub fn is_whole(&self) -> bool {
        self.is_valid && self.is_ready && self.is_live
    }
}

/// An index without its name, as the server prints it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexShape {
    pub unique: bool,
    /// From USING on, without the storage parameters.
    pub definition: String,
    /// The storage parameters' clause, or empty.
    pub options: String,
    /// The name that the server chose; on a copy, the one that it would choose.
    pub name: String,
}

impl IndexShape {
    /// Whether both hold the same entries in the same order under the same rules. Storage
    /// parameters do not count: they change without a rebuild.
    pub fn equals(&self, other: &IndexShape) -> bool {
        self.unique == other.unique && self.definition == other.definition
    }
}

/// A materialized view's query as the server prints it; empty for a view that does not exist yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewShape {
    /// Of the view that exists.
    pub existing: String,
    /// As declared.
    pub declared: String,
}

/// What the server made of a declared definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canonical<T> {
    /// It prints it so.
    Known(T),
    /// It will not have it.
    Refused(ServerError),
    /// It could not be asked, for this reason.
    NotCompared(String),
}

impl<T> Canonical<T> {
    /// The server's writing, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Canonical::Known(shape) => Some(shape),
            _ => None,
        }
    }
}

/// A relation that bears a name that a declared index wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameConflict {
    pub kind: RelationKind,
    /// The table, if it is an index.
    pub table: Option<RelationName>,
}

/// An index that a comment is declared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexComment {
    pub name: RelationName,
    /// Whether the role may change the comment.
    pub owned: bool,
    pub comment: Option<String>,
}

/// An index build under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// The building process.
    pub pid: i32,
    /// The table, where it can be known.
    pub table: Option<Oid>,
    /// The index, where it exists already and can be known.
    pub index: Option<Oid>,
    /// `CREATE INDEX CONCURRENTLY`, `REINDEX` …
    pub command: Option<String>,
    /// The phase in PostgreSQL's words.
    pub phase: Option<String>,
    /// The builder's application_name.
    pub application: Option<String>,
    /// The builder's role.
    pub role: Option<String>,
    /// Seconds since the statement began.
    pub since_seconds: Option<f64>,
}

/// How far one of our statements is.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementProgress {
    /// Our backend.
    pub pid: i32,
    /// It has nothing to do: whatever it was sent is over.
    pub is_idle: bool,
    /// The index that it builds.
    pub index: Option<Oid>,
    /// The phase of an index build in PostgreSQL's words.
    pub phase: Option<String>,
    /// Work done and in all in this phase; `None` where the phase does not say.
    pub done_of: Option<(i64, i64)>,
    /// Bytes of the index so far.
    pub size_bytes: Option<i64>,
    /// Parallel workers at work.
    pub workers: i32,
    /// Who is waited for, other than this run's own sessions.
    pub blocker: Option<Blocker>,
}

/// A session that holds what somebody waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocker {
    /// Its process; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// The prepared transaction's identifier.
    pub gid: Option<String>,
    /// Its application_name, if it may be seen.
    pub application: Option<String>,
    pub role: Option<String>,
    /// `active`, `idle in transaction` …
    pub state: Option<String>,
    /// The statement that it runs, or ran last.
    pub query: Option<String>,
    /// The age of its transaction.
    pub xact_seconds: Option<f64>,
    /// It waits for us in turn: a deadlock, unless one of the two gives way.
    pub waits_for_us: bool,
}

/// A session that waits for a relation that a statement of ours holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiter {
    /// Our backend that it waits for.
    pub our_pid: i32,
    pub session: Blocker,
    pub relation: String,
    /// The lock mode that it wants, as `pg_locks` names it.
    pub mode: String,
    /// It waits while holding a snapshot.
    pub has_snapshot: bool,
    /// For how long.
    pub waits_seconds: f64,
    /// How many others wait for the same relation.
    pub queued_behind: i32,
}

/// What replication depends on this server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DependentReplication {
    /// Standbys by name, and how far each is behind; `None` where it is idle.
    pub standbys: Vec<(String, Known<Option<Duration>>)>,
    /// Slots that nobody reads, by name, and the bytes of WAL that they hold back.
    pub inactive_slots: Vec<(String, i64)>,
}

/// What is known of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnWidth {
    /// Average bytes.
    pub width_bytes: i32,
    /// As `pg_stats.n_distinct`: negative is a share of the rows.
    pub distinct_values: f64,
}
