//! Extensions that the migrations create and the server does not offer, and who brings them.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::{CheckName, VerifyResults};
use crate::declared::migrations::{Script, about_extensions};
use crate::failure::{Failure, Kind};
use crate::findings::{Finding, Place, Rule, Severity};
use crate::format;

/// What becomes of an extension that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Its statement fails.
    Fail,
    /// What is said about it is passed over.
    Skip,
}

/// The extensions that scripts create, and which of them are not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    created: BTreeSet<String>,
    missing: Vec<Missing>,
    major: u32,
}

/// An extension that a statement would create if it were there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Missing {
    name: String,
    place: Place,
}

impl Extensions {
    /// Those that the scripts create.
    pub fn created_by<'a>(scripts: impl Iterator<Item = &'a Script>) -> BTreeSet<String> {
        let about = scripts.flat_map(about_extensions).filter(|about| about.creates);
        about.flat_map(|about| about.names).collect()
    }

    /// What a server of the major version lacks of them that offers `available`.
    pub fn of<'a>(
        scripts: impl Iterator<Item = &'a Script> + Clone,
        available: &HashSet<String>,
        major: u32,
    ) -> Extensions {
        let created = Extensions::created_by(scripts.clone());
        let missing = scripts.flat_map(|script| {
            let about = about_extensions(script).into_iter().filter(|about| about.creates);
            let missing =
                about.filter(|about| about.names.iter().all(|name| !available.contains(name)));
            missing
                .flat_map(|about| {
                    let place = Place::of_offset(script, about.bytes.start);
                    about.names.into_iter().map(move |name| Missing { name, place: place.clone() })
                })
                .collect::<Vec<_>>()
        });
        Extensions { created, missing: missing.collect(), major }
    }

    /// The script without what it says of missing extensions; all else stands where it stood.
    #[must_use]
    pub fn skipped_in(&self, script: &Script) -> Script {
        let about = about_extensions(script).into_iter();
        let missing = about.filter(|about| about.names.iter().all(|name| self.is_missing(name)));
        script.without(missing.map(|about| about.bytes))
    }

    /// The failure of a dump that creates an extension that is missing.
    pub fn failure_of(&self, base: &Script) -> Option<Failure> {
        let missing = self.missing.iter().find(|missing| *missing.place.at.file == base.file)?;
        let finding = self.finding(missing, IfMissing::Fail);
        let message = format!("{}: {}", missing.place.at, finding.message);
        let failure = Failure::new(Kind::Declaration, message);
        Some(failure.hint(finding.help.unwrap_or_default()))
    }

    fn is_missing(&self, name: &str) -> bool {
        self.missing.iter().any(|missing| missing.name == name)
    }

    fn finding(&self, missing: &Missing, then: IfMissing) -> Finding {
        let message = format!("the extension {} is not installed on the server", missing.name);
        let bringer = bringer(&missing.name, self.major);
        let finding = Finding::new(&Rule::MISSING_EXTENSION, Some(missing.place.clone()), message);
        match then {
            IfMissing::Fail => {
                finding.help(format!("{bringer}; or go on without it: --skip-missing-extensions"))
            }
            IfMissing::Skip => {
                let message = format!("{}; the statement is skipped", finding.message);
                Finding { severity: Severity::Warning, message, ..finding }.help(bringer)
            }
        }
    }
}

impl VerifyResults {
    /// Judges what the migrations create of extensions; no check where they create none. Says more
    /// than the server where it has refused one.
    pub fn extensions(&mut self, extensions: &Extensions, then: IfMissing) {
        if extensions.created.is_empty() {
            return;
        }
        let findings = extensions
            .missing
            .iter()
            .map(|one| extensions.finding(one, then))
            .collect::<Vec<_>>();
        self.review.findings.retain(|finding| {
            let is_said_better = findings.iter().any(|better| better.place == finding.place);
            finding.rule != Rule::NOT_APPLIED.name || !is_said_better
        });
        let created = format::count(extensions.created.len(), "extension", "extensions");
        self.add(
            CheckName::Extensions,
            Duration::ZERO,
            findings,
            &format!("{created}, all there"),
        );
    }
}

/// Who usually brings the extension.
fn bringer(name: &str, major: u32) -> String {
    if let Some((_, since)) =
        REMOVED.iter().find(|(removed, since)| *removed == name && major >= *since)
    {
        return format!("PostgreSQL has it no longer since {since}");
    }
    if CONTRIB.contains(&name) {
        return format!(
            "it comes with PostgreSQL: install the package postgresql-contrib (Debian and Ubuntu: \
             postgresql-{major})"
        );
    }
    let package = PACKAGES.iter().find(|(names, _)| names.contains(&name));
    match package {
        Some((_, package)) => {
            let named = package.replace("NN", &major.to_string());
            format!("install its named (Debian and Ubuntu: {named})")
        }
        None => "install the extension's own package".to_owned(),
    }
}

/// Extensions of PostgreSQL's own that are gone, and since when (release notes of 17).
const REMOVED: [(&str, u32); 2] = [("adminpack", 17), ("old_snapshot", 17)];

/// Extensions that come with PostgreSQL (PostgreSQL documentation, appendix F).
const CONTRIB: [&str; 46] = [
    "adminpack",
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_logicalinspect",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_surgery",
    "pg_trgm",
    "pg_visibility",
    "pg_walinspect",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
];

/// Extensions of others, and their Debian packages; NN is the major version.
const PACKAGES: [(&[&str], &str); 21] = [
    (
        &[
            "postgis",
            "postgis_raster",
            "postgis_topology",
            "postgis_sfcgal",
            "postgis_tiger_geocoder",
            "address_standardizer",
            "address_standardizer_data_us",
        ],
        "postgresql-NN-postgis-3",
    ),
    (&["vector"], "postgresql-NN-pgvector"),
    (&["timescaledb"], "timescaledb-2-postgresql-NN, of Timescale's own repository"),
    (&["citus"], "postgresql-NN-citus, of Citus' own repository"),
    (&["pg_cron"], "postgresql-NN-cron"),
    (&["pg_partman"], "postgresql-NN-partman"),
    (&["hypopg"], "postgresql-NN-hypopg"),
    (&["pg_repack"], "postgresql-NN-repack"),
    (&["pgaudit"], "postgresql-NN-pgaudit"),
    (&["pgtap"], "postgresql-NN-pgtap"),
    (&["pgrouting"], "postgresql-NN-pgrouting"),
    (&["pg_hint_plan"], "postgresql-NN-pg-hint-plan"),
    (&["pg_qualstats"], "postgresql-NN-pg-qualstats"),
    (&["pg_stat_kcache"], "postgresql-NN-pg-stat-kcache"),
    (&["hll"], "postgresql-NN-hll"),
    (&["rum"], "postgresql-NN-rum"),
    (&["ip4r"], "postgresql-NN-ip4r"),
    (&["orafce"], "postgresql-NN-orafce"),
    (
        &["plpython3u", "hstore_plpython3u", "jsonb_plpython3u", "ltree_plpython3u"],
        "postgresql-plpython3-NN",
    ),
    (
        &["plperl", "plperlu", "bool_plperl", "hstore_plperl", "jsonb_plperl"],
        "postgresql-plperl-NN",
    ),
    (&["pltcl", "pltclu"], "postgresql-pltcl-NN"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::migrations::Wrapping;

    fn script(text: &str) -> Script {
        Script::new("a.sql", 3, text.to_owned(), Wrapping::None)
    }

    fn of(script: &Script, available: &[&str]) -> Extensions {
        let available = available.iter().map(|name| (*name).to_owned()).collect();
        Extensions::of([script].into_iter(), &available, 16)
    }

    #[test]
    fn what_is_said_of_missing_extensions_is_blanked_and_nothing_else() {
        let script = script(
            "SELECT 'ä';  CREATE EXTENSION\n  vector; CREATE EXTENSION hstore;\n\
             COMMENT ON EXTENSION vector IS 'ö'; DROP EXTENSION vector, hstore;\nSELECT 1;",
        );
        let extensions = of(&script, &["hstore"]);
        let skipped = extensions.skipped_in(&script).text;
        let wanted = format!(
            "SELECT 'ä';  {}\n{}; CREATE EXTENSION hstore;\n{}; DROP EXTENSION vector, hstore;\nSELECT 1;",
            " ".repeat(16),
            " ".repeat(8),
            " ".repeat(34)
        );
        assert_eq!(skipped, wanted);
        assert_eq!(skipped.chars().count(), script.text.chars().count());
    }

    #[test]
    fn letters_of_several_bytes_move_nothing() {
        let script = script(
            "CREATE EXTENSION vector;\nCOMMENT ON EXTENSION vector IS 'für Ähnliches';\n\
             DROP EXTENSION vector; SELECT 'ü';",
        );
        let left = of(&script, &[]).skipped_in(&script);
        let (blank, last) = (" ".repeat(23), " ".repeat(21));
        let wanted = format!("{blank};\n{};\n{last}; SELECT 'ü';", " ".repeat(46));
        assert_eq!(left.text, wanted);
    }

    #[test]
    fn missing_extensions_are_named_with_their_place_and_package() {
        let script = script("SELECT 1;\n CREATE EXTENSION vector;\nCREATE EXTENSION hstore;");
        let mut judgement = VerifyResults::new(Severity::Error);
        judgement.extensions(&of(&script, &["hstore"]), IfMissing::Fail);
        let finding = judgement.review.findings.remove(0);
        let place = finding.place.as_ref().unwrap();
        assert_eq!((place.at.line, place.at.column), (4, 2));
        assert_eq!(finding.message, "the extension vector is not installed on the server");
        assert!(finding.help.unwrap().contains("postgresql-16-pgvector"));
        assert!(judgement.review.findings.is_empty());

        judgement.extensions(&of(&script, &["hstore"]), IfMissing::Skip);
        assert_eq!(judgement.review.findings[0].severity, Severity::Warning);
        let there = of(&script, &["hstore", "vector"]);
        judgement.extensions(&there, IfMissing::Fail);
        let reason = judgement.review.checks.pop().unwrap().reason;
        assert_eq!(reason.as_deref(), Some("2 extensions, all there"));
        assert!(there.failure_of(&script).is_none());
    }

    #[test]
    fn the_bringer_depends_on_the_version() {
        assert!(
            bringer("uuid-ossp", 17)
                .contains("postgresql-contrib (Debian and Ubuntu: postgresql-17)")
        );
        assert!(bringer("adminpack", 16).contains("postgresql-contrib"));
        assert_eq!(bringer("adminpack", 17), "PostgreSQL has it no longer since 17");
        assert_eq!(bringer("my_own", 17), "install the extension's own package");
    }
}
