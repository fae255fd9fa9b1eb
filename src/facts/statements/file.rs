//! A snapshot in a file: for databases in which nothing may be installed, and to take along.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempPath;

use super::{
    CountedStatement, Counter, CounterMoment, CounterReading, Counters, StatementKey,
    StatementsExtension,
};
use crate::facts::Oid;
use crate::failure::{Failure, Result};
use crate::files::not_written;

/// What the file says it is.
const FORMAT: &str = "pgtend-snapshot";
/// The version of the file's form.
const VERSION: u32 = 1;

/// A snapshot as a file holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SnapshotFile {
    format: String,
    version: u32,
    pub server_version: String,
    /// The database that it was taken in.
    pub database: String,
    scope: SnapshotScope,
    moment: CounterMoment,
    statements: Vec<FileEntry>,
    /// The statements' texts. They come last, so that they are written one by one, and nobody reads
    /// them for the counters.
    #[serde(skip_deserializing, default)]
    texts: [FileText; 0],
}

/// Whose counters they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotScope {
    /// The cluster; `None` where the role may not know.
    pub system_id: Option<i64>,
    /// A standby counts for itself.
    pub in_recovery: bool,
    /// The database; `None`: all of them.
    pub dbid: Option<Oid>,
}

impl SnapshotScope {
    /// Of what is looked at.
    pub fn of(extension: &StatementsExtension, database: Option<Oid>) -> Self {
        let StatementsExtension { system_id, in_recovery, .. } = *extension;
        SnapshotScope { system_id, in_recovery, dbid: database }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FileEntry {
    #[serde(flatten)]
    key: StatementKey,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    stats_since_epoch: Option<f64>,
    counters: BTreeMap<String, f64>,
}

/// The text of a statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileText {
    /// Its database.
    pub dbid: Oid,
    /// Whose; `None` in files of 0.1.0.
    #[serde(default)]
    pub userid: Option<Oid>,
    pub queryid: i64,
    /// Whether the client sent it itself; `None` in files of 0.1.0.
    #[serde(default)]
    pub toplevel: Option<bool>,
    pub query: String,
}

impl SnapshotFile {
    /// The file of a reading.
    pub fn new(
        server_version: String,
        database: String,
        scope: SnapshotScope,
        reading: &CounterReading,
    ) -> Self {
        let statements = reading.statements.iter().map(|statement| {
            let known = Counter::all().filter_map(|counter| {
                Some((counter.name().to_owned(), statement.counters.get(counter)?))
            });
            FileEntry {
                key: statement.key,
                stats_since_epoch: statement.stats_since,
                counters: known.collect(),
            }
        });
        SnapshotFile {
            format: FORMAT.to_owned(),
            version: VERSION,
            server_version,
            database,
            scope,
            moment: reading.moment.clone(),
            statements: statements.collect(),
            texts: [],
        }
    }

    /// Begins to write it; the texts follow. What is there is replaced in one moment, so that no half of
    /// it is ever read. Only its owner may read it: texts of statements may tell what is nobody
    /// else's business.
    ///
    /// # Errors
    /// `Io`, naming the file.
    pub fn begin(&self, path: &Path) -> Result<Writer> {
        // A link stays one; and what is no file, /dev/stdout for example, cannot be replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let is_special = fs::metadata(&path).is_ok_and(|there| !there.is_file());
        let begin = || -> io::Result<(Out, Option<TempPath>)> {
            let (file, fresh) = match is_special {
                true => (fs::OpenOptions::new().write(true).open(&path)?, None),
                false => {
                    let beside = folder.unwrap_or(Path::new("."));
                    let fresh =
                        tempfile::Builder::new().prefix(".pgtend-snapshot").tempfile_in(beside)?;
                    let (file, fresh) = fresh.into_parts();
                    (file, Some(fresh))
                }
            };
            let head = serde_json::to_string(self)?;
            let mut out = io::BufWriter::new(file);
            out.write_all(head.trim_end_matches(END).as_bytes())?;
            Ok((out, fresh))
        };
        match begin() {
            Ok((out, fresh)) => Ok(Writer { path, out, fresh, separator: "", error: None }),
            Err(error) => Err(not_written(&path, &error)),
        }
    }

    /// Reads the counters of a file.
    ///
    /// # Errors
    /// `Usage` where it cannot be read, is none of pgtend's, or of a newer form.
    pub fn read(path: &Path) -> Result<SnapshotFile> {
        let refuse =
            |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
        let open = || -> io::Result<io::BufReader<fs::File>> {
            if !fs::metadata(path)?.is_file() {
                return Err(io::Error::other("this is no regular file"));
            }
            Ok(io::BufReader::new(fs::File::open(path)?))
        };
        let file = open().map_err(|error| refuse(&error))?;
        let head: FileHead = serde_json::from_reader(file)
            .map_err(|error| refuse(&format!("this is no snapshot of pgtend: {error}")))?;
        if head.format.as_deref() != Some(FORMAT) {
            return Err(
                refuse(&"this is no snapshot of pgtend").hint("pgtend snapshot --file makes one")
            );
        }
        if head.version != Some(VERSION) {
            return Err(refuse(&"another version of pgtend wrote this snapshot"));
        }
        let file = open().map_err(|error| refuse(&error))?;
        serde_json::from_reader(file)
            .map_err(|error| refuse(&format!("the snapshot is damaged: {error}")))
    }

    /// Refuses to be compared with the counters of anything else.
    ///
    /// # Errors
    /// Says of what these are.
    pub fn require_same(&self, scope: &SnapshotScope) -> std::result::Result<(), String> {
        let clusters = self.scope.system_id.zip(scope.system_id);
        if clusters.is_some_and(|(of_file, here)| of_file != here) {
            return Err("it is of another server".to_owned());
        }
        if self.scope.in_recovery != scope.in_recovery {
            let of = if self.scope.in_recovery { "standby" } else { "primary" };
            return Err(format!("it was taken on the {of}, and each counts for itself"));
        }
        match (self.scope.dbid, scope.dbid) {
            (None, _) => Ok(()),
            (Some(of_file), Some(here)) if of_file == here => Ok(()),
            (Some(_), None) => Err(format!("it knows the database {} only", self.database)),
            (Some(_), Some(_)) => Err(format!("it is of the database {}", self.database)),
        }
    }

    /// The counters.
    pub fn reading(&self) -> CounterReading {
        let statements = self.statements.iter().map(|entry| {
            let mut counters = Counters::default();
            for counter in Counter::all() {
                counters.set(counter, entry.counters.get(counter.name()).copied());
            }
            CountedStatement {
                key: entry.key,
                counters,
                stats_since: entry.stats_since_epoch,
            }
        });
        CounterReading {
            moment: self.moment.clone(),
            statements: statements.collect(),
        }
    }
}

/// With what the head ends before the texts, and the file behind them.
const END: &str = "]}";

type Out = io::BufWriter<fs::File>;

/// What a file says it is.
#[derive(Deserialize)]
struct FileHead {
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    version: Option<u32>,
}

/// A file that is being written.
pub struct Writer {
    path: PathBuf,
    out: Out,
    /// What becomes the file; `None` where it is written to directly.
    fresh: Option<TempPath>,
    separator: &'static str,
    error: Option<io::Error>,
}

impl Writer {
    /// Adds a text. What fails shows in the end.
    pub fn text(&mut self, text: &FileText) {
        if self.error.is_some() {
            return;
        }
        let written = self
            .out
            .write_all(self.separator.as_bytes())
            .and_then(|()| serde_json::to_writer(&mut self.out, text).map_err(io::Error::from));
        self.separator = ",";
        self.error = written.err();
    }

    /// Ends the file, and puts it in its place.
    ///
    /// # Errors
    /// `Io`, naming the file.
    pub fn finish(self) -> Result<()> {
        let Writer { path, mut out, fresh, error, .. } = self;
        let end = || -> io::Result<()> {
            error.map_or(Ok(()), Err)?;
            out.write_all(END.as_bytes())?;
            out.flush()?;
            let Some(fresh) = fresh else { return Ok(()) };
            out.get_ref().sync_all()?;
            fresh.persist(&path).map_err(|error| error.error)
        };
        end().map_err(|error| not_written(&path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot.json");
        let mut counters = Counters::default();
        counters.set(Counter::Calls, Some(3.0));
        counters.set(Counter::Total, Some(0.1 + 0.2));
        let key = StatementKey { dbid: 1, userid: 2, queryid: i64::MIN, toplevel: true };
        let statement = CountedStatement { key, counters, stats_since: Some(1.5) };
        let moment = CounterMoment {
            taken_epoch: 1e9,
            evictions: Some(7),
            ..CounterMoment::default()
        };
        let reading = CounterReading { moment, statements: vec![statement] };
        let scope = SnapshotScope { system_id: Some(7), in_recovery: false, dbid: Some(5) };
        let file = SnapshotFile::new("17.2".to_owned(), "nova".to_owned(), scope, &reading);
        let mut writer = file.begin(&path).unwrap();
        for queryid in 0..2 {
            let query = "SELECT \"]}\"".to_owned();
            writer.text(&FileText {
                dbid: 1,
                userid: Some(2),
                queryid,
                toplevel: Some(true),
                query,
            });
        }
        assert!(!path.exists());
        writer.finish().unwrap();
        let whole: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(whole["texts"].as_array().unwrap().len(), 2);
        let read = SnapshotFile::read(&path).unwrap().reading();
        assert_eq!((read.moment, read.statements), (reading.moment, reading.statements));
    }

    #[test]
    fn only_the_like_is_compared() {
        let scope = |system_id, in_recovery, dbid| SnapshotScope { system_id, in_recovery, dbid };
        let of = |scope| {
            let reading = CounterReading::default();
            SnapshotFile::new(String::new(), "nova".to_owned(), scope, &reading)
        };
        let here = scope(Some(7), false, Some(5));
        for same in [here.clone(), scope(None, false, Some(5)), scope(Some(7), false, None)] {
            assert_eq!(of(same).require_same(&here), Ok(()));
        }
        for other in [
            scope(Some(8), false, Some(5)),
            scope(Some(7), true, Some(5)),
            scope(Some(7), false, Some(6)),
        ] {
            assert!(of(other).require_same(&here).is_err());
        }
        assert!(of(here).require_same(&scope(Some(7), false, None)).is_err());
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.json");
        for (text, why) in [
            ("hello", "no snapshot"),
            ("{}", "no snapshot"),
            ("{\"format\":\"pgtend-snapshot\",\"version\":9}", "another version"),
            ("{\"format\":\"pgtend-snapshot\",\"version\":1}", "damaged"),
        ] {
            fs::write(&path, text).unwrap();
            let failure = SnapshotFile::read(&path).unwrap_err().to_string();
            assert!(failure.contains(why), "{failure}");
        }
        assert!(SnapshotFile::read(&folder.path().join("nowhere")).is_err());
        let why = SnapshotFile::read(Path::new("/dev/null")).unwrap_err().to_string();
        assert!(why.contains("no regular file"), "{why}");
    }
}
