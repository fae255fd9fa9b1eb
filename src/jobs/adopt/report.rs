//! What `adopt` shows.

use std::path::PathBuf;

use serde::Serialize;

use super::plan::{Adopted, AdoptedFile, Adoption};
use crate::format::count;
use crate::output::table::{Narrow, cell, fitted, table};
use crate::output::{Head, Outcome, Report, Style, Text};

#[derive(Debug)]
pub struct AdoptReport {
    pub adoption: Adoption,
    /// Where the files were written.
    pub folder: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document<'r> {
    folder: Option<&'r PathBuf>,
    files: &'r [AdoptedFile],
}

impl Report for AdoptReport {
    fn outcome(&self) -> Outcome {
        match self.adoption.files.is_empty() {
            true => Outcome::NothingToDo,
            false => Outcome::Done,
        }
    }

    fn json(&self, head: Head) -> String {
        let document = Document { folder: self.folder.as_ref(), files: &self.adoption.files };
        head.document(self.outcome(), document, &self.adoption.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let files = &self.adoption.files;
        let mut text = Text::default();
        match &self.folder {
            _ if files.is_empty() => {
                text.narrate("The database has no index and no materialized view to declare.");
            }
            None => {
                let texts = files.iter().map(AdoptedFile::text).collect::<Vec<_>>();
                text.product(texts.join("\n"));
            }
            Some(folder) => {
                if !style.is_quiet() {
                    text.product(listing(files, style));
                }
                let folder = folder.display();
                let written = count(files.len(), "file", "files");
                text.narrate(format!("{written} in {folder}. Next: pgtend plan {folder}"));
            }
        }
        text.warnings(&self.adoption.warnings, style);
        text
    }
}

fn listing(files: &[AdoptedFile], style: &Style) -> String {
    let mut shown = table(&["file", "declares"]);
    for file in files {
        shown.add_row(vec![cell(&file.path), cell(declares(&file.objects))]);
    }
    fitted(&shown, Narrow { wraps: "declares", drops: &[], alike: &[] }, style.width)
}

fn declares(objects: &[Adopted]) -> String {
    let kinds = [
        ("materialized_view", "materialized view", "materialized views"),
        ("index", "index", "indexes"),
        ("comment", "comment", "comments"),
    ];
    let counted = kinds.into_iter().filter_map(|(kind, one, many)| {
        let number = objects.iter().filter(|object| object.kind == kind).count();
        (number > 0).then(|| count(number, one, many))
    });
    counted.collect::<Vec<_>>().join(", ")
}
