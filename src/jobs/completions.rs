//! `pgtend completions`.

use crate::app::Context;
use crate::app::command::{Command, Connects};
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

impl Command for Args {
    const NAME: &'static str = "completions";
    const CONNECTS: Connects = Connects::No;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut context.parser(), "pgtend", &mut script);
        Page::report(String::from_utf8_lossy(&script))
    }
}
