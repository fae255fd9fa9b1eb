//! The command line: shared options and the list of commands. Nothing happens here but parsing.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::commands::{apply, completions, demo, man, plan};
use crate::report::{Color, Format, Manner, Volume};

/// Keeps a PostgreSQL database fast without getting in the way of the application
///
/// pgtend makes a live database match the indexes and materialized views that your SQL files
/// declare: `pgtend plan` shows what is to be done, `pgtend apply` does it. Indexes are built online
/// while the application reads and writes, and broken builds of earlier attempts are mended.
#[derive(Debug, Parser)]
#[command(
    name = "pgtend",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = EXIT_CODES
)]
pub struct Cli {
    #[command(flatten)]
    /// Options of every command.
    pub shared: Shared,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do
  1    a check found something (plan --check)
  2    wrong usage, configuration or SQL files; nothing was touched
  3    could not start: connection, privilege, unsupported server
  4    something failed, or is not as declared and needs a person
  5    busy: another run is at work on this database
  130  cancelled by Ctrl-C (SIGINT), cleaned up
  143  cancelled by SIGTERM, cleaned up";

/// Options of every command.
#[derive(Clone, Args)]
#[command(next_help_heading = "Shared options")]
pub struct Shared {
    /// Configuration file [default: $PGTEND_CONFIG, else the first that exists of ./pgtend.toml,
    /// ~/.config/pgtend/config.toml, /etc/pgtend/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where to connect: postgres://…, "host=… dbname=…", or a database name
    /// [default: $DATABASE_URL, else $PGHOST, $PGDATABASE … as for psql]
    #[arg(short, long, global = true, value_name = "URL", conflicts_with = "target")]
    pub database_url: Option<String>,

    /// Connect to the database that the configuration file calls [targets.NAME]
    #[arg(long, global = true, value_name = "NAME")]
    pub target: Option<String>,

    /// How to write the result
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,

    /// Say nothing when all is well; warnings and failures are still shown
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Also show what is as declared; plan also shows the statements
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Show every statement that is sent to the server, on standard error
    #[arg(long, global = true)]
    pub echo: bool,

    /// Write progress as lines instead of drawing bars
    #[arg(long, global = true)]
    pub no_progress: bool,

    /// Use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

impl std::fmt::Debug for Shared {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .field("target", &self.target)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Cli {
    /// How the user wants to be spoken to.
    pub fn manner(&self) -> Manner {
        let shared = &self.shared;
        let wants_events = matches!(&self.command, Command::Apply(args) if args.events);
        Manner {
            format: shared.format,
            volume: match (shared.quiet, shared.verbose) {
                (true, _) => Volume::Quiet,
                (_, true) => Volume::Verbose,
                _ => Volume::Normal,
            },
            color: shared.color,
            no_progress: shared.no_progress,
            events: wants_events && shared.format == Format::Json,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    // No doc comments here: they would replace those of the Args in the help.
    #[allow(missing_docs)]
    Plan(plan::Args),
    #[allow(missing_docs)]
    Apply(apply::Args),
    #[allow(missing_docs)]
    Demo(demo::Args),
    #[allow(missing_docs)]
    Completions(completions::Args),
    #[allow(missing_docs)]
    Man(man::Args),
}

impl Command {
    /// The name, as in `application_name=pgtend/<name>` and in JSON documents.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Plan(_) => "plan",
            Command::Apply(_) => "apply",
            Command::Demo(_) => "demo",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
        }
    }
}

/// The parser itself, for man pages and completions.
pub fn parser() -> clap::Command {
    Cli::command()
}

/// The arguments with `secret_url` replaced by `harmless_url` wherever one ends in it: other users
/// can read a process's arguments.
pub fn replace_url(
    arguments: impl Iterator<Item = OsString>,
    secret_url: &str,
    harmless_url: &str,
) -> Vec<OsString> {
    let replaced = arguments.map(|argument| match argument.to_str() {
        Some(text) if text.ends_with(secret_url) => {
            OsString::from(format!("{}{harmless_url}", &text[..text.len() - secret_url.len()]))
        }
        _ => argument,
    });
    replaced.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_consistent() {
        parser().debug_assert();
    }

    #[test]
    fn a_url_is_replaced_in_each_form_of_the_option() {
        let replace = |argument: &str| {
            let arguments = [OsString::from(argument)].into_iter();
            replace_url(arguments, "postgres://u:p@h/d", "postgres://u@h/d").remove(0)
        };
        assert_eq!(replace("postgres://u:p@h/d"), "postgres://u@h/d");
        assert_eq!(replace("-dpostgres://u:p@h/d"), "-dpostgres://u@h/d");
        assert_eq!(replace("--database-url=postgres://u:p@h/d"), "--database-url=postgres://u@h/d");
        assert_eq!(replace("plan"), "plan");
    }
}
