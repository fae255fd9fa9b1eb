//! The account that PostgreSQL's programs run as. PostgreSQL refuses root, so under root they run as
//! an unprivileged account of the machine; otherwise as the caller.

use std::env;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Kind, Result};

/// In order of preference: the account made for the purpose (the second name is macOS's), else the
/// one that every system has.
const NAMES: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// An unprivileged account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// The account that stands in for root, from `/etc/passwd`. That file is enough: both names are local
/// accounts wherever they exist, and `initdb` itself wants the account to be known there.
pub(super) fn unprivileged() -> Result<Account> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    pick(&passwd).ok_or_else(|| {
        let message = "PostgreSQL refuses to run as root, and neither postgres nor nobody is an \
                       account of this machine";
        Failure::new(Kind::Sandbox, message).hint("run pgtend as an ordinary user")
    })
}

fn pick(passwd: &str) -> Option<Account> {
    let accounts: Vec<Account> = passwd.lines().filter_map(parse).collect();
    NAMES.iter().find_map(|name| accounts.iter().find(|account| account.name == *name).cloned())
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
    field.parse::<u32>().ok().or_else(|| Some(field.parse::<i32>().ok()?.cast_unsigned()))
}

/// A command that runs `program` in `directory` as `account`, or as the caller where there is none.
///
/// It has a process group of its own, so that a terminal's Ctrl-C reaches pgtend alone, which then
/// stops the server in order; and none of libpq's variables, which would redirect it.
pub(super) fn command(program: &Path, directory: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    // C also keeps the messages in the one language that this module reads.
    command.env("LC_ALL", "C").current_dir(directory).stdin(Stdio::null()).process_group(0);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: &str = "root:x:0:0:root:/root:/bin/bash\n\
                         nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn the_servers_own_account_is_preferred() {
        let with_postgres = format!("{LINUX}postgres:x:101:104::/var/lib/postgresql:/bin/bash\n");
        let postgres = Account { name: "postgres".to_owned(), uid: 101, gid: 104 };
        assert_eq!(pick(&with_postgres), Some(postgres));
    }

    #[test]
    fn nobody_stands_in_where_there_is_no_postgres() {
        let nobody = Account { name: "nobody".to_owned(), uid: 65534, gid: 65533 };
        assert_eq!(pick(LINUX), Some(nobody));
        let mac = pick("# comment\nnobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n");
        assert_eq!(mac.map(|account| account.uid), Some(4_294_967_294));
    }

    #[test]
    fn root_under_another_name_is_no_stand_in() {
        assert_eq!(pick("postgres:x:0:0::/root:/bin/sh\n"), None);
    }
}
