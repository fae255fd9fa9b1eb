//! Reading what may have been laid out by hostile hands: a file in the temporary folder, or in the
//! server's own directories, where migrations write as its superuser.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Opens a plain file of the user `owner` for reading. Never waits, as opening a FIFO would, follows
/// no link in the last place, and does not touch a device.
pub(crate) fn open(path: &Path, owner: u32) -> io::Result<File> {
    let is_plain = |found: &fs::Metadata| found.is_file() && found.uid() == owner;
    let refused = || io::Error::other("not a plain file of its owner's");
    if !is_plain(&fs::symlink_metadata(path)?) {
        return Err(refused());
    }
    // What lies there may have been exchanged meanwhile, hence the flags and the second look.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if is_plain(&file.metadata()?) {
        Ok(file)
    } else {
        Err(refused())
    }
}

/// The beginning of such a file, at most `limit` bytes; empty if there is none.
pub(crate) fn read(path: &Path, owner: u32, limit: u64) -> String {
    let mut bytes = Vec::new();
    // Half a file is as good as one that is being written.
    let _ = open(path, owner).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_plain_files_of_the_owner_are_read_and_only_their_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let owner = fs::metadata(dir.path()).unwrap().uid();
        fs::write(at("plain"), "0123456789").unwrap();
        assert_eq!(read(&at("plain"), owner, 4), "0123");
        assert_eq!(read(&at("plain"), owner + 1, 4), "");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("fifo"),
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        symlink(at("plain"), at("link")).unwrap();
        for name in ["fifo", "zero", "link", "nothing", "."] {
            assert_eq!(read(&at(name), owner, 4), "", "{name}");
        }
        assert_eq!(read(Path::new("/dev/zero"), 0, 4), "");
    }
}
