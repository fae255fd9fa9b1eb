//! The configuration file: what it may say, where it is looked for, and every default, once.
//! Flags win over the file, the file over the defaults.

mod check;
mod notify;
mod serve;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use serde::{Deserialize, Deserializer};

use crate::did_you_mean;
use crate::duration;
use crate::failure::{Failure, Kind, Result};
use crate::files;
use crate::size;
pub use check::CheckConfig;
pub use notify::{NotifyConfig, NotifyFormat, NotifyOn};
pub use serve::ServeConfig;
pub use target::TargetConfig;

/// How many things at once; more would only wait for the server's connections and disks.
pub const MOST_JOBS: u16 = 1000;

/// The file as it is written, completed by the defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What `plan` and `apply` read when the command line names nothing.
    pub paths: Vec<PathBuf>,
    /// Databases by name, for `--target`.
    pub targets: BTreeMap<String, TargetConfig>,
    /// `pgtend apply`.
    pub apply: ApplyConfig,
    /// `pgtend refresh`.
    pub refresh: RefreshConfig,
    /// What `pgtend init` made a place for.
    pub history: History,
    /// `pgtend vacuum`.
    pub vacuum: Maintenance,
    /// `pgtend analyze`.
    pub analyze: Maintenance,
    /// `pgtend reindex`.
    pub reindex: ReindexConfig,
    /// `pgtend slow-queries`.
    pub slow_queries: SlowQueries,
    /// `pgtend snapshot`.
    pub snapshot: SnapshotConfig,
    /// `pgtend verify`.
    pub verify: Verify,
    /// `pgtend check`.
    pub check: CheckConfig,
    /// `pgtend serve`.
    pub serve: ServeConfig,
    /// `pgtend demo`.
    pub demo: Demo,
    /// Who is told what a command came to.
    pub notify: NotifyConfig,
    /// The file, where it was found in the working folder and nobody has named it: whoever made the folder
    /// has no say in what is run.
    #[serde(skip)]
    pub found_here: Option<PathBuf>,
    /// Files that nobody named and that another user may have written, with the reason: who works in
    /// such a folder must not be led to another's server.
    #[serde(skip)]
    pub passed_over: Vec<(PathBuf, String)>,
    #[serde(skip)]
    written: ConfigText,
}

/// The file as it is written, but for the targets, and its folder.
#[derive(Debug, Clone, Default)]
struct ConfigText {
    table: toml::Table,
    folder: PathBuf,
    /// Where it stands, if there is one.
    file: Option<PathBuf>,
}

/// Defaults of `pgtend slow-queries`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlowQueries {
    /// From this mean on a statement is marked and counted as slow.
    #[serde(deserialize_with = "duration")]
    pub slow: Duration,
    /// How many are shown.
    pub limit: usize,
}

impl Default for SlowQueries {
    fn default() -> Self {
        SlowQueries { slow: Duration::from_millis(100), limit: 20 }
    }
}

/// Defaults of `pgtend snapshot`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotConfig {
    /// Older snapshots are removed.
    #[serde(deserialize_with = "duration")]
    pub keep: Duration,
}

impl Default for SnapshotConfig {
    fn default() -> Self {
        SnapshotConfig { keep: Duration::from_secs(35 * 24 * 3600) }
    }
}

/// Where files go that can be made again at any time: `$XDG_CACHE_HOME/pgtend`, else
/// `~/.cache/pgtend`.
pub fn cache_folder() -> Option<PathBuf> {
    let home = || env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    Some(cache.or_else(|| Some(home()?.join(".cache")))?.join("pgtend"))
}

/// Defaults of `pgtend apply`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApplyConfig {
    /// Tables that are worked on at once.
    pub jobs: usize,
    /// How long one object may wait for other sessions in all.
    #[serde(deserialize_with = "duration")]
    pub max_wait: Duration,
    /// No build is begun while a transaction that would hold it up is older than this.
    #[serde(deserialize_with = "duration")]
    pub max_blocker_age: Duration,
    /// No build is begun while a standby is further behind than this; not looked at if absent.
    #[serde(deserialize_with = "some_duration")]
    pub max_replica_lag: Option<Duration>,
    /// How long to wait for another run to end.
    #[serde(deserialize_with = "duration")]
    pub wait: Duration,
    /// Leave out indexes that an existing one makes superfluous.
    pub skip_redundant: bool,
    /// Pass over statements that declare nothing.
    pub ignore_other: bool,
    /// `maintenance_work_mem` of the building sessions; the server's own if absent.
    pub maintenance_work_mem: Option<String>,
}

impl Default for ApplyConfig {
    fn default() -> Self {
        ApplyConfig {
            jobs: 2,
            max_wait: Duration::from_secs(30 * 60),
            max_blocker_age: Duration::from_secs(5 * 60),
            max_replica_lag: None,
            wait: Duration::ZERO,
            skip_redundant: false,
            ignore_other: false,
            maintenance_work_mem: None,
        }
    }
}

/// Defaults of `pgtend refresh`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshConfig {
    /// What is refreshed when the command line names no view: names and patterns.
    pub views: Vec<String>,
    /// Also the views that these read.
    pub with_dependencies: bool,
    pub mode: Mode,
    /// What was refreshed more recently is left alone; absent: nothing is.
    #[serde(deserialize_with = "some_duration")]
    pub max_age: Option<Duration>,
    /// What reads only tables that were not written is left alone.
    pub if_changed: bool,
    /// Views that are refreshed at once.
    pub jobs: usize,
    /// How long each view may wait for others.
    #[serde(deserialize_with = "duration")]
    pub wait: Duration,
}

impl Default for RefreshConfig {
    fn default() -> Self {
        RefreshConfig {
            views: Vec::new(),
            with_dependencies: false,
            mode: Mode::Auto,
            max_age: None,
            if_changed: false,
            jobs: 1,
            wait: Duration::ZERO,
        }
    }
}

/// Defaults of `pgtend vacuum` and of `pgtend analyze`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Maintenance {
    /// What is done when the command line names no table: names and patterns; if absent, what is due.
    pub tables: Vec<String>,
    /// The share of what autovacuum waits for that makes a table due.
    pub threshold: f64,
    /// Tables that are worked on at once.
    pub jobs: usize,
}

impl Default for Maintenance {
    fn default() -> Self {
        Maintenance { tables: Vec::new(), threshold: 0.5, jobs: 1 }
    }
}

/// Defaults of `pgtend reindex`; how long it waits for others `[apply]` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReindexConfig {
    /// An index is bloated when it is so many times as large as a fresh one.
    pub min_bloat: f64,
    /// A rebuild has to give back so many bytes.
    #[serde(deserialize_with = "bytes")]
    pub min_size: u64,
    /// Tables that are worked on at once.
    pub jobs: usize,
}

impl Default for ReindexConfig {
    fn default() -> Self {
        ReindexConfig { min_bloat: 1.6, min_size: 100 << 20, jobs: 1 }
    }
}

/// Whether an index can be so many times as large as a fresh one.
pub fn is_bloat(times: f64) -> bool {
    times.is_finite() && times >= 1.0
}

/// How views are refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Concurrently if the view is populated, otherwise plainly; readers never wait
    #[default]
    Auto,
    /// Concurrently: readers see the old contents until it is done
    Concurrent,
    /// Plainly: faster, but readers wait
    Plain,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// What is older is removed whenever something is written; everything is kept if absent.
    #[serde(deserialize_with = "some_duration")]
    pub keep: Option<Duration>,
    /// A role that may own it besides superusers and the role that connects: its code may run as who
    /// uses the history.
    pub owner: Option<String>,
}

/// Defaults of `pgtend verify`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verify {
    /// What makes it fail: severities and rules.
    pub fail_on: Vec<String>,
    /// Rules that are suppressed.
    pub ignore: Vec<IgnoreConfig>,
}

impl Default for Verify {
    fn default() -> Self {
        Verify { fail_on: vec!["error".to_owned()], ignore: Vec::new() }
    }
}

/// A rule of `pgtend verify` that is suppressed in some files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreConfig {
    pub rule: String,
    /// The files, by their path or its end; all, and also what stands in no file, if absent.
    #[serde(default, deserialize_with = "patterns")]
    pub paths: Vec<glob::Pattern>,
    /// Why: for the next reader.
    #[serde(deserialize_with = "not_empty")]
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the file must hold it, and people read it")
    )]
    pub reason: String,
}

/// Defaults of `pgtend demo`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Demo {
    /// How many customers Nova CRM has.
    pub scale: u32,
}

impl Default for Demo {
    fn default() -> Self {
        Demo { scale: 100_000 }
    }
}

impl Config {
    /// Reads the file that is named, or else the first that exists and can be trusted of `$PGTEND_CONFIG`,
    /// `./pgtend.toml`, `pgtend/config.toml` in the XDG configuration folder and
    /// `/etc/pgtend/config.toml`; without any, the defaults. Relative `paths` are relative to the
    /// file.
    ///
    /// # Errors
    /// `Config`, naming file and line, for what cannot be read or understood. The line's text is
    /// not repeated: it may hold a password.
    pub fn load(named: Option<&Path>) -> Result<Config> {
        if let Some(file) = named.map(Path::to_path_buf).or_else(|| variable("PGTEND_CONFIG")) {
            return Config::read(&file);
        }
        let mut passed_over = Vec::new();
        for file in places().into_iter().filter(|place| place.is_file()) {
            match files::distrust(&file) {
                Ok(None) => {
                    let found_here = (file == Path::new(HERE)).then(|| file.clone());
                    return Ok(Config { passed_over, found_here, ..Config::read(&file)? });
                }
                Ok(Some(why)) => passed_over.push((file, why)),
                Err(error) => passed_over.push((file, error.to_string())),
            }
        }
        Ok(Config { passed_over, ..Config::default() })
    }

    fn read(file: &Path) -> Result<Config> {
        let text = fs::read_to_string(file).map_err(|error| {
            Failure::new(Kind::Config, format!("cannot read {}: {error}", file.display()))
        })?;
        let mut config: Config = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            let place = format!("{}:{line}", file.display());
            refused(&place, error.message())
        })?;
        let mut table = toml::from_str::<toml::Table>(&text).unwrap_or_default();
        // No target needs the others: with them, many targets would be read as often as there are any.
        table.remove("targets");
        config.written = ConfigText {
            table,
            folder: file.parent().unwrap_or(Path::new("")).to_path_buf(),
            file: Some(file.to_path_buf()),
        };
        config.settle().map_err(|failure| failure.context(file.display().to_string()))?;
        for name in config.targets.keys() {
            config
                .of_target(name)
                .map_err(|failure| failure.context(file.display().to_string()))?;
        }
        Ok(config)
    }

    /// The configuration with what the target has of its own.
    ///
    /// # Errors
    /// `Config` where that cannot be understood.
    pub fn of_target(&self, name: &str) -> Result<Config> {
        let own = self.targets.get(name).map(|target| (target.settings(), target.paths.clone()));
        let Some((settings, paths)) = own else {
            return Ok(self.clone());
        };
        let mut whole = self.written.table.clone();
        for (section, own) in settings {
            let of_file = whole.entry(section).or_insert_with(|| toml::Table::new().into());
            if let (Some(of_file), Some(own)) = (of_file.as_table_mut(), own) {
                of_file.extend(own.clone());
            }
        }
        if let Some(paths) = paths {
            whole.insert("paths".to_owned(), paths);
        }
        let mut config: Config = whole.try_into().map_err(|error: toml::de::Error| {
            refused(&format!("targets.{name}"), error.message())
        })?;
        config.written.clone_from(&self.written);
        config.found_here.clone_from(&self.found_here);
        config.settle().map_err(|failure| failure.context(format!("targets.{name}")))?;
        Ok(config)
    }

    /// Makes paths relative to the file, and refuses what no type refuses.
    fn settle(&mut self) -> Result<()> {
        let config = self;
        let folder = &config.written.folder;
        config.paths = config.paths.iter().map(|path| folder.join(path)).collect();
        config.serve.advice = config.serve.advice.as_ref().map(|file| folder.join(file));
        for (key, jobs) in [
            ("apply", config.apply.jobs),
            ("refresh", config.refresh.jobs),
            ("vacuum", config.vacuum.jobs),
            ("reindex", config.reindex.jobs),
            ("analyze", config.analyze.jobs),
        ] {
            if !(1..=usize::from(MOST_JOBS)).contains(&jobs) {
                let must = format!("{key}.jobs must be a number from 1 to {MOST_JOBS}");
                return Err(Failure::new(Kind::Config, must));
            }
        }
        let too_short = config.serve.ticks().into_iter().find(|(_, it)| *it < serve::SHORTEST);
        if let Some((key, _)) = too_short {
            let must = format!("serve.{key} must be 100ms or longer");
            return Err(Failure::new(Kind::Config, must));
        }
        if config.serve.statement_metrics > serve::MOST_STATEMENT_METRICS {
            let most = serve::MOST_STATEMENT_METRICS;
            let must = format!("serve.statement_metrics must be a number from 0 to {most}");
            return Err(Failure::new(Kind::Config, must));
        }
        let bloat = config.reindex.min_bloat;
        if !is_bloat(bloat) {
            let must = format!("reindex.min_bloat = {bloat} must be a number, 1 or more");
            return Err(Failure::new(Kind::Config, must));
        }
        Ok(())
    }

    /// The target of that name.
    ///
    /// # Errors
    /// `Usage`, naming the targets that there are.
    pub fn target(&self, name: &str) -> Result<&TargetConfig> {
        self.targets.get(name).ok_or_else(|| self.no_target(name))
    }

    /// The failure that no target is of that name.
    pub fn no_target(&self, name: &str) -> Failure {
        let known = self.targets.keys().cloned().collect::<Vec<_>>();
        let hint = did_you_mean::hint(name, &known, &self.why_no_targets());
        Failure::usage(format!("there is no target {name}")).hint(hint)
    }
}

impl Config {
    /// Why no target is known, and what to do about it.
    pub fn why_no_targets(&self) -> String {
        match &self.written.file {
            Some(file) => format!(
                "{} has no [targets.NAME]; config.example.toml shows how to write one",
                file.display()
            ),
            None => {
                let shown =
                    places().iter().map(|place| place.display().to_string()).collect::<Vec<_>>();
                let places = shown.join(", ");
                format!("no configuration file found; looked for {places}; --config FILE names one")
            }
        }
    }
}

/// What the reader of the file says, in words for who writes it.
fn refused(place: &str, said: &str) -> Failure {
    let hint = "config.example.toml shows every key";
    let mut quoted = said.split('`').skip(1).step_by(2);
    if said.starts_with("unknown field `")
        && let Some(unknown) = quoted.next()
    {
        let known = quoted.map(str::to_owned).collect::<Vec<_>>();
        let message = format!("{place}: unknown key `{unknown}`");
        let hint = did_you_mean::hint_or(unknown, &known, hint);
        return Failure::new(Kind::Config, message).hint(hint);
    }
    let types = ["usize", "u64", "u32", "u16", "i64", "f64"];
    let said = types.iter().fold(said.to_owned(), |said, name| {
        let words = if *name == "f64" { "a number" } else { "a whole number" };
        said.replace(&format!("expected {name}"), &format!("expected {words}"))
    });
    Failure::new(Kind::Config, format!("{place}: {said}")).hint(hint)
}

/// In the working folder.
const HERE: &str = "pgtend.toml";

fn places() -> Vec<PathBuf> {
    let user = variable("XDG_CONFIG_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("pgtend/config.toml"));
    let places = [Some(PathBuf::from(HERE)), user, Some("/etc/pgtend/config.toml".into())];
    places.into_iter().flatten().collect()
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn patterns<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<glob::Pattern>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| pattern(text.strip_prefix("./").unwrap_or(text)))
        .collect()
}

fn pattern<E: serde::de::Error>(text: &str) -> std::result::Result<glob::Pattern, E> {
    glob::Pattern::new(text).map_err(|error| E::custom(format!("{error}, in: {text}")))
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("a reason is needed"));
    }
    Ok(text)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration::parse(&text).map_err(serde::de::Error::custom)
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    size::parse(&text).map_err(serde::de::Error::custom)
}

fn some_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgtend.toml");
        fs::write(&file, text).unwrap();
        Config::load(Some(&file)).map(|mut config| {
            for path in &mut config.paths {
                *path = path.strip_prefix(folder.path()).unwrap().to_path_buf();
            }
            config
        })
    }

    #[test]
    fn the_example_says_what_the_defaults_are() {
        let example = read(include_str!("../config.example.toml")).unwrap();
        let default = Config::default();
        assert_eq!(format!("{:?}", example.apply), format!("{:?}", default.apply));
        for (example, default) in [
            (example.vacuum, default.vacuum.clone()),
            (example.analyze, default.analyze.clone()),
        ] {
            let without_tables = Maintenance { tables: Vec::new(), ..example };
            assert_eq!(format!("{without_tables:?}"), format!("{default:?}"));
        }
        let without_views = RefreshConfig { views: Vec::new(), ..example.refresh };
        assert_eq!(format!("{without_views:?}"), format!("{:?}", default.refresh));
        assert_eq!(format!("{:?}", example.reindex), format!("{:?}", default.reindex));
        assert_eq!(format!("{:?}", example.history), format!("{:?}", default.history));
        assert_eq!(format!("{:?}", example.demo), format!("{:?}", default.demo));
        assert_eq!(format!("{:?}", example.verify), format!("{:?}", default.verify));
        assert_eq!(format!("{:?}", example.serve), format!("{:?}", default.serve));
    }

    #[test]
    fn what_serve_would_do_too_often_is_refused() {
        assert_eq!(read("[serve]\nstatement_metrics = 100").unwrap().serve.statement_metrics, 100);
        for (text, wanted) in [
            ("live = \"99ms\"", "serve.live must be 100ms or longer"),
            (
                "statement_metrics = 101",
                "serve.statement_metrics must be a number from 0 to 100",
            ),
        ] {
            let failure = read(&format!("[serve]\n{text}")).unwrap_err();
            assert!(failure.to_string().contains(wanted), "{failure}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        assert_eq!(read("paths = [\"db\"]").unwrap().paths, [PathBuf::from("db")]);
    }

    #[test]
    fn a_wrong_line_is_named_but_not_repeated() {
        let failure = read("[targets.a]\nurl = \"postgres://u:secret@h\n").unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
        assert!(failure.to_string().contains("pgtend.toml:2"), "{failure}");
        assert!(!failure.to_string().contains("secret"), "{failure}");
        let failure = read("[apply]\njob = 3\n").unwrap_err();
        assert!(failure.to_string().contains("unknown key `job`"), "{failure}");
        let failure = read("[apply]\nmax_wait = \"soon\"\n").unwrap_err();
        assert!(failure.to_string().contains("30min"), "{failure}");
    }

    #[test]
    fn what_verify_is_to_suppress_needs_a_rule_and_a_reason() {
        let entry = |more: &str| read(&format!("[[verify.ignore]]\nrule = \"a\"\n{more}"));
        let config = entry("paths = [\"./m/*.sql\"]\nreason = \"b\"").unwrap();
        let [IgnoreConfig { rule, paths, reason }] = &config.verify.ignore[..] else {
            panic!()
        };
        assert_eq!((rule.as_str(), paths[0].as_str(), reason.as_str()), ("a", "m/*.sql", "b"));
        assert_eq!(entry("reason = \"b\"").unwrap().verify.ignore[0].paths, []);
        for (more, wanted) in [
            ("", "pgtend.toml:1: missing field `reason`"),
            ("reason = \" \"", "pgtend.toml:3: a reason is needed"),
            ("reason = \"b\"\npaths = [\"[a\"]", "pgtend.toml:4: Pattern syntax error"),
            ("reason = \"b\"\npath = \"a\"", "unknown key `path`"),
        ] {
            let failure = entry(more).unwrap_err();
            assert!(failure.to_string().contains(wanted), "{failure}");
        }
    }

    #[test]
    fn an_unknown_target_names_the_known_ones() {
        let config = read("[targets.a]\nurl = \"postgres://u:secret@h/db\"\n").unwrap();
        assert_eq!(config.target("a").unwrap().url, "postgres://u:secret@h/db");
        assert!(config.target("b").unwrap_err().hint.unwrap().contains("there are: a"));
        assert!(!format!("{config:?}").contains("secret"));
    }
}
