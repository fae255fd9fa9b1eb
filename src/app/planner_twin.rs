//! How commands come by a planner twin.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pg_sandbox::Binaries;

use super::Context;
use crate::facts::statements::load_extension;
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::{ConnectOptions, Database, Errand};
use crate::sandbox;
use crate::twin::data::TwinData;
use crate::twin::workload::{self, StatementsWanted, WorkloadStatement};
use crate::twin::{self, Twin, Values};
use crate::warning::Warning;

/// Where the twin comes from, and what is done with it.
#[derive(Debug, Clone, clap::Args)]
pub struct TwinOptions {
    /// Plan with a saved twin instead of connecting
    #[arg(long, value_name = "FILE", conflicts_with = "save_twin")]
    pub twin: Option<PathBuf>,

    /// Save the twin for --twin; the file holds values of the data, so only you may read it
    #[arg(long, value_name = "FILE")]
    pub save_twin: Option<PathBuf>,

    /// Read no values of the data; costs are less exact then, because common values and histograms are
    /// missing
    #[arg(long)]
    pub no_values: bool,

    /// Plan with the settings of this role [default: the role that pgtend connects as]
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,

    /// Folder of PostgreSQL server programs of the same major version; can be repeated [default:
    /// found on this machine]
    #[arg(long, value_name = "DIR")]
    pub pg_bin: Vec<PathBuf>,
}

/// A workload, and what is needed to plan it.
pub struct PreparedWorkload {
    pub statements: Vec<WorkloadStatement>,
    pub data: Arc<TwinData>,
    pub warnings: Vec<Warning>,
}

/// Statements as the command line names them.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// Texts and those of files.
    pub statements: Vec<WorkloadStatement>,
    /// Those of pg_stat_statements, where nothing is named.
    pub counted: StatementsWanted,
    pub key_checks: KeyChecks,
}

/// Whether what PostgreSQL itself asks for foreign keys belongs to the workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyChecks {
    #[default]
    LeftOut,
    Included,
}

impl Named {
    fn asks_counters(&self) -> bool {
        self.statements.is_empty() || !self.counted.queryids.is_empty()
    }
}

impl TwinOptions {
    /// Finds the statements and reads what planning them needs; `texts`: of indexes to try.
    ///
    /// # Errors
    /// `Usage` where a statement or file is wrong; those of the connection.
    pub async fn prepare(
        &self,
        context: &Context,
        named: Named,
        texts: &[String],
    ) -> Result<PreparedWorkload> {
        match &self.twin {
            Some(file) => {
                let data = twin::load(file)?;
                let statements = counted(&data, named)?;
                Ok(PreparedWorkload { statements, data: Arc::new(data), warnings: Vec::new() })
            }
            None => self.read(context, named, texts).await,
        }
    }

    async fn read(
        &self,
        context: &Context,
        named: Named,
        texts: &[String],
    ) -> Result<PreparedWorkload> {
        let options = ConnectOptions {
            errand: Errand::Migrations,
            ..context.connect_options(context.origin.command())
        };
        let database = context.open(&options).await?;
        let key_checks = named.key_checks;
        let (mut statements, warnings) = find(&database, named).await?;
        if key_checks == KeyChecks::Included {
            let session = database.reader().await?;
            statements.extend(workload::load_key_checks(&session, &statements).await?);
        }
        if statements.is_empty() {
            return Err(Failure::new(Kind::Usage, "there is no statement to plan")
                .hint("name SQL, a file or a folder, or run the workload first"));
        }
        let all = statements
            .iter()
            .map(|statement| statement.text.clone())
            .chain(texts.iter().cloned())
            .collect::<Vec<_>>();
        let wanted = twin::ExportRequest {
            texts: &all,
            role: self.role.as_deref(),
            values: if self.no_values {
                Values::LeftOut
            } else {
                Values::Included
            },
        };
        let mut data = twin::export(&database, &wanted).await?;
        data.statements = statements.clone();
        if let Some(file) = &self.save_twin {
            save(context, &data, file, wanted.values)?;
        }
        Ok(PreparedWorkload { statements, data: Arc::new(data), warnings })
    }

    /// Starts the server that plans: of production's major, or of another.
    ///
    /// # Errors
    /// `Sandbox` where there are no programs of it, or no server can be made.
    pub async fn build(
        &self,
        context: &Context,
        data: &Arc<TwinData>,
        major: Option<u32>,
    ) -> Result<Twin> {
        build(context, data, major.unwrap_or_else(|| data.origin.major()), &self.pg_bin).await
    }
}

/// Saves a twin, and says what the file holds.
///
/// # Errors
/// `Io` where the file cannot be written.
pub fn save(context: &Context, data: &TwinData, file: &Path, values: Values) -> Result<()> {
    twin::save(data, file)?;
    let holds = match values {
        Values::LeftOut => "without values of the data",
        Values::Included => "it holds values of the data, and only you may read it",
    };
    context
        .console
        .narrate(&format!("Saved the twin to {}: {holds}.", file.display()));
    Ok(())
}

/// Starts the server that plans, of this major, with programs of these folders or found ones.
///
/// # Errors
/// `Sandbox` where there are no programs of it, or no server can be made.
pub async fn build(
    context: &Context,
    data: &Arc<TwinData>,
    major: u32,
    folders: &[PathBuf],
) -> Result<Twin> {
    let binaries = programs(folders, major)?;
    context
        .console
        .narrate(&format!("Planning on a throwaway PostgreSQL {} …", binaries.version));
    let options = context.connect_options(context.origin.command());
    Twin::build(data.clone(), binaries, &options).await
}

/// The server programs of a major version.
///
/// # Errors
/// `Sandbox` where there are none.
pub fn programs(pg_bin: &[PathBuf], major: u32) -> Result<Binaries> {
    let mut found = sandbox::SEARCH.find_all(pg_bin, &[major])?;
    found
        .pop()
        .ok_or_else(|| Failure::new(Kind::Sandbox, format!("no programs of PostgreSQL {major}")))
}

const NO_VALUES: &str = "the twin has no values of the data (--no-values): a statement with parameters \
                         has only the plan for any value, and selectivities are PostgreSQL's defaults";

/// What the twin lacks is told, whatever comes of it.
pub fn warnings(data: &TwinData, twin: &Twin) -> Vec<Warning> {
    let unknown = data.unknown.iter().map(|message| ("twin-inexact", message));
    let missing = twin.missing.iter().map(|message| ("twin-incomplete", message));
    let no_values = NO_VALUES.to_owned();
    let left_out = data.has_no_values.then_some(("twin-inexact", &no_values));
    let all = unknown.chain(missing).chain(left_out).map(|(rule, message)| Warning {
        rule,
        object: data.origin.database.clone(),
        message: message.clone(),
    });
    all.collect()
}

/// The statements that are named, those of pg_stat_statements with their texts.
///
/// # Errors
/// `Unsupported` where statements are not counted; those of the connection.
pub async fn find(
    database: &Database,
    named: Named,
) -> Result<(Vec<WorkloadStatement>, Vec<Warning>)> {
    if !named.asks_counters() {
        return Ok((named.statements, Vec::new()));
    }
    let session = database.reader().await?;
    let extension = load_extension(&session).await?;
    extension.require_counting()?;
    let (counted, unknown) = workload::of_counters(&session, &extension, &named.counted).await?;
    let warnings = unknown.iter().map(|why| Warning {
        rule: "texts_not_readable",
        object: "pg_stat_statements".to_owned(),
        message: why.to_string(),
    });
    let statements = named.statements.into_iter().chain(counted).collect();
    Ok((statements, warnings.collect()))
}

/// Those that are named, or those of a saved twin, which keeps the statements that it was made for.
///
/// # Errors
/// `Usage` where it was not made for one of those.
pub fn counted(data: &TwinData, named: Named) -> Result<Vec<WorkloadStatement>> {
    if !named.asks_counters() {
        return Ok(named.statements);
    }
    let of = |id: &i64| {
        let found = data.statements.iter().find(|statement| statement.queryid == Some(*id));
        found.cloned().ok_or_else(|| {
            Failure::usage(format!("the saved twin was not made for a statement {id}"))
        })
    };
    let chosen = match named.counted.queryids.is_empty() {
        true => data.statements.iter().take(named.counted.limit).cloned().collect(),
        false => named.counted.queryids.iter().map(of).collect::<Result<Vec<_>>>()?,
    };
    Ok(named.statements.into_iter().chain(chosen).collect())
}
