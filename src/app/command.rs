//! What every command is: its arguments, what has to be known before it runs, and how it runs.

use super::Context;
use super::manual::Example;
use crate::failure::Result;
use crate::output::report_file::ReportFile;
use crate::output::{Format, Report};

/// Which database a command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connects {
    /// On none that the user names.
    No,
    /// Only on one that the command line names: the environment's is the application's.
    IfNamed,
    /// On the one that the command line or the environment names.
    Yes,
}

/// How a command behaves when a signal comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSignal {
    /// It is left where it is: nothing remains of it.
    IsDropped,
    /// It cleans up, and reports.
    CleansUp,
}

/// On how many targets one run can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    One,
    /// One run for each of them.
    Several,
    /// One run for all of them: the context names them.
    Together,
}

/// A command.
pub trait Command: clap::Args {
    /// As in `application_name=pgtend/<name>`, and in JSON documents.
    const NAME: &'static str;
    /// Names by which it was known before.
    const ALIASES: &'static [&'static str] = &[];
    /// Calls that show what it is for.
    const EXAMPLES: &'static [Example];
    /// Commands to read about next.
    const SEE_ALSO: &'static [&'static str];
    /// What it can be written in besides table and JSON.
    const FORMATS: &'static [Format] = &[];
    const CONNECTS: Connects = Connects::Yes;
    const ON_SIGNAL: OnSignal = OnSignal::IsDropped;
    const TARGETS: Targets = Targets::One;

    /// Whether events are wanted instead of narration.
    fn wants_events(&self) -> bool {
        false
    }

    /// The files that are to be written besides the product.
    fn report_files(&self) -> &[ReportFile] {
        &[]
    }

    /// Where it connects besides; they may hold passwords.
    fn other_urls(&self) -> &[String] {
        &[]
    }

    /// The schemas for each of which it is run, by patterns.
    fn for_schemas(&self) -> &[String] {
        &[]
    }

    /// What of it, besides events, cannot be done over several targets.
    fn for_one_target_only(&self) -> Option<&'static str> {
        None
    }

    /// Runs the command; `run` reads like its table of contents.
    ///
    /// # Errors
    /// Whatever keeps it from doing its job; the failure's kind decides the exit code.
    async fn run(&self, context: &Context) -> Result<Box<dyn Report>>;
}
