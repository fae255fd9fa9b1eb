//! `pgtend man`.

use crate::app::Context;
use crate::app::command::{Command, Connects};
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

impl Command for Args {
    const NAME: &'static str = "man";
    const CONNECTS: Connects = Connects::No;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let io = |error| Failure::from_error(Kind::Io, error);
        match &self.dir {
            Some(folder) => {
                clap_mangen::generate_to(context.parser(), folder)
                    .with_context(|| format!("writing manual pages to {}", folder.display()))
                    .map_err(io)?;
                Page::report("")
            }
            None => {
                let mut page = Vec::new();
                Man::new(context.parser())
                    .render(&mut page)
                    .context("writing the page")
                    .map_err(io)?;
                Page::report(String::from_utf8_lossy(&page))
            }
        }
    }
}
