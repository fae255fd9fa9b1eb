//! Brings up and down files together, and finds versions that stand twice.

use std::path::{Path, PathBuf};

use super::invalid;
use super::order::{CandidateFile, Direction, wanted_once};
use crate::failure::{Failure, Result};

#[derive(Debug)]
pub struct Pair {
    pub name: String,
    /// The file that applies it.
    pub up: PathBuf,
    /// The file that takes it back.
    pub down: Option<PathBuf>,
}

/// The files of each migration, and what there is to say of the others; `candidates` are in order.
///
/// # Errors
/// `Declaration` where a version stands twice that the tool wants once, or no script applies.
pub fn pairs(candidates: Vec<CandidateFile>, tool: &str) -> Result<(Vec<Pair>, Vec<String>)> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut alone = Vec::new();
    let mut last: Option<CandidateFile> = None;
    for candidate in candidates {
        let same = last.as_ref().is_some_and(|last| last.key == candidate.key);
        match (candidate.direction, pairs.last_mut().filter(|_| same)) {
            (Direction::Up, Some(pair)) if wanted_once(&candidate.key) => {
                return Err(twice(&pair.up, &candidate.path, tool));
            }
            (Direction::Up, _) => pairs.push(Pair {
                name: candidate.name.clone(),
                up: candidate.path.clone(),
                down: None,
            }),
            (Direction::Down, Some(pair)) => match &pair.down {
                Some(down) => return Err(twice(down, &candidate.path, tool)),
                None => pair.down = Some(candidate.path.clone()),
            },
            (Direction::Down, None) => {
                alone.push(candidate.path);
                continue;
            }
        }
        last = Some(candidate);
    }
    if let (true, Some(first)) = (pairs.is_empty(), alone.first()) {
        return Err(invalid(first, "it takes back, and no script is there that applies")
            .hint("name the files that apply, too"));
    }
    let warning = |down: &PathBuf| {
        format!("{}: there is no script that this one takes back; it is not run", down.display())
    };
    Ok((pairs, alone.iter().map(warning).collect()))
}

fn twice(first: &Path, second: &Path, tool: &str) -> Failure {
    let earlier = first.display();
    invalid(second, format!("the version is that of {earlier}; {tool} wants it once"))
        .hint("give one of the two another version")
}
