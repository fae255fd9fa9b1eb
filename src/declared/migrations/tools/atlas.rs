//! Atlas sends each statement by itself, the files of a folder in the order of their names, each in a
//! transaction unless `-- atlas:txmode none` stands on top. A checkpoint stands for all before it.

use std::path::Path;

use super::{Between, Layout, Tool, Transactions, sure, whole};
use crate::declared::migrations::listing::FileListing;
use crate::declared::migrations::order::{self, CandidateFile};
use crate::declared::migrations::{Pieces, Script, Wrapping, files, invalid};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Atlas,
    name: "Atlas",
    knows: |listing| sure(listing.has_beside(SUM)),
    order,
    read: |pair, _| whole(pair, |file, text| Ok(script(file, text))),
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const SUM: &str = "atlas.sum";

const HINT: &str = "Atlas ends a statement at the delimiter that `-- atlas:delimiter` names";

fn order(listing: &FileListing) -> Result<Vec<CandidateFile>> {
    let direct = listing.direct();
    if let Some(sum) = listing.folders.iter().map(|it| it.join(SUM)).find(|it| it.is_file()) {
        check_sum(&sum, listing)?;
    }
    let mut all = direct
        .filter_map(|found| Some((found, order::by_text(found)?)))
        .collect::<Vec<_>>();
    all.sort_by(|a, b| a.1.key.cmp(&b.1.key));
    let last = all
        .iter()
        .rposition(|(found, _)| directive(found.text(), "checkpoint").is_some());
    Ok(all
        .into_iter()
        .skip(last.unwrap_or(0))
        .map(|(_, candidate)| candidate)
        .collect())
}

/// Atlas refuses a folder whose files are not those of its sum; the names are enough to tell most.
fn check_sum(sum: &Path, listing: &FileListing) -> Result<()> {
    let text = files::read_text(sum)?;
    let named = text
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit_once(" h1:"))
        .map(|(name, _)| name.trim())
        .collect::<Vec<_>>();
    let whole_folder = listing.files.iter().all(|found| found.below.is_some());
    for found in listing.direct() {
        let ignored = directive(found.text(), "sum").is_some_and(|mode| mode == "ignore");
        if !named.contains(&found.name().as_str()) && !ignored {
            return Err(out_of_sync(&found.path, "it is not in atlas.sum"));
        }
    }
    match named.iter().find(|name| !listing.direct().any(|found| found.name() == **name)) {
        Some(name) if whole_folder => Err(out_of_sync(sum, &format!("{name} is missing"))),
        _ => Ok(()),
    }
}

fn out_of_sync(file: &Path, why: &str) -> crate::failure::Failure {
    invalid(file, format!("{why}, so Atlas refuses the folder")).hint("run `atlas migrate hash`")
}

/// What a directive among the comments on top of a file says.
fn directive<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let top = text.lines().take_while(|line| line.trim().is_empty() || line.starts_with("--"));
    let mut own = top
        .filter_map(|line| line[2.min(line.len())..].trim().strip_prefix("atlas:"))
        .filter_map(|line| line.strip_prefix(name));
    own.find(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        .map(str::trim)
}

fn script(file: &Path, text: String) -> Script {
    let unwrapped = directive(&text, "txmode") == Some("none");
    let wrapping = if unwrapped {
        Wrapping::None
    } else {
        Wrapping::Transaction
    };
    let Some(delimiter) = directive(&text, "delimiter").map(unescaped) else {
        return Script::new(file, 1, text, wrapping);
    };
    let mut ranges = Vec::new();
    // Below the comments on top, which hold the delimiter itself.
    let top = text.split_inclusive('\n').take_while(|line| line.starts_with("--"));
    let mut at = top.map(str::len).sum::<usize>();
    let mut between = Vec::new();
    while at < text.len() {
        let end = text[at..].find(&delimiter).map_or(text.len(), |end| at + end);
        if !text[at..end].trim().is_empty() {
            ranges.push(at..end);
        }
        let next = (end + delimiter.len()).min(text.len());
        between.push(end..next);
        at = next;
    }
    let whole = Script::new(file, 1, text, wrapping);
    let is_space = delimiter.trim().is_empty();
    let script = Script { pieces: Some(Pieces { ranges, hint: HINT }), ..whole };
    if is_space { script } else { script.without(between) }
}

fn unescaped(delimiter: &str) -> String {
    delimiter.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
}
