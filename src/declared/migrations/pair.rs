//! Brings up and down files together, and finds versions that stand twice.

use std::path::{Path, PathBuf};

use super::arrange::{Candidate, Direction, Key};
use super::{Layout, invalid};
use crate::failure::{Failure, Result};

/// A migration's files.
#[derive(Debug)]
pub struct Pair {
    /// The migration's name.
    pub name: String,
    /// The file that applies it.
    pub up: PathBuf,
    /// The file that takes it back.
    pub down: Option<PathBuf>,
}

/// The files of each migration; `candidates` are in order.
pub fn pairs(candidates: Vec<Candidate>, layout: Layout) -> Result<Vec<Pair>> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut last: Option<Candidate> = None;
    for candidate in candidates {
        let same = last.as_ref().is_some_and(|last| last.key == candidate.key);
        match (candidate.direction, pairs.last_mut().filter(|_| same)) {
            (Direction::Up, Some(pair)) if wanted_once(&candidate.key) => {
                return Err(twice(&pair.up, &candidate.path, layout));
            }
            (Direction::Up, _) => pairs.push(Pair {
                name: candidate.name.clone(),
                up: candidate.path.clone(),
                down: None,
            }),
            (Direction::Down, Some(pair)) => match &pair.down {
                Some(down) => return Err(twice(down, &candidate.path, layout)),
                None => pair.down = Some(candidate.path.clone()),
            },
            (Direction::Down, None) => return Err(alone(&candidate.path)),
        }
        last = Some(candidate);
    }
    Ok(pairs)
}

/// Tools that know a migration by its file name run two files of one number one after the other.
fn wanted_once(key: &Key) -> bool {
    !matches!(key, Key::Name(..))
}

fn twice(first: &Path, second: &Path, layout: Layout) -> Failure {
    let first = first.display();
    invalid(second, format!("the version is that of {first}; {} wants it once", layout.tool()))
        .hint("give one of the two another version")
}

fn alone(down: &Path) -> Failure {
    invalid(down, "there is no script that this one takes back")
        .hint("add the up script under the same version, or remove this one")
}
