//! pgtend's own schema: whether it is there, and whether it is what pgtend has made. That is judged by the
//! catalog alone, before anything in it is read or written: whoever owns a table can hang code on it that
//! is run by who reads or writes there.

use std::collections::BTreeMap;
use std::fmt;

use crate::pg::row::Row;
use tokio_postgres::types::Type;

use super::part::HistoryPart;
use crate::facts::load::{ask, first};
use crate::failure::{Failure, Kind, Result};
use crate::pg::session::Session;

/// The version of the schema that this pgtend works with.
pub const CURRENT: i32 = 3;

/// What each version makes, as `sql/catalog/schema_objects.sql` describes it: an object and its facts a
/// line, parted by a tab.
const MADE: [&str; CURRENT as usize] = [
    include_str!("../../../sql/schema/1.objects"),
    include_str!("../../../sql/schema/2.objects"),
    include_str!("../../../sql/schema/3.objects"),
];

/// So many differences are named.
const NAMED: usize = 3;

/// Whether the history can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// It is not there; at most there is an empty schema of that name.
    Absent,
    /// It is there as this pgtend knows it, and may be read.
    Current,
    /// It is of this older version.
    Older(i32),
    /// It is of this newer version.
    Newer(i32),
    /// There is a schema of that name, but it is not pgtend's.
    Foreign,
    /// It, or something in it, belongs to a role whose code the role must not run.
    Untrusted,
    /// It is pgtend's, but not as pgtend has made it.
    Changed,
    /// Some of its tables are gone, or parts of them.
    Damaged,
    /// The role may not read it.
    Unusable,
}

/// How something in the schema differs from what pgtend makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It is gone.
    Missing(String),
    /// pgtend does not make it.
    Extra(String),
    /// It is not made like that.
    Other {
        /// What it is and is called.
        object: String,
        /// What it is like.
        found: String,
        /// What pgtend makes.
        made: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing(object) => write!(f, "{object} is gone"),
            Difference::Extra(object) => write!(f, "{object} is not pgtend's"),
            Difference::Other { object, found, made } => {
                write!(f, "{object} is \"{found}\" and not \"{made}\"")
            }
        }
    }
}

/// The failure for a schema some of whose tables are gone.
pub fn damaged() -> Failure {
    Failure::new(Kind::Unsupported, "tables of the schema pgtend are gone")
        .hint("run pgtend init --uninstall, then pgtend init")
}

/// What is known of the schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistorySchema {
    /// There is a schema of that name.
    pub is_there: bool,
    pub owner: Option<String>,
    /// Nothing is in it.
    pub is_empty: bool,
    /// Those of pgtend's tables that are there.
    pub tables: Vec<String>,
    /// The schema or a relation in it, and its owner, who is no superuser, not the session's own role, and
    /// not the role that the configuration names.
    pub untrusted: Option<(String, String)>,
    /// Its version table is pgtend's.
    pub is_ours: bool,
    /// What is not as its version has made it.
    pub differences: Vec<Difference>,
    /// Statements that take away from other roles the privilege to hang code on the tables.
    pub exposed: Vec<String>,
    /// CREATE on the database.
    pub may_create_in_database: bool,
    /// CREATE and USAGE on the schema.
    pub may_create_in_schema: bool,
    /// What the role makes belongs to a trusted owner.
    pub may_own: bool,
    /// The tables belong to the role, or to a role that it is a member of.
    pub owned: bool,
    /// The role may read the tables.
    pub may_read: bool,
    /// Its version, where it may be read.
    pub version: Option<i32>,
    /// pgtend made the schema itself, too.
    pub made_schema: bool,
}

impl HistorySchema {
    /// Whether the history can be used.
    pub fn installed(&self) -> Installed {
        let gone = |difference| matches!(difference, &Difference::Missing(_));
        match self.version {
            _ if !self.is_there || self.is_empty => Installed::Absent,
            _ if self.untrusted.is_some() => Installed::Untrusted,
            _ if !self.differences.is_empty() && self.differences.iter().all(gone) => {
                Installed::Damaged
            }
            _ if !self.is_ours => Installed::Foreign,
            _ if !self.differences.is_empty() => Installed::Changed,
            _ if !self.may_read => Installed::Unusable,
            None => Installed::Foreign,
            Some(version) if version < CURRENT => Installed::Older(version),
            Some(version) if version > CURRENT => Installed::Newer(version),
            Some(_) => Installed::Current,
        }
    }

    /// Refuses what this pgtend or this role cannot or should not read or write.
    ///
    /// # Errors
    /// `Unsupported` where there is no history, one of a version that lacks this part, or one that is not
    /// as pgtend has made it; `Privilege` where the role may not use it, or others could let it run their
    /// code.
    pub fn require_usable(&self, part: HistoryPart) -> Result<()> {
        let (kind, message, hint) = match self.installed() {
            Installed::Current => return self.require_closed(),
            Installed::Older(version) if version >= part.version() => return self.require_closed(),
            Installed::Absent => {
                let message = "there is no history in this database".to_owned();
                (Kind::Unsupported, message, "pgtend init makes a place for it")
            }
            Installed::Foreign => {
                let message = "there is no history in this database: its schema pgtend is not \
                               pgtend's"
                    .to_owned();
                (Kind::Unsupported, message, "rename that schema, then run pgtend init")
            }
            Installed::Older(version) => {
                let message = format!("the schema pgtend is of version {version}");
                (Kind::Unsupported, message, "pgtend init brings it up to date")
            }
            Installed::Newer(version) => {
                let message = format!("the schema pgtend is of version {version}");
                (Kind::Unsupported, message, "a newer pgtend made it: use that one")
            }
            Installed::Untrusted => return Err(self.distrusted()),
            Installed::Changed => return Err(self.changed()),
            Installed::Damaged => return Err(damaged()),
            Installed::Unusable => return Err(self.unreadable()),
        };
        Err(Failure::new(kind, message).hint(hint))
    }

    /// Whether the history can and should be used. Where there is none, or none that has this part or is
    /// for this role, it is not; nobody need hear of that who only would have liked to know more.
    ///
    /// # Errors
    /// As [`HistorySchema::require_usable`], where what stands there is not what pgtend has made.
    pub fn is_usable(&self, part: HistoryPart) -> Result<bool> {
        match self.installed() {
            Installed::Absent | Installed::Newer(_) | Installed::Unusable => Ok(false),
            Installed::Older(version) if version < part.version() => Ok(false),
            _ => self.require_usable(part).map(|()| true),
        }
    }

    /// Nobody else may hang code on the tables, now or later.
    fn require_closed(&self) -> Result<()> {
        let Some(statement) = self.exposed.first() else {
            return Ok(());
        };
        let message = "another role may add triggers or foreign keys to the tables of the schema \
                       pgtend, and so code that runs with the rights of who writes there";
        Err(Failure::new(Kind::Privilege, message)
            .hint(format!("pgtend init takes that privilege away: {statement}")))
    }

    /// The failure for a schema that belongs to a role that is not trusted.
    pub fn distrusted(&self) -> Failure {
        let (object, owner) = self.untrusted.clone().unwrap_or_default();
        let message = format!(
            "{object} belongs to {owner}, who could make this role run code: nothing in the schema \
             pgtend is read or written"
        );
        Failure::new(Kind::Privilege, message).hint(format!(
            "run pgtend as {owner}; or give the schema and its tables to this role or a superuser; or, \
             if you trust {owner}, set owner = \"{owner}\" under [history] of the configuration"
        ))
    }

    /// The failure for a schema that is not as pgtend has made it.
    pub fn changed(&self) -> Failure {
        let mut named = self
            .differences
            .iter()
            .take(NAMED)
            .map(Difference::to_string)
            .collect::<Vec<_>>();
        if self.differences.len() > NAMED {
            named.push(format!("and {} more", self.differences.len() - NAMED));
        }
        let owner = self.owner.as_deref().unwrap_or_default();
        let message = format!(
            "the schema pgtend of {owner} is not as pgtend has made it, so nothing in it is read or \
             written: {}",
            named.join("; ")
        );
        Failure::new(Kind::Unsupported, message).hint(
            "undo that; or use the newer pgtend that has made it; or pgtend init --uninstall removes \
             it, then pgtend init makes it anew",
        )
    }

    /// The failure for a role that may not read the history.
    pub fn unreadable(&self) -> Failure {
        let owner = self.owner.as_deref().unwrap_or_default();
        Failure::new(Kind::Privilege, format!("only {owner} may use the schema pgtend"))
            .hint(format!("let {owner} run pgtend init --grant with the name of this role"))
    }
}

/// What is known of the schema. Works whatever stands there, and without any privilege. `owner` is a
/// role whose code this one may run besides that of superusers and its own.
///
/// # Errors
/// Those of the connection and of the queries, for example where a table of it is locked.
pub async fn load_schema(session: &Session, owner: Option<&str>) -> Result<HistorySchema> {
    let sql = include_str!("../../../sql/catalog/schema.sql");
    let rows = ask(session, sql, &[(&owner, Type::TEXT)]).await?;
    let mut schema = read_schema(first(&rows)?);
    if !schema.is_there || schema.is_empty || schema.untrusted.is_some() {
        return Ok(schema);
    }
    let sql = include_str!("../../../sql/catalog/schema_objects.sql");
    let rows = ask(session, sql, &[(&owner, Type::TEXT)]).await?;
    let (exposed, objects): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.get::<_, Option<&str>>("revoke").is_some());
    schema.exposed = exposed.iter().map(|row| row.get("revoke")).collect();
    let found: Objects<'_> =
        objects.iter().map(|row| (row.get("object"), text(row, "fact"))).collect();
    schema.is_ours = has_version_table(&found);
    let (shape, differences) = nearest(&found);
    schema.differences = differences;
    if schema.differences.is_empty() && schema.may_read {
        read_version(session, &mut schema).await?;
        // What the rows say is to be true of the tables.
        if let Some(version) = schema.version.filter(|version| (1..=CURRENT).contains(version))
            && version != shape
        {
            schema.differences = differences_from(version, &found);
        }
    }
    Ok(schema)
}

/// What the server could not print any more was dropped while it looked.
fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get::<_, Option<&str>>(column).unwrap_or_default()
}

async fn read_version(session: &Session, schema: &mut HistorySchema) -> Result<()> {
    let rows = ask(session, include_str!("../../../sql/history/version.sql"), &[]).await?;
    let row = first(&rows)?;
    schema.version = row.get("version");
    schema.made_schema = row.get::<_, Option<bool>>("made_schema").unwrap_or(false);
    Ok(())
}

fn read_schema(row: &Row) -> HistorySchema {
    let object: Option<String> = row.get("foreign_object");
    HistorySchema {
        is_there: row.get("is_there"),
        owner: row.get("owner"),
        is_empty: row.get("is_empty"),
        tables: row.get("tables"),
        untrusted: object.zip(row.get("foreign_owner")),
        may_create_in_database: row.get("may_create_in_database"),
        may_create_in_schema: row.get("may_create_in_schema"),
        may_own: row.get("may_own"),
        owned: row.get("owned"),
        may_read: row.get("may_read"),
        made_schema: row.get("made_by_us"),
        ..HistorySchema::default()
    }
}

/// Objects and their facts.
type Objects<'a> = BTreeMap<&'a str, &'a str>;

/// What a version makes.
fn made(version: i32) -> Objects<'static> {
    let text = usize::try_from(version - 1).ok().and_then(|at| MADE.get(at)).copied();
    text.unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect()
}

/// The version that comes nearest to what was found, and what differs from it.
fn nearest(found: &Objects<'_>) -> (i32, Vec<Difference>) {
    let all = (1..=CURRENT).rev().map(|version| (version, differences_from(version, found)));
    all.min_by_key(|(_, differences)| differences.len()).unwrap_or_default()
}

fn differences_from(version: i32, found: &Objects<'_>) -> Vec<Difference> {
    let made = made(version);
    let extra = found
        .keys()
        .filter(|object| !made.contains_key(**object))
        .map(|object| Difference::Extra((*object).to_owned()));
    let other = made.iter().filter_map(|(object, fact)| match found.get(object) {
        None => Some(Difference::Missing((*object).to_owned())),
        Some(it) if it == fact => None,
        Some(it) => Some(Difference::Other {
            object: (*object).to_owned(),
            found: (*it).to_owned(),
            made: (*fact).to_owned(),
        }),
    });
    extra.chain(other).collect()
}

/// Whether the table that says the version is pgtend's.
fn has_version_table(found: &Objects<'_>) -> bool {
    let all = made(CURRENT);
    let mut table = all
        .iter()
        .filter(|(object, _)| **object == "table version" || object.starts_with("column version."));
    table.all(|(object, fact)| found.get(object) == Some(fact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_there_is_judged_before_its_rows_are() {
        let ours = HistorySchema {
            is_there: true,
            is_ours: true,
            may_read: true,
            version: Some(CURRENT),
            ..HistorySchema::default()
        };
        let installed = |change: fn(&mut HistorySchema)| {
            let mut schema = ours.clone();
            change(&mut schema);
            schema.installed()
        };
        assert_eq!(installed(|_| ()), Installed::Current);
        assert_eq!(installed(|it| it.version = None), Installed::Foreign);
        assert_eq!(installed(|it| it.is_ours = false), Installed::Foreign);
        assert_eq!(installed(|it| it.is_empty = true), Installed::Absent);
        assert_eq!(installed(|it| it.may_read = false), Installed::Unusable);
        assert_eq!(installed(|it| it.version = Some(0)), Installed::Older(0));
        assert_eq!(installed(|it| it.version = Some(9)), Installed::Newer(9));
        let untrusted =
            |it: &mut HistorySchema| it.untrusted = Some((String::new(), String::new()));
        assert_eq!(installed(untrusted), Installed::Untrusted);
        let missing =
            |it: &mut HistorySchema| it.differences = vec![Difference::Missing(String::new())];
        assert_eq!(installed(missing), Installed::Damaged);
        let extra =
            |it: &mut HistorySchema| it.differences = vec![Difference::Extra(String::new())];
        assert_eq!(installed(extra), Installed::Changed);
    }

    #[test]
    fn a_role_that_may_add_triggers_closes_the_history() {
        let open = HistorySchema {
            is_there: true,
            is_ours: true,
            may_read: true,
            version: Some(CURRENT),
            ..HistorySchema::default()
        };
        assert!(open.require_usable(HistoryPart::Measures).is_ok());
        let exposed = HistorySchema { exposed: vec!["REVOKE".to_owned()], ..open };
        assert_eq!(exposed.require_usable(HistoryPart::Runs).unwrap_err().kind, Kind::Privilege);
    }

    #[test]
    fn an_older_schema_is_good_for_what_its_version_has() {
        let older = HistorySchema {
            is_there: true,
            is_ours: true,
            may_read: true,
            version: Some(2),
            ..HistorySchema::default()
        };
        for part in [HistoryPart::Runs, HistoryPart::Statements] {
            assert!(older.require_usable(part).is_ok());
            assert_eq!(older.is_usable(part).ok(), Some(true));
        }
        assert_eq!(
            older.require_usable(HistoryPart::Measures).unwrap_err().kind,
            Kind::Unsupported
        );
        assert_eq!(older.is_usable(HistoryPart::Measures).ok(), Some(false));
        let exposed = HistorySchema { exposed: vec!["REVOKE".to_owned()], ..older };
        assert!(exposed.require_usable(HistoryPart::Runs).is_err());
    }

    #[test]
    fn each_version_is_told_by_what_it_makes() {
        for version in 1..=CURRENT {
            assert_eq!(nearest(&made(version)), (version, Vec::new()));
            assert!(has_version_table(&made(version)));
        }
        let mut found = made(CURRENT);
        found.insert("trigger t on run", "");
        found.insert("column run.reason", "mood");
        found.remove("table sample");
        let (version, differences) = nearest(&found);
        let told = differences.iter().map(Difference::to_string).collect::<Vec<_>>();
        assert_eq!(version, CURRENT);
        assert_eq!(
            told,
            [
                "trigger t on run is not pgtend's",
                "column run.reason is \"mood\" and not \"text NOT NULL\"",
                "table sample is gone"
            ]
        );
    }
}
