//! The product once more, in a file and a format of its own: CI wants annotations and artifacts.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use super::Format;
use crate::escape_control;
use crate::failure::{Failure, Result};
use crate::files;

/// A file to be written, as `FORMAT=FILE` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Its format.
    pub format: Format,
    /// Where it stands.
    pub file: PathBuf,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let form = "write FORMAT=FILE, for example sarif=verify.sarif";
        let (format, file) = text.split_once('=').ok_or(form)?;
        let format = Format::from_str(format, false).map_err(|_| unknown(format))?;
        match format {
            Format::Csv => Err(unknown(format.name())),
            _ if file.is_empty() => Err(form.to_owned()),
            _ => Ok(ReportFile { format, file: file.into() }),
        }
    }
}

fn unknown(format: &str) -> String {
    format!(
        "{format:?} is no format for a report: json, html, sarif, junit, gitlab, github, markdown and table are"
    )
}

impl ReportFile {
    /// Writes it.
    ///
    /// # Errors
    /// `Io`, naming the file.
    pub fn write(&self, text: &str) -> Result<()> {
        files::replace(&self.file, &escape_control::lines(text))
            .map_err(|error| files::not_written(&self.file, &error))
    }
}

/// Refuses files that could not be written, before any work is done.
///
/// # Errors
/// `Usage`, naming the file.
pub fn check(reports: &[ReportFile]) -> Result<()> {
    for (at, ReportFile { file, .. }) in reports.iter().enumerate() {
        let refused = |why: &str| Failure::usage(format!("cannot write {}: {why}", file.display()));
        if reports[..at].iter().any(|other| other.file == *file) {
            return Err(refused("two reports would have this file"));
        }
        files::check(file).map_err(|error| {
            refused(&error.to_string())
                .hint("--report names a file in a folder that this user may write to")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_format_and_a_file() {
        let report = "sarif=a=b.sarif".parse::<ReportFile>().unwrap();
        assert_eq!(report, ReportFile { format: Format::Sarif, file: "a=b.sarif".into() });
        for (text, wanted) in [
            ("verify.sarif", "write FORMAT=FILE"),
            ("sarif=", "write FORMAT=FILE"),
            ("csv=a", "\"csv\" is no format"),
            ("xml=a", "\"xml\" is no format"),
        ] {
            let message = text.parse::<ReportFile>().unwrap_err();
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }
}
