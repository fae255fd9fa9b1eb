//! `pgtend completions`.

use clap::ValueHint;
use clap_complete::Shell;

use crate::app::Context;
use crate::app::command::{Command, Connects};
use crate::app::manual::Example;
use crate::failure::Result;
use crate::output::{Page, Report};

/// Print the completions for a shell
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
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut context.parser(), "pgtend", &mut script);
        let script = String::from_utf8_lossy(&script);
        Page::report(match self.shell {
            Shell::Bash => with_files(&script, &context.parser()),
            _ => script.into_owned(),
        })
    }
}

/// The first word after a command is offered options only, and so becomes a `-`; where it may be a file,
/// bash shall offer files.
fn with_files(script: &str, parser: &clap::Command) -> String {
    let takes_files = |command: &&clap::Command| {
        command.get_positionals().any(|it| it.get_value_hint() == ValueHint::AnyPath)
    };
    let heads = parser.get_subcommands().filter(takes_files).map(|command| {
        let name = command.get_name().replace('-', "__");
        (format!("        pgtend__{name})"), format!("        pgtend__subcmd__{name})"))
    });
    let heads = heads.collect::<Vec<_>>();
    let mut is_within = false;
    let lines = script.lines().map(|line| {
        if line.starts_with("        pgtend__") {
            is_within = heads.iter().any(|(one, other)| line == one || line == other);
        }
        match is_within {
            true => line.replace(" || ${COMP_CWORD} -eq 2 ]]", " ]]") + "\n",
            false => line.to_owned() + "\n",
        }
    });
    lines.collect()
}
