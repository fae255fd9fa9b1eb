//! A throwaway PostgreSQL server: found among the installed ones, made in a temporary directory,
//! reached over a private socket, and gone with the value that stands for it.
//!
//! ```no_run
//! use pg_sandbox::{Options, Sandbox, Search};
//!
//! # fn main() -> pg_sandbox::Result<()> {
//! let binaries = Search::default().find(None)?;
//! let sandbox = Sandbox::start(&Options::new(binaries))?;
//! println!("psql '{}'", sandbox.url("postgres"));
//! sandbox.stop()
//! # }
//! ```
//!
//! A [`Sandbox`] stops its server and removes its files when it is dropped, which covers a return, an
//! early error and a panic that unwinds. A program that answers Ctrl-C and SIGTERM by returning from
//! `main` is covered as well; the server itself does not see the terminal's signals. For a process
//! that is killed the next [`Sandbox::start`] cleans up.
//!
//! Nothing here uses the network, and nothing is downloaded. Everything blocks: [`Sandbox::start`]
//! takes a second or two, up to a minute on a busy machine. Unix only.
//!
//! Whoever can run SQL as the superuser of such a server can run programs on the machine: it is ended
//! with all that it has started, but it is no prison.
//!
//! The feature `testing` adds what a test of a PostgreSQL client wants and nothing else should have.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod account;
mod binaries;
mod error;
mod home;
mod maker;
mod peek;
mod postmaster;
mod processes;
mod sweep;
#[cfg(any(test, feature = "testing"))]
mod testing;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

pub use binaries::{Binaries, Search};
pub use error::{Error, ErrorKind, Result};

use home::Home;
use maker::Maker;
use postmaster::{Postmaster, Refusal};

/// The superuser that every sandbox has.
const SUPERUSER: &str = "postgres";

/// In a socket directory of our own every port is free; none has to be found.
const SOCKET_PORT: u16 = 5432;

/// A free TCP port may be taken before the server binds it; then another is tried.
const LAUNCHES: usize = 5;

/// For data that nobody wants back: nothing waits for a disk. `synchronous_commit` stays on. Without
/// fsync it costs next to nothing, and off it would let a crash lose commits and VACUUM leave pages
/// unmarked whose commit is not yet written, which no other server would do.
const UNSAFE_AND_FAST: [(&str, &str); 2] = [("fsync", "off"), ("full_page_writes", "off")];

const PRELOAD: &str = "shared_preload_libraries";
const STATEMENTS: &str = "pg_stat_statements";

/// What server to make.
#[derive(Debug, Clone)]
pub struct Options {
    /// The installation to use; see [`Search::find`].
    pub binaries: Binaries,
    /// The program that makes the server, in small letters, digits and hyphens: the directory's name
    /// begins with it, and what killed processes left is removed under the same name only.
    pub maker: String,
    /// Server settings (`-c name=value`), stronger than the sandbox's own.
    pub settings: Vec<(String, String)>,
    /// Further arguments of `initdb`, such as `--no-data-checksums`.
    pub initdb_arguments: Vec<String>,
    /// On 127.0.0.1 too, on a free port, and not on the socket alone, which only the caller and root
    /// can reach.
    listens_on_loopback: bool,
    /// The contents of `pg_hba.conf`; without it whoever can connect is trusted.
    hba: Option<String>,
    /// Files (plain name, contents) for the data directory.
    files: Vec<(String, String)>,
}

impl Options {
    /// A server of `binaries` on its socket alone, with nothing special, made by `pg`.
    pub fn new(binaries: Binaries) -> Self {
        Options {
            binaries,
            maker: "pg".to_owned(),
            settings: Vec::new(),
            initdb_arguments: Vec::new(),
            listens_on_loopback: false,
            hba: None,
            files: Vec::new(),
        }
    }
}

/// A running throwaway server; stopped and removed when dropped.
#[derive(Debug)]
pub struct Sandbox {
    // Dropped in this order: the server stops before its files go.
    postmaster: Postmaster,
    home: Home,
    recipe: Recipe,
}

/// A server that goes on running: how to reach it, and how to be rid of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Connects to the database that [`Sandbox::keep`] was asked for.
    pub url: String,
    /// A shell command that stops the server and removes its files, for the user who made it.
    pub stop_command: String,
    /// What the server logs.
    pub log_path: PathBuf,
}

impl Sandbox {
    /// Makes a server and returns when it accepts connections; first removes what killed processes
    /// left behind.
    ///
    /// Root cannot run PostgreSQL, so under root it runs with a user id of its own that no account of
    /// the machine has (in a container without such, as `nobody`).
    ///
    /// # Errors
    /// Every failure leaves nothing behind and carries the end of the server's log.
    pub fn start(options: &Options) -> Result<Sandbox> {
        let maker = Maker::new(&options.maker)?;
        let home = Home::make(&options.binaries, &maker)?;
        for base in home::bases() {
            sweep::sweep(&base, home.owner(), &maker);
        }
        initdb(&home, options)?;
        home.hand_over()?;
        for (name, contents) in &options.files {
            home.write_for_server(&home.data().join(name), contents)?;
        }
        if let Some(hba) = &options.hba {
            home.write_for_server(&hba_path(&home), hba)?;
        }
        let mut recipe = Recipe::new(options)?;
        let postmaster = first_launch(&mut recipe, &home)?;
        Ok(Sandbox { postmaster, home, recipe })
    }

    /// Connects to `database` over the socket, as the superuser `postgres` and without a password.
    pub fn url(&self, database: &str) -> String {
        self.url_as(database, SUPERUSER)
    }

    /// Connects to `database` over the socket as a role of the server's, without a password.
    pub fn url_as(&self, database: &str, role: &str) -> String {
        format!(
            "postgres:///{}?host={}&port={}&user={}",
            percent_encode(database),
            percent_encode(&self.socket_dir().to_string_lossy()),
            self.port(),
            percent_encode(role)
        )
    }

    /// The directory that holds the socket: what libpq calls the host.
    pub fn socket_dir(&self) -> PathBuf {
        self.home.socket_dir()
    }

    /// The port, of the socket and, where the server listens there, of TCP.
    pub fn port(&self) -> u16 {
        self.recipe.port
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.home.data()
    }

    /// A file of the data directory, by its path there; it is made if it is missing, and belongs to
    /// the server. No link is followed: the directory is the server's, and what runs there could have
    /// put one.
    ///
    /// # Errors
    /// Fails if a directory on the way is missing or is a link, and if the file cannot be opened.
    pub fn open_file(&self, relative: &Path) -> Result<fs::File> {
        self.home.open_for_server(relative)
    }

    /// The file that the server logs to.
    pub fn log_path(&self) -> PathBuf {
        self.home.log()
    }

    /// What the server has logged so far, over restarts too.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn log(&self) -> io::Result<String> {
        fs::read(self.log_path()).map(|log| String::from_utf8_lossy(&log).into_owned())
    }

    /// The end of what the server has logged, on one line in parentheses; empty if it said nothing.
    pub fn last_words(&self) -> String {
        postmaster::last_lines(&postmaster::log_since(&self.log_path(), 0))
            .trim_start()
            .to_owned()
    }

    /// The process id of the postmaster.
    pub fn pid(&self) -> u32 {
        self.postmaster.pid()
    }

    /// Whether `pg_stat_statements` is loaded, so that `CREATE EXTENSION` gives its view. It is unless
    /// the installation lacks it (some packages have the extensions apart) or
    /// [`Options::settings`] chose other libraries.
    pub fn has_pg_stat_statements(&self) -> bool {
        self.recipe.has_pg_stat_statements()
    }

    /// A shell command that stops the server and removes its files, to be run by the same user. It can
    /// be pasted again without harm: it ends the process only if that is still the server.
    pub fn stop_command(&self) -> String {
        let pid = self.pid();
        let words = if cfg!(target_os = "linux") {
            format!("cat /proc/{pid}/cmdline 2>/dev/null")
        } else {
            format!("ps -ww -o command= -p {pid}")
        };
        let needle = quote(&postmaster::needle(self.home.path()).unwrap_or_default());
        let stop = format!("{words} | grep -q {needle} && kill -s QUIT {pid} && sleep 1");
        format!("{stop}; rm -rf {}", quoted(self.home.path()))
    }

    /// Leaves the server running when this process ends; `database` is what the URL of the answer
    /// names. The files are removed by a later [`Sandbox::start`] once that server has ended.
    ///
    /// # Errors
    /// Fails, and ends the server, if its directory cannot be marked.
    pub fn keep(self, database: &str) -> Result<Kept> {
        let url = self.url(database);
        let stop_command = self.stop_command();
        let log_path = self.log_path();
        self.home.leave()?;
        self.postmaster.leave();
        Ok(Kept { url, stop_command, log_path })
    }

    /// Stops the server and removes its files, as dropping does, but says what failed.
    ///
    /// # Errors
    /// Fails if the server goes on or a file stays; the next [`Sandbox::start`] tries again.
    pub fn stop(mut self) -> Result<()> {
        let stopped = self.stop_server();
        self.home.remove()?;
        stopped
    }

    fn stop_server(&mut self) -> Result<()> {
        let stopped = self.postmaster.stop();
        stopped.map_err(|error| Error::machine("stopping the throwaway server failed", error))
    }
}

/// How the server is started, each time the same.
#[derive(Debug)]
struct Recipe {
    options: Options,
    port: u16,
    preloads: bool,
}

impl Recipe {
    fn new(options: &Options) -> Result<Recipe> {
        let port = if options.listens_on_loopback {
            free_port()?
        } else {
            SOCKET_PORT
        };
        Ok(Recipe { options: options.clone(), port, preloads: true })
    }

    fn launch(&self, home: &Home) -> std::result::Result<Postmaster, Refusal> {
        let mut command = home.server(&self.options.binaries.program("postgres"));
        command.arg("-D").arg(home.data());
        for (name, value) in self.settings(home) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let postmaster = Postmaster::launch(command, &home.data(), &home.log())?;
        home.limit(postmaster.pid());
        Ok(postmaster)
    }

    /// The server's settings, the stronger ones last.
    fn settings(&self, home: &Home) -> Vec<(String, String)> {
        let listen = if self.options.listens_on_loopback {
            "127.0.0.1"
        } else {
            ""
        };
        let mut settings = vec![
            ("port".to_owned(), self.port.to_string()),
            ("listen_addresses".to_owned(), listen.to_owned()),
            ("unix_socket_directories".to_owned(), list_item(&home.socket_dir())),
            ("max_connections".to_owned(), "200".to_owned()),
            ("log_line_prefix".to_owned(), "%m [%p] %a ".to_owned()),
        ];
        settings.extend(UNSAFE_AND_FAST.map(|(name, value)| (name.to_owned(), value.to_owned())));
        if self.options.hba.is_some() {
            settings.push(("hba_file".to_owned(), hba_path(home).display().to_string()));
        }
        if self.preloads {
            settings.push((PRELOAD.to_owned(), STATEMENTS.to_owned()));
        }
        settings.extend(self.options.settings.iter().cloned());
        settings
    }

    /// Changes what made the server refuse, if that can be changed.
    fn adapt(&mut self, refusal: &Refusal) -> Result<Adapted> {
        if self.preloads && refusal.lacks_pg_stat_statements() {
            self.preloads = false;
            return Ok(Adapted::Yes);
        }
        if self.options.listens_on_loopback && refusal.port_was_taken() {
            self.port = free_port()?;
            return Ok(Adapted::Yes);
        }
        Ok(Adapted::No)
    }

    fn has_pg_stat_statements(&self) -> bool {
        let chosen = self.options.settings.iter().rev().find(|(name, _)| name == PRELOAD);
        chosen.map_or(self.preloads, |(_, libraries)| libraries.contains(STATEMENTS))
    }
}

/// Whether another launch makes sense.
#[derive(PartialEq, Eq)]
enum Adapted {
    Yes,
    No,
}

/// Launches until the server comes up. Asking the server is the only sure way to learn whether
/// `pg_stat_statements` is there: packages and builds put libraries in many places.
fn first_launch(recipe: &mut Recipe, home: &Home) -> Result<Postmaster> {
    for _ in 1..LAUNCHES {
        match recipe.launch(home) {
            Ok(postmaster) => return Ok(postmaster),
            Err(refusal) if recipe.adapt(&refusal)? == Adapted::No => return Err(refusal.into()),
            Err(_) => {}
        }
    }
    Ok(recipe.launch(home)?)
}

fn initdb(home: &Home, options: &Options) -> Result<()> {
    let initdb = options.binaries.program("initdb");
    let output = home
        .initdb(&initdb)
        .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8"])
        // The first segment of WAL is written in full, of 16 MiB otherwise.
        .args(["--no-locale", "--no-sync", "--no-instructions", "--wal-segsize=1"])
        .args(&options.initdb_arguments)
        .arg("-D")
        .arg(home.data())
        .output()
        .map_err(|error| initdb_failed(&initdb, &error.to_string()))?;
    if !output.status.success() {
        let said = postmaster::last_lines(&String::from_utf8_lossy(&output.stderr));
        return Err(initdb_failed(&initdb, &format!("{}{said}", output.status)));
    }
    Ok(())
}

fn initdb_failed(initdb: &Path, why: &str) -> Error {
    let message = format!("cannot make the throwaway server: {}: {why}", initdb.display());
    Error::new(ErrorKind::Server, message)
}

/// Outside the data directory, where only the server's own files are.
fn hba_path(home: &Home) -> PathBuf {
    home.path().join("pg_hba.conf")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr());
    let port = listener.map(|address| address.port());
    port.map_err(|error| Error::machine("no free port on 127.0.0.1", error))
}

/// As an item of a list setting, where commas and spaces count.
fn list_item(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('"', "\"\""))
}

/// As one word of a shell.
fn quoted(path: &Path) -> String {
    quote(&path.display().to_string())
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Keeps what RFC 3986 calls unreserved.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
