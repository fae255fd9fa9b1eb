//! Sqitch gives each change of sqitch.plan to psql, in a session of its own and in no transaction but its
//! own: deploy/NAME.sql applies, revert/NAME.sql takes back.

use std::path::{Path, PathBuf};

use super::{Between, Layout, Tool, Transactions, sure, whole};
use crate::declared::migrations::listing::FileListing;
use crate::declared::migrations::order::{CandidateFile, Direction, FileKey};
use crate::declared::migrations::{files, invalid_at, psql};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Sqitch,
    name: "Sqitch",
    knows: |listing| sure(plan(listing).is_some()),
    order,
    read: |pair, reader| whole(pair, |file, text| psql::script(file, 1, text, reader)),
    between: Between::NewSession,
    transactions: Transactions::Each,
};

/// Beside the folders, also where the user names deploy/.
fn plan(listing: &FileListing) -> Option<PathBuf> {
    let folders = listing.folders.iter().flat_map(|folder| {
        [Some(folder.clone()), folder.join("..").canonicalize().ok()]
            .into_iter()
            .flatten()
    });
    folders.map(|folder| folder.join("sqitch.plan")).find(|plan| plan.is_file())
}

fn order(listing: &FileListing) -> Result<Vec<CandidateFile>> {
    let Some(plan) = plan(listing) else {
        return Err(crate::failure::Failure::usage("there is no sqitch.plan")
            .hint("name the folder with sqitch.plan, deploy/ and revert/"));
    };
    let text = files::read_text(&plan)?;
    let folder = plan.parent().unwrap_or(Path::new("."));
    let changes = changes(&text);
    let mut candidates = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let file = format!("{}.sql", change.file);
        let deploy = folder.join("deploy").join(&file);
        if !deploy.is_file() {
            let message = format!("{} is missing", deploy.display());
            return Err(invalid_at(&plan, change.line, message)
                .hint("add the file, or take the change out of the plan"));
        }
        for (kind, direction) in [("deploy", Direction::Up), ("revert", Direction::Down)] {
            let path = named_as_found(listing, &folder.join(kind).join(&file));
            if path.is_file() {
                let (name, key) = (change.name.clone(), FileKey::Listed(at));
                candidates.push(CandidateFile { path, name, key, direction });
            }
        }
    }
    Ok(candidates)
}

/// The file as the user has named it, if below a folder of the user's.
fn named_as_found(listing: &FileListing, path: &Path) -> PathBuf {
    let Ok(canonical) = path.canonicalize() else {
        return path.to_path_buf();
    };
    let found = listing.files.iter().map(|found| &found.path);
    let same = found
        .into_iter()
        .find(|found| found.canonicalize().is_ok_and(|it| it == canonical));
    same.cloned().unwrap_or_else(|| path.to_path_buf())
}

struct SqitchChange {
    name: String,
    /// Without its ending: that of a change which was reworked later carries the tag in between.
    file: String,
    line: u32,
}

/// The changes of a plan: pragmas begin with a percent sign, tags with an at sign, notes with a number
/// sign.
fn changes(plan: &str) -> Vec<SqitchChange> {
    let mut changes: Vec<SqitchChange> = Vec::new();
    let mut since = 0;
    let mut tags: Vec<(usize, String)> = Vec::new();
    for (text, line) in plan.lines().map(str::trim).zip(1..) {
        if text.is_empty() || text.starts_with(['%', '#']) {
            continue;
        }
        let Some(first) = text.split_whitespace().next() else {
            continue;
        };
        if first.starts_with('@') {
            tags.push((changes.len(), first.to_owned()));
            since = changes.len();
            continue;
        }
        let name = first.trim_start_matches(['+', '-']).to_owned();
        // Reworked: what was deployed under this name before goes by the first tag after it.
        if let Some(at) = changes[..since].iter().rposition(|change| change.name == name)
            && changes[at].file == name
            && let Some((_, tag)) = tags.iter().find(|(after, _)| *after > at)
        {
            changes[at].file = format!("{name}{tag}");
        }
        changes.push(SqitchChange { file: name.clone(), name, line });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_changes_tags_and_reworked_changes() {
        let plan = "%syntax-version=1.0.0\n%project=shop\n\n\
                    users 2024-01-01T00:00:00Z A <a@b> # Users\n# a note\n\
                    sales [users] 2024-01-02T00:00:00Z A <a@b> # Sales\n@v1 2024-01-03T00:00:00Z A <a@b>\n\
                    users [users@v1] 2024-01-04T00:00:00Z A <a@b> # Again\n";
        let found = changes(plan);
        let wanted = [("users", "users@v1", 4), ("sales", "sales", 6), ("users", "users", 8)];
        let found = found.iter().map(|it| (it.name.as_str(), it.file.as_str(), it.line));
        assert_eq!(found.collect::<Vec<_>>(), wanted);
    }
}
