//! Making the server that plans: schema, figures, statistics, files of the right length, no row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pg_sandbox::{Binaries, Sandbox};
use tokio_postgres::types::Type;

use super::data::TwinData;
use super::ddl::{self, Make};
use super::{extended, files, statistics};
use crate::facts::Oid;
use crate::facts::load::ask;
use crate::failure::Result;
use crate::pg::database::{ConnectOptions, Workers};
use crate::pg::name::{quote_ident, quote_literal};
use crate::pg::session::Session;
use crate::sandbox;

/// Owns everything on the twin and plans there: whatever functions came along can do no more than it.
const ROLE: &str = "pgtend_twin";
const DATABASE: &str = "twin";

/// How the planning session begins: a plan is the same whatever the parameters are.
pub(super) const FORCE_GENERIC: &str = "SET plan_cache_mode = force_generic_plan";

/// Statements that are on their way at once.
const BATCH: usize = 500;

/// A server that plans as the one that its data are from.
pub struct Twin {
    pub(super) data: Arc<TwinData>,
    /// Writes the catalog; it never parses what others wrote.
    pub(super) superuser: Session,
    /// Makes objects and plans.
    pub(super) planner: Session,
    pub(super) objects: HashMap<(String, String), Object>,
    /// Tables whose statistics could not be read.
    pub(super) hidden: HashSet<(String, String)>,
    pub(super) next_file: u32,
    pub(super) candidates: u32,
    /// The planning session makes plans for the values of parameters.
    pub(super) makes_custom_plans: AtomicBool,
    /// What could not be made, each with the reason.
    pub missing: Vec<String>,
    // Dropped last: the sessions end before their server.
    pub(super) sandbox: Sandbox,
}

/// A table or index of the twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub oid: Oid,
    /// Below the data directory.
    pub file: Option<String>,
}

impl std::fmt::Debug for Twin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Twin").field("data", &self.data.origin).finish_non_exhaustive()
    }
}

impl Twin {
    /// Starts the server and makes everything on it.
    ///
    /// # Errors
    /// `Sandbox` where no server can be made; those of its sessions. An object that cannot be made is
    /// no error: it stands in `missing`.
    pub async fn build(
        data: Arc<TwinData>,
        binaries: Binaries,
        connect_options: &ConnectOptions,
    ) -> Result<Twin> {
        let TwinServer { sandbox, superuser, owner: planner, mut missing } =
            TwinServer::make(&data, binaries, &SETTINGS, connect_options).await?;
        missing.extend(make_all(&planner, ddl::indexes_and_constraints(&data)).await?);
        let objects = load_objects(&superuser).await?;
        let hidden = hidden(&data);
        let mut twin = Twin {
            data,
            superuser,
            planner,
            objects,
            hidden,
            next_file: files::FIRST_FILE,
            candidates: 0,
            makes_custom_plans: AtomicBool::new(false),
            missing,
            sandbox,
        };
        twin.fill().await?;
        Ok(twin)
    }

    async fn fill(&mut self) -> Result<()> {
        execute(&self.superuser, "CHECKPOINT").await?;
        self.set_files_of_all().await?;
        let refused = statistics::write(&self.superuser, &self.data.clone()).await?;
        self.missing.extend(refused);
        let refused = extended::write(self).await?;
        self.missing.extend(refused);
        self.set_planner_settings().await
    }

    /// As the statements' role has them. One that this server refuses is told.
    async fn set_planner_settings(&mut self) -> Result<()> {
        self.missing.extend(set_settings(&self.planner, &self.data).await?);
        execute(&self.planner, FORCE_GENERIC).await?;
        execute(&self.planner, "SET statement_timeout = '60s'").await
    }

    /// Stops the server and removes its files, and says what failed.
    ///
    /// # Errors
    /// `Sandbox` where the server goes on or a file stays.
    pub async fn stop(self) -> Result<()> {
        let Twin { sandbox, superuser, planner, .. } = self;
        drop((superuser, planner));
        sandbox::stop(sandbox).await
    }

    pub(super) fn object(&self, schema: &str, name: &str) -> Option<&Object> {
        self.objects.get(&(schema.to_owned(), name.to_owned()))
    }
}

const SETTINGS: [(&str, &str); 4] = [
    // It would find empty pages and count no rows.
    ("autovacuum", "off"),
    ("max_locks_per_transaction", "1024"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
];

fn hidden(data: &TwinData) -> HashSet<(String, String)> {
    let hidden = data.relations.iter().filter(|table| table.is_table() && !table.may_read);
    hidden.map(|table| (table.schema.clone(), table.name.clone())).collect()
}

/// A throwaway server with production's schema, without rows and indexes.
pub(super) struct TwinServer {
    pub sandbox: Sandbox,
    pub superuser: Session,
    /// Owns everything but extensions, without rights outside of it.
    pub owner: Session,
    /// What could not be made, each with the reason.
    pub missing: Vec<String>,
}

impl TwinServer {
    pub(super) async fn make(
        data: &TwinData,
        binaries: Binaries,
        settings: &[(&str, &str)],
        connect_options: &ConnectOptions,
    ) -> Result<TwinServer> {
        let sandbox = start(binaries, settings).await?;
        let open = async |database: &str, role: &str| {
            let database = sandbox::open(&sandbox.url_as(database, role), connect_options).await?;
            database.maintainer(Workers::AsConfigured).await
        };
        let first = open("postgres", "postgres").await?;
        let mut missing = Vec::new();
        missing.extend(make_database(&first, data).await?);
        let superuser = open(DATABASE, "postgres").await?;
        missing.extend(make_all(&superuser, ddl::extensions(data)).await?);
        make_schemas(&superuser, data).await?;
        let owner = open(DATABASE, ROLE).await?;
        execute(&owner, "SET check_function_bodies = off").await?;
        missing.extend(make_all(&owner, ddl::objects(data)).await?);
        Ok(TwinServer { sandbox, superuser, owner, missing })
    }
}

async fn start(binaries: Binaries, settings: &[(&str, &str)]) -> Result<Sandbox> {
    let mut options = sandbox::options(binaries);
    if options.binaries.major >= 18 {
        // A file that is written beside the server has no checksum.
        options.initdb_arguments.push("--no-data-checksums".to_owned());
    }
    let own = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    options.settings = own.collect();
    sandbox::start(options).await
}

/// With the locale of production, which decides what an index on text can do. Where this machine does
/// not know it, with one that sorts by code points and still is not C.
async fn make_database(session: &Session, data: &TwinData) -> Result<Option<String>> {
    execute(session, &format!("CREATE ROLE {ROLE} LOGIN")).await?;
    let origin = &data.origin;
    let head = format!(
        "CREATE DATABASE {DATABASE} OWNER {ROLE} TEMPLATE template0 ENCODING {}",
        quote_literal(&origin.encoding)
    );
    let locale = |collate: &str, ctype: &str| {
        format!(" LC_COLLATE {} LC_CTYPE {}", quote_literal(collate), quote_literal(ctype))
    };
    let provider = match (origin.provider.as_str(), &origin.locale) {
        ("i", Some(name)) => format!(" LOCALE_PROVIDER icu ICU_LOCALE {}", quote_literal(name)),
        ("b", Some(name)) => {
            format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", quote_literal(name))
        }
        _ => String::new(),
    };
    let same = format!("{head}{}{provider}", locale(&origin.collate, &origin.ctype));
    let Err(refused) = session.execute(&same).await else {
        return Ok(None);
    };
    for other in [locale("C.UTF-8", "C.UTF-8"), locale("C", "C")] {
        if session.execute(&format!("{head}{other}")).await.is_ok() {
            return Ok(Some(format!(
                "the locale {} cannot be had on this machine ({refused}): texts are compared by code \
                 points, so that costs of ranges of text may differ a little",
                origin.locale.as_deref().unwrap_or(&origin.collate)
            )));
        }
    }
    Err(refused.into_failure().context("making the twin's database"))
}

async fn make_schemas(session: &Session, data: &TwinData) -> Result<()> {
    for schema in ddl::schemas(data) {
        let name = quote_ident(&schema);
        let statements = [
            format!("CREATE SCHEMA IF NOT EXISTS {name}"),
            format!("ALTER SCHEMA {name} OWNER TO {ROLE}"),
        ];
        for statement in statements {
            execute(session, &statement).await?;
        }
    }
    Ok(())
}

/// Makes what can be made; what fails is tried again while anything else succeeds, because it may have
/// needed that. Returns what could not be made.
pub(super) async fn make_all(session: &Session, makes: Vec<Make>) -> Result<Vec<String>> {
    let mut left = makes;
    loop {
        let mut failed = Vec::new();
        for batch in left.chunks(BATCH) {
            let statements = batch.iter().map(|make| make.sql.clone()).collect::<Vec<_>>();
            let answers = session.pipeline(&statements).await;
            for (make, answer) in batch.iter().zip(answers) {
                match answer {
                    Err(error) if error.sqlstate.is_none() => return Err(error.into_failure()),
                    Err(error) => failed.push((make.clone(), error)),
                    Ok(_) => {}
                }
            }
        }
        if failed.len() == left.len() || failed.is_empty() {
            let missing = failed.iter().map(|(make, error)| format!("{}: {error}", make.object));
            return Ok(missing.collect());
        }
        left = failed.into_iter().map(|(make, _)| make).collect();
    }
}

pub(super) async fn load_objects(session: &Session) -> Result<HashMap<(String, String), Object>> {
    let rows = ask(session, include_str!("../../sql/twin-build/relations.sql"), &[]).await?;
    let objects = rows.iter().map(|row| {
        let object = Object { oid: row.get("oid"), file: row.get("file") };
        ((row.get("schema"), row.get("name")), object)
    });
    Ok(objects.collect())
}

pub(super) async fn execute(session: &Session, statement: &str) -> Result<()> {
    session
        .execute(statement)
        .await
        .map_err(|error| error.into_failure().context("making the twin"))
}

/// Gives a session the settings of the statements' role, and says which this server refuses.
pub(super) async fn set_settings(session: &Session, data: &TwinData) -> Result<Vec<String>> {
    execute(session, "RESET ALL").await?;
    let settings = data
        .settings
        .iter()
        .map(|setting| {
            format!(
                "SELECT pg_catalog.set_config({}, {}, false)",
                quote_literal(&setting.name),
                quote_literal(&setting.value)
            )
        })
        .collect::<Vec<_>>();
    let answers = session.pipeline(&settings).await;
    let refused = data.settings.iter().zip(answers).filter_map(|(setting, answer)| {
        answer.err().map(|error| format!("setting {}: {error}", setting.name))
    });
    Ok(refused.collect())
}

/// Says which indexes the planner may use.
pub(super) async fn set_valid(session: &Session, oids: &[Oid], is_valid: bool) -> Result<()> {
    let sql = include_str!("../../sql/twin-build/valid_indexes.sql");
    ask(session, sql, &[(&oids, Type::OID_ARRAY), (&is_valid, Type::BOOL)])
        .await
        .map(drop)
}
