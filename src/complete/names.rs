//! Names that the database and the configuration know.

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

use super::request::CompletionRequest;
use crate::config::Config;
use crate::facts;
use crate::failure::Result;
use crate::pg::conninfo::{Conninfo, Environment};
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy};
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::search_path::SearchPath;
use crate::pg::session::Echo;

/// Who types does not wait longer.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesWanted {
    /// Materialized views, as they are written in SQL.
    Views,
    /// Tables and materialized views, as they are written in SQL.
    Tables,
    /// Indexes, as they are written in SQL.
    Indexes,
    /// Indexes, by their names alone, as the catalog has them.
    NamesOfIndexes,
    /// Schemas, as the catalog has them.
    Schemas,
}

/// Where the command that is typed would connect.
#[derive(Debug, Default)]
pub struct CompletionPlace {
    config: Option<PathBuf>,
    url: Option<String>,
    target: Option<String>,
}

impl CompletionPlace {
    pub fn of(request: &CompletionRequest) -> CompletionPlace {
        let option = |long, short| request.option(long, short).map(str::to_owned);
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = option("database-url", Some('d'));
        let target = option("target", None);
        let is_named = url.is_some() || target.is_some();
        CompletionPlace {
            config: option("config", None).map(PathBuf::from),
            target: target.or_else(|| variable("PGTEND_TARGET").filter(|_| !is_named)),
            url,
        }
    }

    fn config(&self) -> Option<Config> {
        Config::load(self.config.as_deref()).ok()
    }

    /// The targets of the configuration.
    pub fn targets(&self) -> Vec<String> {
        let config = self.config().unwrap_or_default();
        config.targets.keys().cloned().collect()
    }

    /// Where to connect; the outer `None` where that is not known.
    fn url(&self) -> Option<Option<String>> {
        let variable = || std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        match (&self.target, &self.url) {
            (Some(name), _) => {
                let config = self.config()?;
                Some(Some(config.targets.get(name)?.url(name).ok()?))
            }
            (None, Some(url)) => Some(Some(url.clone())),
            (None, None) => Some(variable()),
        }
    }
}

/// The names that may be meant; none where the server does not tell them in time.
pub fn load(place: &CompletionPlace, wanted: NamesWanted, typed: &str) -> Vec<String> {
    let (Some(url), Ok(runtime)) =
        (place.url(), Builder::new_current_thread().enable_all().build())
    else {
        return Vec::new();
    };
    let names = runtime.block_on(async { timeout(PATIENCE, ask(url, wanted, typed)).await });
    // A host name that is still being looked up is not waited for.
    runtime.shutdown_background();
    names.ok().and_then(Result::ok).unwrap_or_default()
}

async fn ask(url: Option<String>, wanted: NamesWanted, typed: &str) -> Result<Vec<String>> {
    let environment = Environment::process();
    let conninfo = Conninfo::resolve(url.as_deref(), &environment)?;
    let connect_options = ConnectOptions {
        command: "completions",
        maintainers: 1,
        errand: Errand::Own,
        settings: Vec::new(),
        orphans: OrphanPolicy::Ends,
        echo: Echo::silent(),
    };
    let database = Database::open(&conninfo, &environment, &connect_options).await?;
    let session = database.reader().await?;
    let kinds: &[&str] = match wanted {
        NamesWanted::Schemas => {
            let schemas = facts::load_schemas(&session).await?;
            return Ok(schemas.into_iter().map(|schema| schema.name).collect());
        }
        NamesWanted::Views => &["m"],
        NamesWanted::Tables => &["r", "p", "m"],
        NamesWanted::Indexes | NamesWanted::NamesOfIndexes => &["i", "I"],
    };
    let found = facts::load_names_beginning(&session, kinds, &beginning(typed)).await?;
    Ok(match wanted {
        NamesWanted::NamesOfIndexes => found.into_iter().map(|name| name.name).collect(),
        _ => written(&found, typed, &database.server.search_path),
    })
}

/// What the name that is meant begins with; nothing where that is not clear.
fn beginning(typed: &str) -> String {
    let own = typed.rsplit_once('.').map_or(typed, |(_, own)| own);
    match own.strip_prefix('"').unwrap_or(own) {
        own if own.contains('"') || typed.contains('"') && typed.contains('.') => String::new(),
        // Whether it is a name or a schema is seen at the dot that is not typed yet.
        _ if !typed.contains('.') => String::new(),
        own => own.to_owned(),
    }
}

/// The names as they are written in SQL: with the schema where one is typed or the search path does not lead
/// there.
fn written(found: &[RelationName], typed: &str, path: &SearchPath) -> Vec<String> {
    let searched = path.searched();
    let place = |name: &RelationName| {
        searched.iter().position(|schema| name.schema.as_deref() == Some(*schema))
    };
    let is_visible = |name: &RelationName| {
        let own = place(name);
        let is_before = |other: &RelationName| other.name == name.name && place(other) < own;
        let hidden = found.iter().any(|other| place(other).is_some() && is_before(other));
        own.is_some() && !hidden
    };
    let names = found.iter().map(|name| match typed.contains('.') || !is_visible(name) {
        true => name.to_string(),
        false => quote_ident(&name.name),
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_the_search_path_finds_them() {
        let path = SearchPath {
            text: String::new(),
            schemas: vec!["app".to_owned(), "public".to_owned()],
        };
        let found = [
            RelationName::qualified("app", "sales"),
            RelationName::qualified("far", "Sales"),
            RelationName::qualified("public", "sales"),
            RelationName::qualified("public", "We;ird"),
        ];
        let all = ["sales", "far.\"Sales\"", "public.sales", "\"We;ird\""];
        assert_eq!(written(&found, "", &path), all);
        let all = ["app.sales", "far.\"Sales\"", "public.sales", "public.\"We;ird\""];
        assert_eq!(written(&found, "app.", &path), all);
    }

    #[test]
    fn what_is_typed_narrows_down_what_is_asked_for() {
        for (typed, wanted) in
            [("app.sa", "sa"), ("sa", ""), ("app.\"Sa", ""), ("app.", ""), ("", "")]
        {
            assert_eq!(beginning(typed), wanted, "{typed}");
        }
    }
}
