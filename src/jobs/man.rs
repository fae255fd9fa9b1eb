//! `pgtend man`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap_mangen::Man;

use crate::failure::{Failure, Kind, Result};
use crate::output::{Page, Report};

/// Print the manual page, or write all of them
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one page for each command into this folder, which must exist
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

/// Runs the command. Returns the exit code.
///
/// # Errors
/// `Io` where the folder cannot be written.
pub fn run(args: &Args, parser: clap::Command) -> Result<Box<dyn Report>> {
    let io = |error| Failure::from_error(Kind::Io, error);
    match &args.dir {
        Some(folder) => {
            clap_mangen::generate_to(parser, folder)
                .with_context(|| format!("writing manual pages to {}", folder.display()))
                .map_err(io)?;
            Page::report("")
        }
        None => {
            let mut page = Vec::new();
            Man::new(parser).render(&mut page).context("writing the page").map_err(io)?;
            Page::report(String::from_utf8_lossy(&page))
        }
    }
}
