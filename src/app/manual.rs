//! What help and manual pages say besides the options: examples, exit codes, what stands where.

use std::fmt::Write;

/// A call, and what it does.
pub type Example = (&'static str, &'static str);

/// What each exit code means.
const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do
  1    findings: of check, verify, slow-queries --fail-if, or --check of plan, advise and prove
  2    wrong usage, configuration or SQL files; nothing was changed
  3    could not start: connection, privilege, unsupported server
  4    something failed, or needs manual action
  5    busy: another run is at work on this database
  129  cancelled by SIGHUP (the terminal or the ssh connection is gone), cleaned up
  130  cancelled by Ctrl-C (SIGINT), cleaned up
  143  cancelled by SIGTERM, cleaned up
";

/// What stands below the options of `-h`.
pub fn short(examples: &[Example]) -> String {
    let mut text = String::from("Examples:\n");
    for (call, does) in examples {
        let _ = writeln!(text, "  {call}\n      {does}");
    }
    text.trim_end().to_owned()
}

/// What stands below the options of `--help`.
pub fn long(examples: &[Example], see_also: &[&str]) -> String {
    let mut text = format!("{}\n\n{EXIT_CODES}", short(examples));
    if !see_also.is_empty() {
        let others = see_also
            .iter()
            .map(|name| format!("pgtend {name}"))
            .collect::<Vec<_>>()
            .join(", ");
        let _ = write!(text, "\nSee also:\n  {others}\n");
    }
    text.trim_end().to_owned()
}

/// Environment variables, for the manual pages.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "DATABASE_URL",
        "database to connect to, where neither -d nor --target names one",
    ),
    (
        "PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGPASSFILE, PGSERVICE, PGSSLMODE …",
        "connection parameters, as for psql",
    ),
    ("PGTEND_CONFIG", "configuration file, where --config names none"),
    (
        "PGTEND_TARGET",
        "target of the configuration file, where neither --target nor -d is given",
    ),
    (
        "PGTEND_PG_BIN",
        "folder with the PostgreSQL programs that verify, demo, what-if, advise and prove start",
    ),
    ("NO_COLOR", "no colours, unless it is empty"),
    ("TERM", "no colours where it is dumb"),
    ("XDG_CONFIG_HOME", "folder of the configuration, instead of ~/.config"),
    ("XDG_CACHE_HOME", "folder of cached statement texts, instead of ~/.cache"),
];

/// Files, for the manual pages.
pub const FILES: &[(&str, &str)] = &[
    (
        "./pgtend.toml, ~/.config/pgtend/config.toml, /etc/pgtend/config.toml",
        "configuration: the first that exists",
    ),
    ("~/.pgpass", "passwords, as for psql"),
    ("~/.pg_service.conf", "connection services, as for psql"),
];
