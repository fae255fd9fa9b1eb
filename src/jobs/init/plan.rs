//! The plan of `pgtend init`: how pgtend's own schema comes into a database, and out of it again.

use crate::facts::history::{CURRENT, Grantee, HistoryPart, Installation, Installed, damaged};
use crate::failure::{Failure, Kind, Result};
use crate::pg::advisory::lock_schema;
use crate::pg::name::{quote_ident, quote_literal};

pub const NAME: &str = "pgtend";

/// What makes each version out of the one before.
const UPGRADES: [&str; CURRENT as usize] = [
    include_str!("../../../sql/schema/1.sql"),
    include_str!("../../../sql/schema/2.sql"),
    include_str!("../../../sql/schema/3.sql"),
];

/// The relations that the upgrades make.
pub const RELATIONS: [&str; 29] = [
    "measure",
    "measure_id_seq",
    "measure_key",
    "measure_pkey",
    "measurement",
    "measurement_pkey",
    "run",
    "run_id_seq",
    "run_object_started_at_idx",
    "run_pkey",
    "run_refreshes_idx",
    "run_started_at_idx",
    "sample",
    "sample_pkey",
    "sample_statement_idx",
    "snapshot",
    "snapshot_id_seq",
    "snapshot_pkey",
    "snapshot_taken_at_idx",
    "statement",
    "statement_id_seq",
    "statement_key",
    "statement_pkey",
    "statement_text",
    "statement_text_pkey",
    "version",
    "version_pkey",
    "view_state",
    "view_state_pkey",
];

/// How long a transaction of ours waits for a lock: whoever reads the history meanwhile would queue
/// behind it.
const LOCK_TIMEOUT: &str = "5s";

#[derive(Debug, Clone)]
pub enum WantedSchema {
    /// The schema, and these further roles may write and read it.
    Installed(Vec<String>),
    /// No schema.
    Removed,
}

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaAction {
    /// The schema is made.
    Install,
    /// It is brought to the next version.
    Upgrade,
    /// A privilege that lets another role hang code on the tables is taken away.
    Revoke,
    /// A role is let in.
    Grant,
    /// The schema is removed.
    Uninstall,
}

impl SchemaAction {
    /// The name in JSON documents, and as people say it.
    pub fn name(self) -> &'static str {
        match self {
            SchemaAction::Install => "install",
            SchemaAction::Upgrade => "upgrade",
            SchemaAction::Revoke => "revoke",
            SchemaAction::Grant => "grant",
            SchemaAction::Uninstall => "uninstall",
        }
    }
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStep {
    pub action: SchemaAction,
    pub reason: String,
    /// The statements between those of [`begin`] and COMMIT.
    pub statements: Vec<String>,
}

impl SchemaStep {
    /// All that is sent, in this order.
    pub fn texts(&self) -> Vec<String> {
        let own = self.statements.iter().cloned();
        begin().into_iter().chain(own).chain(["COMMIT".to_owned()]).collect()
    }
}

/// How each transaction begins: two of them never work at once, and each looks at what the one
/// before it has left.
pub fn begin() -> Vec<String> {
    vec![
        "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned(),
        format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"),
        "SET LOCAL search_path = ''".to_owned(),
        lock_schema(),
    ]
}

/// What is to be done, one transaction after the other; nothing if all is as wanted.
///
/// # Errors
/// `Unsupported` for a schema that is not pgtend's, is newer, or holds what others made; `Privilege`,
/// naming the way out; `Usage` for a role that does not exist.
pub fn plan(facts: &Installation, wanted: &WantedSchema) -> Result<Vec<SchemaStep>> {
    match wanted {
        WantedSchema::Installed(roles) => install(facts, roles),
        WantedSchema::Removed => uninstall(facts),
    }
}

fn install(facts: &Installation, roles: &[String]) -> Result<Vec<SchemaStep>> {
    let installed = facts.schema.installed();
    let from = match installed {
        Installed::Absent => 0,
        Installed::Older(version) => version,
        Installed::Current => CURRENT,
        Installed::Newer(version) => return Err(newer(version)),
        Installed::Foreign => return Err(foreign(facts)),
        Installed::Untrusted => return Err(facts.schema.distrusted()),
        Installed::Changed => return Err(facts.schema.changed()),
        Installed::Damaged => return Err(damaged()),
        Installed::Unusable => return Err(facts.schema.unreadable()),
    };
    let lacking = lacking(facts, roles)?;
    let exposed = &facts.schema.exposed;
    match installed {
        Installed::Absent => require_create(facts)?,
        _ if from < CURRENT || !lacking.is_empty() || !exposed.is_empty() => require_owned(facts)?,
        _ => {}
    }
    let mut steps = exposed.iter().map(|statement| revoke(statement)).collect::<Vec<_>>();
    steps.extend((from + 1..=CURRENT).map(|to| upgrade(facts, to)));
    steps.extend(lacking.into_iter().map(grant));
    Ok(steps)
}

fn lacking<'a>(facts: &Installation, roles: &'a [String]) -> Result<Vec<&'a str>> {
    let mut lacking = Vec::new();
    for role in roles {
        let granted = facts.grants.get(role).copied().flatten();
        match granted {
            None => return Err(Failure::usage(format!("--grant {role}: there is no such role"))),
            Some(false) => lacking.push(role.as_str()),
            Some(true) => {}
        }
    }
    Ok(lacking)
}

fn upgrade(facts: &Installation, to: i32) -> SchemaStep {
    let makes_schema = to == 1 && !facts.schema.is_there;
    let mut statements = Vec::new();
    if makes_schema {
        statements.push(format!("CREATE SCHEMA {NAME}"));
        statements
            .push(format!("COMMENT ON SCHEMA {NAME} IS 'What pgtend remembers (pgtend init)'"));
    }
    statements.extend(
        usize::try_from(to - 1)
            .ok()
            .and_then(|at| UPGRADES.get(at))
            .map(|upgrade| (*upgrade).trim_end().trim_end_matches(';').to_owned()),
    );
    statements.push(format!(
        "INSERT INTO {NAME}.version (version, pgtend_version, made_schema) VALUES ({to}, {}, \
         {makes_schema})",
        quote_literal(env!("CARGO_PKG_VERSION"))
    ));
    if to == HistoryPart::Measures.version() {
        statements.extend(facts.grantees.iter().flat_map(carry_over));
    }
    let (action, reason) = match to {
        1 => (SchemaAction::Install, "missing".to_owned()),
        _ => (SchemaAction::Upgrade, format!("to version {to}")),
    };
    SchemaStep { action, reason, statements }
}

/// Who may use the snapshots may use what they have from now on: otherwise the upgrade would shut it out of
/// the whole history.
fn carry_over(grantee: &Grantee) -> Vec<String> {
    let Grantee { role, may_read, may_write } = grantee;
    let mut statements = Vec::new();
    if *may_read {
        statements.push(format!("GRANT SELECT ON {NAME}.measure, {NAME}.measurement TO {role}"));
    }
    if *may_write {
        statements.push(format!("GRANT UPDATE ON {NAME}.snapshot TO {role}"));
        statements.push(format!("GRANT INSERT, UPDATE, DELETE ON {NAME}.measure TO {role}"));
        statements.push(format!("GRANT INSERT, DELETE ON {NAME}.measurement TO {role}"));
    }
    statements
}

/// Default privileges of the owner may have given it.
fn revoke(statement: &str) -> SchemaStep {
    let reason = "it would let another role hang code on the history".to_owned();
    SchemaStep {
        action: SchemaAction::Revoke,
        reason,
        statements: vec![statement.to_owned()],
    }
}

fn grant(role: &str) -> SchemaStep {
    let to = quote_ident(role);
    let statements = vec![
        format!("GRANT USAGE ON SCHEMA {NAME} TO {to}"),
        format!("GRANT SELECT ON {NAME}.version TO {to}"),
        format!("GRANT SELECT, INSERT, DELETE ON {NAME}.run TO {to}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {NAME}.view_state TO {to}"),
        format!("GRANT SELECT, INSERT, DELETE ON {NAME}.sample TO {to}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {NAME}.snapshot TO {to}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {NAME}.statement TO {to}"),
        format!("GRANT SELECT, INSERT, DELETE ON {NAME}.statement_text TO {to}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {NAME}.measure TO {to}"),
        format!("GRANT SELECT, INSERT, DELETE ON {NAME}.measurement TO {to}"),
    ];
    SchemaStep {
        action: SchemaAction::Grant,
        reason: format!("to {role}"),
        statements,
    }
}

fn uninstall(facts: &Installation) -> Result<Vec<SchemaStep>> {
    match facts.schema.installed() {
        Installed::Absent => return Ok(Vec::new()),
        Installed::Newer(version) => return Err(newer(version)),
        Installed::Foreign => return Err(foreign(facts)),
        Installed::Untrusted => return Err(facts.schema.distrusted()),
        Installed::Unusable => return Err(facts.schema.unreadable()),
        Installed::Current | Installed::Changed | Installed::Damaged | Installed::Older(_) => {
            require_owned(facts)?;
        }
    }
    if !facts.strangers.is_empty() {
        return Err(Failure::new(
            Kind::Unsupported,
            format!("other objects depend on the schema {NAME}: {}", listed(facts)),
        )
        .hint("nothing was removed; drop or move these first"));
    }
    let tables = facts
        .schema
        .tables
        .iter()
        .map(|table| format!("{NAME}.{}", quote_ident(table)))
        .collect::<Vec<_>>()
        .join(", ");
    let mut statements = vec![format!("DROP TABLE {tables}")];
    if facts.schema.made_schema {
        statements.push(format!("DROP SCHEMA {NAME}"));
    }
    Ok(vec![SchemaStep {
        action: SchemaAction::Uninstall,
        reason: "removed with all that it holds".to_owned(),
        statements,
    }])
}

fn require_create(facts: &Installation) -> Result<()> {
    let schema = &facts.schema;
    let role = quote_ident(&facts.role);
    if schema.untrusted.is_some() {
        return Err(schema.distrusted());
    }
    if !schema.may_own {
        let message = format!(
            "the history would belong to {}, which is not the role that has connected",
            facts.role
        );
        return Err(Failure::new(Kind::Privilege, message).hint(format!(
            "every member of {0} could let who uses the history run code; if you trust them all, set \
             owner = \"{0}\" under [history] of the configuration",
            facts.role
        )));
    }
    if schema.is_there && !schema.may_create_in_schema {
        let owner = schema.owner.as_deref().unwrap_or_default();
        let message =
            format!("{} may not create anything in the schema {NAME} of {owner}", facts.role);
        return Err(Failure::new(Kind::Privilege, message)
            .hint(format!("let {owner} say: GRANT USAGE, CREATE ON SCHEMA {NAME} TO {role}")));
    }
    if schema.is_there || schema.may_create_in_database {
        return Ok(());
    }
    let message =
        format!("{} may not create a schema in the database {}", facts.role, facts.database);
    Err(Failure::new(Kind::Privilege, message).hint(format!(
        "let its owner say: GRANT CREATE ON DATABASE {} TO {role}; or: CREATE SCHEMA {NAME} \
         AUTHORIZATION {role}",
        quote_ident(&facts.database)
    )))
}

fn require_owned(facts: &Installation) -> Result<()> {
    if facts.schema.owned {
        return Ok(());
    }
    let owner = facts.schema.owner.as_deref().unwrap_or_default();
    Err(Failure::new(
        Kind::Privilege,
        format!("the history in the schema {NAME} belongs to {owner}"),
    )
    .hint(format!("connect as {owner}, or as a member of that role")))
}

fn newer(version: i32) -> Failure {
    Failure::new(
        Kind::Unsupported,
        format!("the schema {NAME} is of version {version}; this pgtend knows {CURRENT} at most"),
    )
    .hint("a newer pgtend made it: use that one")
}

fn foreign(facts: &Installation) -> Failure {
    let listed = listed(facts);
    let holds = if listed.is_empty() {
        String::new()
    } else {
        format!("; it holds {listed}")
    };
    Failure::new(
        Kind::Unsupported,
        format!("there is a schema {NAME} that pgtend has not made{holds}"),
    )
    .hint("rename it, or empty it for pgtend")
}

/// So many tell what it is about.
const STRANGERS_NAMED: usize = 10;

fn listed(facts: &Installation) -> String {
    let all = &facts.strangers;
    let mut listed = all.iter().take(STRANGERS_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > STRANGERS_NAMED {
        listed.push_str(&format!(" and {} more", all.len() - STRANGERS_NAMED));
    }
    listed
}
