//! Files that are replaced in one moment, so that nobody ever reads half of one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Tries whether the file could be written.
pub fn check(file: &Path) -> io::Result<()> {
    beside(&target(file)?).map(drop)
}

/// Writes the file.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    let target = target(file)?;
    let mut fresh = beside(&target)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Another user's program reads it.
        fresh.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    fresh.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// What a symbolic link leads to: the link stays. A device or a pipe would be replaced by a file.
fn target(file: &Path) -> io::Result<PathBuf> {
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("it is there, but is no file"));
    }
    Ok(fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf()))
}

fn beside(file: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut fresh = tempfile::Builder::new();
    // The error would name a file that nobody knows.
    fresh.prefix(".pgtend").tempfile_in(folder.unwrap_or(Path::new("."))).map_err(|error| {
        match error.kind() {
            io::ErrorKind::NotFound => io::Error::other("there is no such folder"),
            kind => kind.into(),
        }
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
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path(), Path::new("/dev/null")] {
            assert!(check(path).is_err() && replace(path, "").is_err());
        }
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
