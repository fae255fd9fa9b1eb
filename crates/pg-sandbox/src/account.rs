//! The accounts that PostgreSQL's programs run as. PostgreSQL refuses root. Under root the server, in
//! which anybody's SQL may run as a superuser, has a user id of its own that no account of the machine
//! has; `initdb` wants one with a name, and runs nobody's SQL. Otherwise all run as the caller.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, ErrorKind, Result};
use crate::processes;

/// In order of preference: the one that every system has, and whose files are nobody's; else the
/// one made for PostgreSQL (the third name is macOS's), which a production cluster may use.
const NAMES: [&str; 3] = ["nobody", "postgres", "_postgres"];

/// Where a user id of one's own is taken from: what systemd's list of assignments calls unused, above
/// what directory services map to; in a container with few ids the range of systemd's dynamic users.
/// Source: <https://systemd.io/UIDS-GIDS/>.
const RANGES: [RangeInclusive<u32>; 2] = [2_000_200_001..=2_147_483_646, 61_184..=65_519];

const ATTEMPTS: usize = 20;

/// What the server's programs get of the caller's environment: where the time zones, the locales and
/// the libraries are, and for containers under an arbitrary user id how that is named. Nothing in it
/// is secret, and nothing redirects them, as libpq's variables would.
const PASSED_ON: [&str; 10] = [
    "TZ",
    "TZDIR",
    "LOCPATH",
    "LOCALE_ARCHIVE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LD_PRELOAD",
    "NSS_WRAPPER_PASSWD",
    "NSS_WRAPPER_GROUP",
];

/// An unprivileged user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// For messages.
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// The account that `initdb` runs as, from `/etc/passwd`. That file is enough: the names are local
/// accounts wherever they exist.
pub(crate) fn named() -> Result<Account> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    pick(&passwd).ok_or_else(|| {
        let message = "PostgreSQL refuses to run as root, and neither nobody nor postgres is an \
                       account of this machine";
        Error::new(ErrorKind::Account, message).with_hint("run this as an ordinary user")
    })
}

/// A user id, and a group id of the same number, that nothing else has; `None` where the machine
/// maps none of them, as in a container of a few ids.
pub(crate) fn own() -> Option<Account> {
    let maps = ["/proc/self/uid_map", "/proc/self/gid_map"].map(fs::read_to_string);
    let is_mapped = |id| maps.iter().all(|map| map.as_ref().map_or(true, |map| maps_id(map, id)));
    let range = RANGES
        .iter()
        .find(|range| is_mapped(*range.start()) && is_mapped(*range.end()))?;
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let taken: Vec<u32> = passwd.lines().filter_map(parse).map(|account| account.uid).collect();
    let is_free = |id: &u32| !taken.contains(id) && !processes::any_of(*id);
    let id = (0..ATTEMPTS).map(|_| random_in(range)).find(is_free)?;
    Some(Account { name: format!("with the user id {id}"), uid: id, gid: id })
}

/// Whether a server of ours, and nothing else, has this user id.
pub(crate) fn is_own(uid: u32) -> bool {
    RANGES.iter().any(|range| range.contains(&uid))
}

fn random_in(range: &RangeInclusive<u32>) -> u32 {
    let count = u64::from(range.end() - range.start()) + 1;
    let offset = RandomState::new().hash_one(std::process::id()) % count;
    range.start() + u32::try_from(offset).unwrap_or(0)
}

/// Whether user_namespaces(7) maps the id: lines of the first id inside, outside, how many.
fn maps_id(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap_or(0));
        let first: u64 = numbers.next().unwrap_or(0);
        let count: u64 = numbers.nth(1).unwrap_or(0);
        (first..first + count).contains(&u64::from(id))
    })
}

fn pick(passwd: &str) -> Option<Account> {
    let accounts: Vec<Account> = passwd.lines().filter_map(parse).collect();
    NAMES
        .iter()
        .find_map(|name| accounts.iter().find(|account| account.name == *name).cloned())
}

/// One line of passwd(5), unless it is root's under another name.
fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = parse_id(fields.nth(1)?)?;
    let gid = parse_id(fields.next()?)?;
    (uid != 0).then_some(Account { name, uid, gid })
}

/// macOS writes nobody's ids as -2, the same bits as a signed number.
fn parse_id(field: &str) -> Option<u32> {
    field
        .parse::<u32>()
        .ok()
        .or_else(|| Some(field.parse::<i32>().ok()?.cast_unsigned()))
}

/// A command that runs `program` in `directory` as `account`, or as the caller where there is none.
///
/// It has a process group of its own, so that a terminal's Ctrl-C reaches the caller alone, which
/// then stops the server in order; an environment that holds nothing of the caller's but [`PASSED_ON`];
/// and no open file of the caller's.
pub(crate) fn command(program: &Path, directory: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.envs(PASSED_ON.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    // C also keeps the messages in the one language that this module reads.
    command
        .env("LC_ALL", "C")
        .current_dir(directory)
        .stdin(Stdio::null())
        .process_group(0);
    if let Some(account) = account {
        // The standard library empties the list of further groups along with this.
        command.uid(account.uid).gid(account.gid);
    }
    // Those that the caller was started with; what Rust opens is close-on-exec.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    command
}

/// Whether the system lets a process run as `account`.
pub(crate) fn can_be(account: &Account) -> io::Result<bool> {
    let program = Path::new("/bin/sh");
    let status = command(program, Path::new("/"), Some(account)).args(["-c", ":"]).status();
    match status {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: &str = "root:x:0:0:root:/root:/bin/bash\n\
                         nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn the_account_of_production_clusters_is_the_last_resort() {
        let postgres = "postgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        let nobody = Account { name: "nobody".to_owned(), uid: 65534, gid: 65533 };
        assert_eq!(pick(&format!("{postgres}{LINUX}")), Some(nobody));
        let alone = Account { name: "postgres".to_owned(), uid: 101, gid: 104 };
        assert_eq!(pick(postgres), Some(alone));
        let mac = pick("# comment\nnobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n");
        assert_eq!(mac.map(|account| account.uid), Some(4_294_967_294));
    }

    #[test]
    fn root_under_another_name_is_no_stand_in() {
        assert_eq!(pick("nobody:x:0:0::/root:/bin/sh\n"), None);
    }

    #[test]
    fn ids_are_taken_only_where_the_namespace_has_them() {
        let rootless = "         0       1000          1\n         1     100000      65536\n";
        assert!(maps_id(rootless, 0) && maps_id(rootless, 65_519));
        assert!(!maps_id(rootless, *RANGES[0].start()));
        assert!(maps_id("         0          0 4294967295\n", *RANGES[0].end()));
        assert!(!maps_id("", 1));
    }

    #[test]
    fn an_id_of_ones_own_is_no_accounts() {
        for range in RANGES {
            assert!(is_own(random_in(&range)));
        }
        assert!(!is_own(65_534) && !is_own(0) && !is_own(101));
    }
}
