//! `pgtend man`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use anyhow::Context as _;
use clap::builder::StyledStr;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::app::Context;
use crate::app::command::{Command, Connects};
use crate::app::manual::{self, Example};
use crate::did_you_mean;
use crate::failure::{Failure, Kind, Result};
use crate::output::{Page, Report};

/// Show the manual page, or write all of them
///
/// On a terminal the page is shown by man(1); in a pipe it is roff.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Command whose page to show [default: the main page]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Option<String>,

    /// Write one page for each command into this folder, which must exist
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

impl Command for Args {
    const NAME: &'static str = "man";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend man apply", "Show the manual page of apply"),
        ("pgtend man --dir /usr/local/share/man/man1", "Write a page for each command"),
        ("pgtend man > pgtend.1", "Write the main page to a file"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["completions"];
    const CONNECTS: Connects = Connects::No;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let mut parser = context.parser().disable_help_subcommand(true);
        parser.build();
        if let Some(folder) = &self.dir {
            write_all(&parser, folder)?;
            return Page::report("");
        }
        let command = chosen(&parser, self.command.as_deref())?;
        let page = page(command)?;
        if context.console.shows_on_terminal() && shown_by_man(&page) {
            return Page::report("");
        }
        Page::report(page)
    }
}

/// The command of that name, or the program as a whole.
fn chosen<'p>(parser: &'p clap::Command, name: Option<&str>) -> Result<&'p clap::Command> {
    let Some(name) = name else {
        return Ok(parser);
    };
    let name = name.strip_prefix("pgtend-").unwrap_or(name);
    if name == parser.get_name() {
        return Ok(parser);
    }
    let known = || parser.get_subcommands().map(|known| known.get_name().to_owned()).collect();
    parser.find_subcommand(name).ok_or_else(|| {
        let known: Vec<String> = known();
        let hint = did_you_mean::hint(name, &known, "pgtend help lists the commands");
        Failure::usage(format!("there is no command {name}")).hint(hint)
    })
}

fn write_all(parser: &clap::Command, folder: &Path) -> Result<()> {
    for command in std::iter::once(parser).chain(parser.get_subcommands()) {
        let path = folder.join(format!("{}.1", title(command)));
        fs::write(&path, page(command)?)
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(|error| Failure::from_error(Kind::Io, error))?;
    }
    Ok(())
}

/// `pgtend-apply`.
fn title(command: &clap::Command) -> String {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    name.replace(' ', "-")
}

/// The page as roff.
fn page(command: &clap::Command) -> Result<String> {
    let mut page = Vec::new();
    render(command, &mut page)
        .context("cannot write the page")
        .map_err(|error| Failure::from_error(Kind::Io, error))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn render(command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    let version = concat!("pgtend ", env!("CARGO_PKG_VERSION"));
    let title = title(command);
    let man = Man::new(command.clone().display_name(title.clone()))
        .title(title.to_uppercase())
        .source(version)
        .manual("pgtend manual");
    man.render_title(page)?;
    man.render_name_section(page)?;
    synopsis(command).to_writer(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    below(command).to_writer(page)
}

/// `pgtend apply [OPTIONS] [PATH]…`
fn synopsis(command: &clap::Command) -> Roff {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let text = command.clone().render_usage().to_string().replace("...", "…");
    let usage = text.trim().trim_start_matches("Usage:").trim();
    let rest = usage.strip_prefix(name).unwrap_or(usage).to_owned();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold(name), roman(rest)]);
    roff
}

/// Examples, exit status, environment, files and other pages.
fn below(command: &clap::Command) -> Roff {
    let mut roff = Roff::new();
    let text = command.get_after_long_help().map(StyledStr::to_string).unwrap_or_default();
    let mut see_also = Vec::new();
    for section in text.split("\n\n") {
        let (heading, lines) = section.split_once('\n').unwrap_or((section, ""));
        match heading {
            "Exit codes:" => listed(&mut roff, "EXIT STATUS", lines.lines().filter_map(code)),
            "See also:" => see_also = lines.trim().split(", ").map(other_page).collect(),
            _ => examples(&mut roff, lines),
        }
    }
    let known = |list: &[(&str, &str)]| {
        let owned = list.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned()));
        owned.collect::<Vec<_>>().into_iter()
    };
    listed(&mut roff, "ENVIRONMENT", known(manual::ENVIRONMENT));
    listed(&mut roff, "FILES", known(manual::FILES));
    let main_page = command.get_bin_name().is_some_and(|name| name.contains(' '));
    see_also.extend(main_page.then(|| "pgtend(1)".to_owned()));
    see_also.extend(["psql(1)".to_owned(), "https://squawkhq.com/docs/rules".to_owned()]);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(see_also.join(", "))]);
    roff
}

fn other_page(command: &str) -> String {
    format!("{}(1)", command.replace(' ', "-"))
}

/// `  4    something failed`.
fn code(line: &str) -> Option<(String, String)> {
    let (code, meaning) = line.trim().split_once(' ')?;
    Some((code.to_owned(), meaning.trim().to_owned()))
}

fn listed(roff: &mut Roff, heading: &str, list: impl Iterator<Item = (String, String)>) {
    roff.control("SH", [heading]);
    for (name, what) in list {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(what)]);
    }
}

fn examples(roff: &mut Roff, lines: &str) {
    roff.control("SH", ["EXAMPLES"]);
    let trimmed = lines.lines().map(str::trim).collect::<Vec<_>>();
    for example in trimmed.chunks(2) {
        let [call, does] = example else {
            continue;
        };
        roff.control("TP", []);
        roff.text([bold(*call)]);
        roff.text([roman(*does)]);
    }
}

/// Whether man(1) has shown the page; a machine may have none.
fn shown_by_man(page: &str) -> bool {
    let mut name = String::from("pgtend-");
    let _ = write!(name, "{}", std::process::id());
    let Ok(file) = tempfile::Builder::new().prefix(&name).suffix(".1").tempfile() else {
        return false;
    };
    let shown = fs::write(file.path(), page)
        .and_then(|()| Program::new("man").arg("-l").arg(file.path()).status());
    shown.is_ok_and(|status| status.success())
}
