//! Removes what killed processes left behind. Nothing is touched unless it is certainly the maker's
//! own: see [`is_ours`].

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::maker::Maker;
use crate::processes::Kin;
use crate::{account, home, peek, postmaster, processes};

/// What is left is left to the next sweep: the work at hand is not to wait for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stops and removes, in `base`, every throwaway server that the user `owner` has made as `maker` with
/// a process that is gone.
///
/// One that was kept stays as long as it runs. What fails is left for the next sweep: a leftover is
/// no reason to refuse the work at hand.
pub(crate) fn sweep(base: &Path, owner: u32, maker: &Maker) {
    let started = Instant::now();
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| is_ours(path, owner, maker)) {
        if started.elapsed() > PATIENCE {
            return;
        }
        sweep_one(&path, owner, maker);
    }
}

/// Whether `path` is a server's home that `owner` made: a real directory of that user in which
/// nobody else can write, with the marker in it. In a shared `/tmp` others can make a directory or a
/// link of the name, but not one that passes.
fn is_ours(path: &Path, owner: u32, maker: &Maker) -> bool {
    let named = path.file_name().and_then(|name| name.to_str());
    named.is_some_and(|name| name.starts_with(&maker.prefix()))
        && fs::symlink_metadata(path)
            .is_ok_and(|found| found.is_dir() && found.uid() == owner && found.mode() & 0o022 == 0)
        && fs::symlink_metadata(path.join(maker.marker()))
            .is_ok_and(|marker| marker.is_file() && marker.uid() == owner)
}

fn sweep_one(path: &Path, owner: u32, maker: &Maker) {
    // Held until the end, so that two sweeps do not meet in one directory.
    let Ok(lock) = peek::open(&path.join(home::LOCK), owner) else {
        return;
    };
    if lock.try_lock().is_err() {
        return;
    }
    let Some(kin) = kin(path, owner, maker) else {
        return;
    };
    let is_kept = fs::symlink_metadata(path.join(home::KEPT)).is_ok();
    if is_kept && is_running(path, &kin) {
        return;
    }
    if !matches!(kin, Kin::OwnUser(_)) {
        // In order, for it may have no marker: it may be of a version that set none.
        postmaster::stop_orphan(path);
    }
    let _ = kin.end();
    let _ = home::remove(path);
}

/// By what the server's processes are known: by the owner of its directory, which stands in ours.
fn kin(path: &Path, owner: u32, maker: &Maker) -> Option<Kin> {
    let name = path.file_name()?.to_str()?;
    let uid = fs::symlink_metadata(path.join(home::DATA)).map_or(owner, |data| data.uid());
    Some(match owner {
        0 if account::is_own(uid) => Kin::OwnUser(uid),
        _ => Kin::Marked { mark: processes::mark(maker, name), uid, adopted: false },
    })
}

fn is_running(path: &Path, kin: &Kin) -> bool {
    let is_seen = match kin {
        Kin::OwnUser(_) => kin.any(),
        Kin::Marked { .. } => postmaster::running_in(path).is_some(),
    };
    is_seen || is_answering(path)
}

/// Whether somebody listens on a socket of the server's: it may run in another container, whose
/// processes nobody sees here (pid_namespaces(7)).
fn is_answering(path: &Path) -> bool {
    let entries = fs::read_dir(path.join(home::SOCKET)).into_iter().flatten().flatten();
    let sockets = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
    sockets
        .map(|entry| entry.path())
        .any(|socket| UnixStream::connect(socket).is_ok())
}
