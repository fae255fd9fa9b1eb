//! Files that pgtend reads or writes where other users may have a hand in: whose they are, and
//! replacing them in one moment, so that nobody ever reads half of one.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use crate::failure::{Failure, Kind};

/// Why what stands in a file may be somebody else's words: it, or a link to it, belongs neither to this
/// user nor to root, or everybody may write to it. `None` where it can be trusted.
pub fn distrust(file: &Path) -> io::Result<Option<String>> {
    let [itself, target] = [fs::symlink_metadata(file)?, fs::metadata(file)?];
    if !is_ours(itself.uid()) || !is_ours(target.uid()) {
        return Ok(Some("it belongs to another user".to_owned()));
    }
    let is_open = target.mode() & 0o002 != 0;
    Ok(is_open.then(|| "every user may write to it".to_owned()))
}

fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// What stands in a file of pgtend's own in a folder of its own: both this user's, no link leads to the
/// file, nobody else may write to it, and it is no longer than that.
///
/// # Errors
/// Those of reading it, and one that says which of these does not hold.
pub fn read_private(path: &Path, most_bytes: u64) -> io::Result<String> {
    require_own(&fs::symlink_metadata(path.parent().unwrap_or(Path::new(".")))?)?;
    // A FIFO would wait for a writer.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    require_own(&metadata)?;
    if !metadata.is_file() || metadata.mode() & 0o002 != 0 || metadata.len() > most_bytes {
        return Err(io::Error::other("this is not a file of pgtend"));
    }
    let mut text = String::new();
    file.take(most_bytes).read_to_string(&mut text)?;
    Ok(text)
}

/// The failure of a file that could not be written, without the name of a temporary file that nobody
/// asked for: tempfile puts it behind the error.
pub fn not_written(path: &Path, error: &io::Error) -> Failure {
    let words = error.to_string();
    let why = words.split_once(" at path ").map_or(words.as_str(), |(why, _)| why);
    Failure::new(Kind::Io, format!("cannot write {}: {why}", path.display()))
}

/// Writes such a file, only for its owner, as temporary files are.
///
/// # Errors
/// Those of writing, and where the folder is another user's.
pub fn replace_private(
    path: &Path,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private(folder)?;
    let mut fresh = tempfile::Builder::new().prefix(".pgtend").tempfile_in(folder)?;
    write(fresh.as_file_mut())?;
    fresh.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn require_own(metadata: &fs::Metadata) -> io::Result<()> {
    match metadata.uid() == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(io::Error::other("it belongs to another user")),
    }
}

/// Makes the folder one that only its owner looks into, also where it was there before.
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.parent().unwrap_or(Path::new(".")))?;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = fs::symlink_metadata(folder)?;
    require_own(&metadata)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("this is not a folder"));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Tries whether the file could be written.
pub fn check(file: &Path) -> io::Result<()> {
    beside(&target(file)?).map(drop)
}

/// Writes the file. What is there keeps its mode and its owner; what is new can be read by all, because
/// another user's program reads it.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    let target = target(file)?;
    let before = fs::metadata(&target).ok();
    let mut fresh = beside(&target)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    if let Some(before) = &before {
        // Only root can give a file away; to everybody else's own it makes no difference.
        let _ = fchown(fresh.as_file(), Some(before.uid()), Some(before.gid()));
    }
    let mode = before.map_or(0o644, |before| before.mode() & 0o777);
    fresh.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    fresh.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// What a symbolic link leads to: the link stays. A device or a pipe would be replaced by a file.
fn target(file: &Path) -> io::Result<PathBuf> {
    refuse_links_of_others(file, MOST_LINKS)?;
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("it is there, but is no file"));
    }
    Ok(fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf()))
}

/// As many as Linux follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Another user's link would have us write where he wants, not where the path says.
fn refuse_links_of_others(path: &Path, links_left: usize) -> io::Result<()> {
    let mut so_far = PathBuf::new();
    for component in path.components() {
        so_far.push(component);
        if !matches!(component, Component::Normal(_)) {
            continue;
        }
        let Ok(metadata) = fs::symlink_metadata(&so_far) else {
            return Ok(());
        };
        if !metadata.is_symlink() {
            continue;
        }
        if !is_ours(metadata.uid()) || links_left == 0 {
            let why = format!("{} is a symbolic link of another user", so_far.display());
            return Err(io::Error::other(why));
        }
        let folder = so_far.parent().unwrap_or(Path::new(""));
        refuse_links_of_others(&folder.join(fs::read_link(&so_far)?), links_left - 1)?;
    }
    Ok(())
}

fn beside(file: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut fresh = tempfile::Builder::new();
    // The error would name a file that nobody knows.
    fresh
        .prefix(".pgtend")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::other("there is no such folder"),
            kind => kind.into(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        check(&link).unwrap();
        replace(&link, "after").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn a_file_keeps_its_mode_also_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, fresh] = ["file", "link", "fresh"].map(|name| folder.path().join(name));
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        replace(&link, "secret").unwrap();
        replace(&fresh, "").unwrap();
        let mode = |file| fs::metadata(file).unwrap().mode() & 0o777;
        assert_eq!((mode(&file), mode(&fresh)), (0o600, 0o644));
    }

    #[test]
    fn what_others_may_have_written_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(distrust(&file).unwrap(), None);
        assert_eq!(distrust(Path::new("/etc/passwd")).unwrap(), None);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o646)).unwrap();
        assert_eq!(distrust(&file).unwrap().unwrap(), "every user may write to it");
        assert!(distrust(&folder.path().join("none")).is_err());
    }

    /// Only root can make files that are another user's.
    #[test]
    fn what_is_another_users_is_neither_trusted_nor_followed() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let [file, link, inner] = ["file", "link", "inner"].map(|name| folder.path().join(name));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(4711), None).unwrap();
        assert_eq!(distrust(&link).unwrap().unwrap(), "it belongs to another user");
        let error = replace(&link, "after").unwrap_err().to_string();
        assert!(error.ends_with("/link is a symbolic link of another user"), "{error}");
        std::os::unix::fs::symlink("link", &inner).unwrap();
        assert!(check(&inner).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "");
        std::os::unix::fs::chown(&file, Some(4711), Some(4712)).unwrap();
        replace(&file, "after").unwrap();
        let after = fs::metadata(&file).unwrap();
        assert_eq!((after.uid(), after.gid()), (4711, 4712));
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path(), Path::new("/dev/null")] {
            assert!(check(path).is_err() && replace(path, "").is_err());
        }
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
