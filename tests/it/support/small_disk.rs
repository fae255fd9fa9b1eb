//! A disk that is soon full.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own in memory, for the account of a server. It is gone with this value.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where this process may mount nothing. `data`: the data directory of the server.
    pub fn mount(mebibytes: u32, data: &Path) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let owner = fs::metadata(data).unwrap();
        let options =
            format!("size={mebibytes}m,mode=0700,uid={},gid={}", owner.uid(), owner.gid());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        is_mounted.then_some(SmallDisk { folder })
    }

    /// Fills it but for some MiB. Returns what takes the room.
    pub fn fill_but_for(&self, mebibytes: usize) -> PathBuf {
        let filler = self.path().join("filler");
        let free = rustix::fs::statvfs(self.folder.path()).unwrap();
        let free = usize::try_from(free.f_bavail * free.f_frsize).unwrap();
        fs::write(&filler, vec![0; free.saturating_sub(mebibytes << 20)]).unwrap();
        filler
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}
