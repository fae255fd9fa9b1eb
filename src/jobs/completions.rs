//! `pgtend completions`.

use clap_complete::Shell;

use crate::failure::Result;
use crate::output::{Page, Report};

/// Print the completions for a shell
///
/// For bash: pgtend completions bash > ~/.local/share/bash-completion/completions/pgtend
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Runs the command. Returns the exit code.
///
/// # Errors
/// None.
pub fn run(args: &Args, parser: &mut clap::Command) -> Result<Box<dyn Report>> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, parser, "pgtend", &mut script);
    Page::report(String::from_utf8_lossy(&script))
}
