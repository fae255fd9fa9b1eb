//! `pgtend adopt`.

pub mod plan;
pub mod report;
mod statements;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::app::Context;
use crate::app::command::Command;
use crate::app::manual::Example;
use crate::facts::inventory::load_inventory;
use crate::failure::{Failure, Result};
use crate::files;
use crate::output::Report;
use crate::pg::name_pattern::NamePattern;
use plan::{AdoptSelection, AdoptedFile};
use report::AdoptReport;

/// Write the declaration of what the database has
///
/// Writes the indexes that no constraint owns, the materialized views and their comments as SQL files
/// for `plan` and `apply`: one for each table that has any, and one for each view, numbered in the
/// order in which views read each other. `pgtend plan` on them finds everything as declared. Where
/// --dir is not given, the files are printed as one.
///
/// The indexes of a partitioned table are declared once, not on each partition. What is invalid is
/// not adopted. Indexes that do the same as another one, and large ones that no query has used for
/// a month, are adopted with a warning.
///
/// Reads the catalog only. No file is overwritten.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only tables and views in schemas whose name matches this pattern; repeatable
    #[arg(short = 'n', long, value_name = "GLOB")]
    pub schema: Vec<String>,

    /// Only these tables and views: names and patterns (* and ?), as in psql; repeatable
    #[arg(short, long, value_name = "GLOB")]
    pub table: Vec<String>,

    /// Write the files into this folder, which is made if need be [default: print them]
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

impl Command for Args {
    const NAME: &'static str = "adopt";
    const EXAMPLES: &'static [Example] = &[
        (
            "pgtend adopt --dir db",
            "Write what the database has, to declare it from now on",
        ),
        ("pgtend adopt --table 'sales*'", "Print the declaration of some tables"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["plan", "apply", "check"];

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let selection = self.selection()?;
        let database = context.open(&context.connect_options("adopt")).await?;
        let session = database.reader().await?;
        let inventory = load_inventory(&session, &database.server, None).await?;
        let adoption = plan::adopt(&inventory, &selection)?;
        if let Some(folder) = &self.dir {
            write(folder, &adoption.files)?;
        }
        Ok(Box::new(AdoptReport { adoption, folder: self.dir.clone() }))
    }
}

impl Args {
    fn selection(&self) -> Result<AdoptSelection> {
        let schemas = self.schema.iter().map(|text| {
            glob::Pattern::new(text)
                .map_err(|error| Failure::usage(format!("--schema {text}: {error}")))
        });
        let tables = self.table.iter().map(|text| {
            NamePattern::parse(text)
                .map_err(|error| Failure::usage(format!("--table {text}: {error}")))
        });
        Ok(AdoptSelection {
            schemas: schemas.collect::<Result<_>>()?,
            tables: tables.collect::<Result<_>>()?,
        })
    }
}

/// Writes all files, or none where one of them is there and says something else.
fn write(folder: &Path, files: &[AdoptedFile]) -> Result<()> {
    let mut missing = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        match fs::read_to_string(&path) {
            Ok(text) if text == file.text() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((path, file)),
            _ => {
                let message = format!("{} is there and says something else", path.display());
                return Err(Failure::usage(message)
                    .hint("name a new folder with --dir, and compare the two"));
            }
        }
    }
    for (path, file) in missing {
        create(&path, &file.text()).map_err(|error| files::not_written(&path, &error))?;
    }
    Ok(())
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
