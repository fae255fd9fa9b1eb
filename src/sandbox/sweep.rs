//! Removes what killed processes left behind. Nothing is touched unless it is certainly pgtend's own:
//! see [`is_ours`].

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{home, postmaster};

/// Stops and removes, in `base`, every throwaway server of the user `owner` whose maker is gone.
///
/// One that was kept stays as long as it runs. What fails is left for the next sweep: a leftover is
/// no reason to refuse the work at hand.
pub(super) fn sweep(base: &Path, owner: u32) {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| is_ours(path, owner)) {
        sweep_one(&path);
    }
}

/// Whether `path` is a server's home that `owner` made: a real directory of that user in which
/// nobody else can write, with the marker in it. In a shared `/tmp` others can make a directory or a
/// link of the name, but not one that passes.
fn is_ours(path: &Path, owner: u32) -> bool {
    let named = path.file_name().and_then(|name| name.to_str());
    named.is_some_and(|name| name.starts_with(home::PREFIX))
        && fs::symlink_metadata(path)
            .is_ok_and(|found| found.is_dir() && found.uid() == owner && found.mode() & 0o022 == 0)
        && fs::symlink_metadata(path.join(home::MARKER)).is_ok_and(|marker| marker.is_file())
}

fn sweep_one(path: &Path) {
    // Held until the end, so that two sweeps do not meet in one directory.
    let Ok(lock) = File::open(path.join(home::LOCK)) else { return };
    if lock.try_lock().is_err() {
        return;
    }
    if path.join(home::KEPT).exists() && postmaster::running_in(path).is_some() {
        return;
    }
    postmaster::stop_orphan(path);
    drop(home::remove(path));
}
