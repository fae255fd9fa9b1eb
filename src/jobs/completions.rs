//! `pgtend completions`.

use clap_complete::Shell;

use crate::app::Context;
use crate::app::command::{Command, Connects};
use crate::app::manual::Example;
use crate::failure::Result;
use crate::output::{Page, Report};

/// Print the completions for a shell
///
/// In bash, zsh and fish, commands, options and their values are offered, targets of the configuration, and
/// names of views, tables, indexes and schemas: for these pgtend connects as the command on the line
/// would, without asking for a password, and offers nothing where the server does not answer within
/// 250 ms.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell
    #[arg(value_enum)]
    pub shell: Shell,
}

impl Command for Args {
    const NAME: &'static str = "completions";
    const EXAMPLES: &'static [Example] = &[
        (
            "pgtend completions bash > ~/.local/share/bash-completion/completions/pgtend",
            "For bash",
        ),
        (r#"pgtend completions zsh > "${fpath[1]}/_pgtend""#, "For zsh"),
        ("pgtend completions fish > ~/.config/fish/completions/pgtend.fish", "For fish"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["man"];
    const CONNECTS: Connects = Connects::No;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        if let Some(script) = script(self.shell) {
            return Page::report(script);
        }
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut context.parser(), "pgtend", &mut script);
        Page::report(String::from_utf8_lossy(&script))
    }
}

/// The script for a shell that asks the program itself, and so is offered names of the database, too.
pub fn script(shell: Shell) -> Option<&'static str> {
    match shell {
        Shell::Bash => Some(include_str!("completions/pgtend.bash")),
        Shell::Zsh => Some(include_str!("completions/_pgtend")),
        Shell::Fish => Some(include_str!("completions/pgtend.fish")),
        _ => None,
    }
}
