//! The directory of one throwaway server: `<tmp>/<maker>-<random>/` with `data`, `socket`, `log`, and
//! what tells a later run whose it is: `lock`, held by the process that made it for as long as that
//! process lives, the marker `<maker>-sandbox`, and `kept` if the server may outlive its maker.
//!
//! The directory belongs to the caller and nobody else can write in it; only `data`, `socket` and `tmp`
//! belong to the account that the server runs as. So root never follows what another account laid out.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{
    DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown, lchown,
};
use std::path::{self, Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use crate::account::{self, Account};
use crate::binaries::Binaries;
use crate::error::{Error, ErrorKind, Result};
use crate::maker::Maker;
use crate::processes::{self, Kin};

pub(crate) const LOCK: &str = "lock";
pub(crate) const KEPT: &str = "kept";
pub(crate) const DATA: &str = "data";
pub(crate) const SOCKET: &str = "socket";
/// The server's home directory and place for temporary files.
const SCRATCH: &str = "tmp";

/// A socket's path fits in 104 bytes on the BSDs and macOS, in 108 on Linux, the final NUL included.
const LONGEST_SOCKET_PATH: usize = 100;
const SYSTEM_TMP: &str = "/tmp";

/// The directory of a throwaway server; removed when dropped, unless left.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    maker: Maker,
    /// The caller's effective uid.
    owner: u32,
    /// When the caller is root.
    accounts: Option<Accounts>,
    kin: Kin,
    left: bool,
    /// Never read: the kernel drops the lock with the last descriptor, however the process ends.
    _lock: File,
}

/// Who runs what under root.
#[derive(Debug)]
struct Accounts {
    /// `initdb`, which wants a name.
    initdb: Account,
    /// The server: a user id of its own, where the machine has one to give.
    server: Account,
}

impl Accounts {
    fn choose() -> Result<Accounts> {
        let initdb = account::named()?;
        let own = account::own().filter(|own| account::can_be(own).unwrap_or(false));
        let server = own.unwrap_or_else(|| initdb.clone());
        Ok(Accounts { initdb, server })
    }
}

impl Home {
    /// Makes the directory where temporary files go; in `/tmp` if that place cannot hold a server
    /// (path too long for a socket, out of reach for the server's account, not writable).
    pub fn make(binaries: &Binaries, maker: &Maker) -> Result<Home> {
        let [preferred, fallback] = bases();
        if holds_a_socket(&preferred, maker)
            && let Ok(home) = Home::make_in(&preferred, binaries, maker)
        {
            return Ok(home);
        }
        Home::make_in(&fallback, binaries, maker)
    }

    fn make_in(base: &Path, binaries: &Binaries, maker: &Maker) -> Result<Home> {
        let home = Home::claim(base, maker).map_err(|error| {
            Error::machine(format!("cannot make a directory in {}", base.display()), error)
                .with_hint("TMPDIR names another place")
        })?;
        home.furnish(binaries)
    }

    /// An empty directory, locked. The lock comes before the marker, so that whoever sees the marker
    /// and gets the lock knows that the maker is gone.
    fn claim(base: &Path, maker: &Maker) -> io::Result<Home> {
        let name = format!("{}{:012x}", maker.prefix(), RandomState::new().hash_one(base) >> 16);
        let path = base.join(&name);
        DirBuilder::new().mode(0o700).create(&path)?;
        let ready = lock(&path).and_then(|lock| {
            fs::write(path.join(maker.marker()), maker.what_this_is())?;
            Ok((lock, fs::metadata(&path)?.uid()))
        });
        let (lock, owner) = ready.inspect_err(|_| drop(fs::remove_dir_all(&path)))?;
        let mark = processes::mark(maker, &name);
        let kin = Kin::Marked { mark, uid: owner, adopted: false };
        Ok(Home {
            path,
            maker: maker.clone(),
            owner,
            accounts: None,
            kin,
            left: false,
            _lock: lock,
        })
    }

    /// Makes the server's own directories, and sees that it can use them and its programs.
    fn furnish(mut self, binaries: &Binaries) -> Result<Home> {
        if self.owner == 0 {
            self.accounts = Some(Accounts::choose()?);
            // The server's account must get through to its directories.
            fs::set_permissions(&self.path, Permissions::from_mode(0o711))
                .map_err(|error| failed("opening", &self.path, &error))?;
        }
        self.kin = self.recognise();
        self.make_directory(&self.data(), self.accounts.as_ref().map(|accounts| &accounts.initdb))?;
        for directory in [self.socket_dir(), self.scratch()] {
            self.make_directory(&directory, self.account())?;
        }
        if let Some(Accounts { initdb, server }) = &self.accounts {
            check_reach(initdb, binaries, &self.path)?;
            check_reach(server, binaries, &self.path)?;
        }
        Ok(self)
    }

    /// How the server's processes are known; where it shares its user, those that it leaves to
    /// themselves come to this process.
    fn recognise(&self) -> Kin {
        let server = self.account().map_or(self.owner, |account| account.uid);
        if self.owner == 0 && account::is_own(server) {
            return Kin::OwnUser(server);
        }
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let mark = processes::mark(&self.maker, &name);
        Kin::Marked { mark, uid: server, adopted: processes::share_the_user() }
    }

    fn make_directory(&self, directory: &Path, owner: Option<&Account>) -> Result<()> {
        DirBuilder::new()
            .mode(0o700)
            .create(directory)
            .and_then(|()| match owner {
                Some(account) => chown(directory, Some(account.uid), Some(account.gid)),
                None => Ok(()),
            })
            .map_err(|error| failed("making", directory, &error))
    }

    /// Hands what `initdb` has made to the server's account.
    pub fn hand_over(&self) -> Result<()> {
        match &self.accounts {
            Some(Accounts { initdb, server }) if initdb != server => {
                hand_over(&self.data(), initdb, server)
                    .map_err(|error| failed("handing over", &self.data(), &error))
            }
            _ => Ok(()),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn data(&self) -> PathBuf {
        self.path.join(DATA)
    }

    pub fn socket_dir(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// What the server runs as, when the caller is root.
    fn account(&self) -> Option<&Account> {
        self.accounts.as_ref().map(|accounts| &accounts.server)
    }

    fn scratch(&self) -> PathBuf {
        self.path.join(SCRATCH)
    }

    /// A command that runs `initdb` here.
    pub fn initdb(&self, program: &Path) -> Command {
        self.command(program, self.accounts.as_ref().map(|accounts| &accounts.initdb))
    }

    /// A command that runs the server here.
    pub fn server(&self, program: &Path) -> Command {
        self.command(program, self.account())
    }

    fn command(&self, program: &Path, account: Option<&Account>) -> Command {
        let mut command = account::command(program, &self.path, account);
        let name = self.path.file_name().unwrap_or_default();
        command.env("HOME", self.scratch()).env("TMPDIR", self.scratch());
        command.env(self.maker.variable(), name);
        command
    }

    /// Limits what the server may take.
    pub fn limit(&self, pid: u32) {
        processes::limit(pid, &self.kin);
    }

    /// Ends what goes on of the server, and what was started in it.
    pub fn end_processes(&self) -> Result<()> {
        self.kin.end().map_err(|error| {
            Error::machine("what the throwaway server has started cannot be ended", error)
        })
    }

    /// Writes a file (mode 0600) that belongs to the server. An old one of the name is replaced, not
    /// opened: the directory may be the server's, and what lies there could be a link.
    pub fn write_for_server(&self, path: &Path, contents: &str) -> Result<()> {
        let write = || -> io::Result<()> {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(contents.as_bytes())?;
            match self.account() {
                Some(account) => fchown(&file, Some(account.uid), Some(account.gid)),
                None => Ok(()),
            }
        };
        write().map_err(|error| failed("writing", path, &error))
    }

    /// Opens a file below the data directory for reading and writing; a new one belongs to the server.
    /// Each directory is opened from the one above it, and none of them may be a link.
    pub fn open_for_server(&self, relative: &Path) -> Result<File> {
        let open = || -> io::Result<File> {
            let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut at = rustix::fs::open(self.data(), directory, Mode::empty())?;
            let names = relative.components().collect::<Vec<_>>();
            let Some((file, above)) = names.split_last() else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            if names.iter().any(|name| !matches!(name, Component::Normal(_))) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            for name in above {
                at = rustix::fs::openat(&at, name.as_os_str(), directory, Mode::empty())?;
            }
            let existing = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = file.as_os_str();
            match rustix::fs::openat(&at, file, existing, Mode::empty()) {
                Ok(found) => return Ok(File::from(found)),
                Err(rustix::io::Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            let new = existing | OFlags::CREATE | OFlags::EXCL;
            let made = File::from(rustix::fs::openat(&at, file, new, Mode::RUSR | Mode::WUSR)?);
            if let Some(account) = self.account() {
                fchown(&made, Some(account.uid), Some(account.gid))?;
            }
            Ok(made)
        };
        open().map_err(|error| failed("opening", &self.data().join(relative), &error))
    }

    /// Lets the directory outlive this process.
    pub fn leave(mut self) -> Result<()> {
        let kept = self.path.join(KEPT);
        fs::write(&kept, "").map_err(|error| failed("writing", &kept, &error))?;
        self.left = true;
        Ok(())
    }

    /// Removes the directory now and says if that fails.
    pub fn remove(mut self) -> Result<()> {
        self.left = true;
        let ended = self.end_processes();
        remove(&self.path).map_err(|error| failed("removing", &self.path, &error))?;
        ended
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.left {
            // What cannot be removed now is swept by the next run.
            let _ = self.end_processes();
            let _ = remove(&self.path);
        }
    }
}

fn failed(action: &str, path: &Path, error: &io::Error) -> Error {
    Error::machine(format!("{action} {} failed", path.display()), error)
}

/// Where homes are made: where temporary files go, and the system's own place for them.
pub(crate) fn bases() -> [PathBuf; 2] {
    let preferred = env::temp_dir();
    [path::absolute(&preferred).unwrap_or(preferred), PathBuf::from(SYSTEM_TMP)]
}

/// Removes the directory of a server. Processes that have not yet noticed that their postmaster is
/// gone may still add files, hence more than one attempt. The data goes first: should that fail, the
/// marker is still there for the next run.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    for _ in 0..10 {
        let removed = absent_is_fine(fs::remove_dir_all(path.join(DATA)))
            .and_then(|()| absent_is_fine(fs::remove_dir_all(path)));
        if removed.is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(100));
    }
    remove_the_odd(path);
    absent_is_fine(fs::remove_dir_all(path))
}

/// By the system's own means, which cope with directories that are nested deeper than there are file
/// descriptors and, once they are opened, with those that nobody may enter.
fn remove_the_odd(path: &Path) {
    for (program, arguments) in [("chmod", ["-R", "u+rwX"]), ("rm", ["-r", "-f"])] {
        let _ = Command::new(program)
            .args(arguments)
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Gives every file below `directory` to `to`. Whoever shares the account `from` can have meddled, so
/// the directory is closed to that account first, and only what `initdb` makes is handed over: its
/// own directories and plain files of one name.
fn hand_over(directory: &Path, from: &Account, to: &Account) -> io::Result<()> {
    let found = fs::symlink_metadata(directory)?;
    let is_ours =
        found.uid() == from.uid && (found.is_dir() || found.is_file() && found.nlink() == 1);
    if !is_ours {
        return Err(io::Error::other(format!("{} is not initdb's", directory.display())));
    }
    lchown(directory, Some(to.uid), Some(to.gid))?;
    if found.is_dir() {
        for entry in fs::read_dir(directory)? {
            hand_over(&entry?.path(), from, to)?;
        }
    }
    Ok(())
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn lock(home: &Path) -> io::Result<File> {
    let lock = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(home.join(LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// Whether a socket made below `base` has a path that the kernel takes and that a URL can carry.
fn holds_a_socket(base: &Path, maker: &Maker) -> bool {
    let name = format!("{}0123456789ab", maker.prefix());
    let longest = base.join(name).join(SOCKET).join(".s.PGSQL.65535");
    longest.to_str().is_some_and(|path| path.len() <= LONGEST_SOCKET_PATH)
}

/// Sees that `account` can run the programs and can enter `home`.
fn check_reach(account: &Account, binaries: &Binaries, home: &Path) -> Result<()> {
    let initdb = binaries.program("initdb");
    let runs_in = |directory: &Path| {
        let output = account::command(&initdb, directory, Some(account)).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    let name = &account.name;
    if !runs_in(Path::new("/")) {
        return Err(Error::new(
            ErrorKind::Account,
            format!("the account {name} cannot run {}", initdb.display()),
        )
        .with_hint(
            "PostgreSQL refuses to run as root, so its programs run as another account: make them \
             readable for everyone, or run this as an ordinary user",
        ));
    }
    if !runs_in(home) {
        let message = format!("the account {name} cannot enter {}", home.display());
        return Err(Error::new(ErrorKind::Machine, message).with_hint("TMPDIR names another place"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_too_deep_for_a_socket_is_not_used() {
        let holds = |base: &Path| holds_a_socket(base, &Maker::new("some-tool").unwrap());
        assert!(holds(Path::new("/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/")));
        assert!(!holds(&Path::new("/builds").join("x".repeat(60))));
    }
}
