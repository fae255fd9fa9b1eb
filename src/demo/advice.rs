//! What `advise` finds for the application's queries, and what `prove` measures of it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::FromArgMatches;
use serde_json::Value;

use super::{Args, DECLARED, ExampleFile, sql_file};
use crate::app::Context;
use crate::app::command::Command;
use crate::declared::{self, DeclaredIndex, Others, SqlFile};
use crate::failure::{Failure, Kind, Result};
use crate::files;
use crate::jobs::{advise, prove};

/// An index that is advised, and what was measured of it.
#[derive(Debug, Default)]
pub struct AdvisedIndex {
    /// Of the document of `advise`.
    pub advice: Value,
    /// Of the document of `prove`.
    pub proof: Option<Value>,
    /// The declared index that begins with the same keys.
    pub declared: Option<String>,
}

/// Advises for these queries on the server, and measures what is advised.
///
/// # Errors
/// Those of the two commands; `Io` where their files cannot be written.
pub(super) async fn advised(
    context: &Context,
    args: &Args,
    url: &str,
    queries: &[&ExampleFile],
) -> Result<Vec<AdvisedIndex>> {
    let folder = tempfile::tempdir().map_err(|error| Failure::from_error(Kind::Io, error))?;
    let workload = folder.path().join("workload");
    write(&workload, queries)?;
    let file = folder.path().join("advice.sql");
    let told = Told { context, args, url };
    let [workload, file] = [&workload, &file].map(|path| path.display().to_string());
    context.console.narrate("");
    context.console.narrate(
        "Looking for the indexes that they lack (pgtend advise --workload sql/nova-crm/workload) …",
    );
    let advice: advise::Args =
        told.parsed(&["advise", "--workload", &workload, "--write", &file])?;
    let advice = told.items(&advice, "advice").await?;
    if advice.is_empty() {
        return Ok(Vec::new());
    }
    context.console.narrate(
        "Measuring these on a copy (pgtend prove advice.sql --workload sql/nova-crm/workload) …",
    );
    let proofs: prove::Args = told.parsed(&["prove", &file, "--workload", &workload])?;
    let proofs = told.items(&proofs, "proofs").await?;
    let declared = declared::understand(&DECLARED.each_ref().map(sql_file), Others::Refuse)?;
    // They are in the order of the file.
    let proofs = proofs.into_iter().map(Some).chain(std::iter::repeat(None));
    let found = advice.into_iter().zip(proofs).map(|(advice, proof)| AdvisedIndex {
        declared: declared_as(&advice, &declared.indexes),
        advice,
        proof,
    });
    Ok(found.collect())
}

fn write(folder: &Path, queries: &[&ExampleFile]) -> Result<()> {
    let not_written = |path: &PathBuf| {
        let path = path.clone();
        move |error: std::io::Error| files::not_written(&path, &error)
    };
    let whole = folder.to_owned();
    fs::create_dir(folder).map_err(not_written(&whole))?;
    for query in queries {
        let path = folder.join(query.name.rsplit('/').next().unwrap_or(query.name));
        fs::write(&path, query.sql).map_err(not_written(&path))?;
    }
    Ok(())
}

/// How the commands are told what to do.
struct Told<'d> {
    context: &'d Context,
    args: &'d Args,
    url: &'d str,
}

impl Told<'_> {
    fn parsed<A: FromArgMatches>(&self, words: &[&str]) -> Result<A> {
        let programs = self.args.pg_bin.as_ref().map(|folder| folder.display().to_string());
        let programs = programs.iter().flat_map(|folder| ["--pg-bin", folder.as_str()]);
        let words = ["pgtend"].into_iter().chain(words.iter().copied()).chain(programs);
        let matches = self.context.parser().try_get_matches_from(words).map_err(Failure::usage)?;
        let own = matches.subcommand().map(|(_, own)| own).unwrap_or(&matches);
        A::from_arg_matches(own).map_err(Failure::usage)
    }

    /// What stands under this key of the command's document.
    async fn items(&self, command: &impl Command, key: &str) -> Result<Vec<Value>> {
        let context = Context { url: Some(self.url.to_owned()), ..self.context.of_itself() };
        let report = command.run(&context).await?;
        let document = serde_json::from_str::<Value>(&report.json(context.origin.head()));
        let mut document = document.unwrap_or_default();
        Ok(serde_json::from_value(document[key].take()).unwrap_or_default())
    }
}

fn declared_as(advice: &Value, declared: &[DeclaredIndex]) -> Option<String> {
    let text = advice["sql"].as_str()?.to_owned();
    let file = SqlFile { name: "advice".into(), text };
    let advised = declared::understand(&[file], Others::Refuse).ok()?.indexes.pop()?;
    let method = |index: &DeclaredIndex| index.method.clone().unwrap_or_else(|| "btree".to_owned());
    let same = declared.iter().find(|index| {
        index.table.name == advised.table.name
            && method(index) == method(&advised)
            && advised.columns.starts_with(&index.columns)
    });
    same?.name.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_declared_where_it_begins_with_the_same_keys() {
        let declared = declared::understand(&DECLARED.each_ref().map(sql_file), Others::Refuse);
        let declared = declared.unwrap().indexes;
        let name = |sql: &str| declared_as(&serde_json::json!({ "sql": sql }), &declared);
        assert_eq!(
            name("CREATE INDEX a ON public.sales (user_id, created_at DESC) INCLUDE (id)")
                .as_deref(),
            Some("idx_sales_user_created")
        );
        assert_eq!(name("CREATE INDEX a ON public.sales (user_id)"), None);
        assert_eq!(name("CREATE INDEX a ON public.payments (sale_id)"), None);
    }
}
