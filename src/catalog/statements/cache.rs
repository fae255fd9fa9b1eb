//! Texts of statements on this machine, so that the server need not read all of its texts for the few
//! that are shown again and again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog::Oid;

/// More are not kept; then it begins anew.
const MOST: usize = 5000;
/// Longer texts are not kept, in bytes.
const LONGEST: usize = 64 * 1024;

/// The texts that are known of one cluster.
#[derive(Debug, Default)]
pub struct TextCache {
    path: Option<PathBuf>,
    texts: BTreeMap<String, String>,
}

impl TextCache {
    /// The cache of a cluster in this folder. Without a folder, or where it is not known which cluster
    /// it is, nothing is kept.
    pub fn open(folder: Option<&Path>, system_id: Option<i64>) -> Self {
        let name = system_id.map(|id| format!("statements-{}.json", id.cast_unsigned()));
        let path = folder.zip(name).map(|(folder, name)| folder.join(name));
        let text = path.as_ref().and_then(|path| fs::read_to_string(path).ok());
        // What cannot be understood is as good as nothing.
        let texts = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        TextCache { path, texts }
    }

    /// The text of a statement.
    pub fn get(&self, dbid: Oid, queryid: i64) -> Option<&String> {
        self.texts.get(&key(dbid, queryid))
    }

    /// Keeps these texts, which hold no secrets. That it cannot is no reason to fail: they are read again next time.
    pub fn keep(&mut self, texts: &HashMap<(Oid, i64), String>) {
        let Some(path) = &self.path else { return };
        let fit = texts.iter().filter(|(_, text)| text.len() <= LONGEST);
        let fit = fit.map(|((dbid, queryid), text)| (key(*dbid, *queryid), text.clone()));
        let fit = fit.collect::<BTreeMap<_, _>>();
        if fit.is_empty() {
            return;
        }
        if self.texts.len() + fit.len() > MOST {
            self.texts.clear();
        }
        self.texts.extend(fit);
        drop(write(path, &self.texts));
    }
}

fn key(dbid: Oid, queryid: i64) -> String {
    format!("{dbid}:{queryid}")
}

/// Only for its owner, as temporary files are.
fn write(path: &Path, texts: &BTreeMap<String, String>) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let fresh = tempfile::Builder::new().prefix(".statements").tempfile_in(folder)?;
    serde_json::to_writer(fresh.as_file(), texts)?;
    fresh.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_for_their_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = TextCache::open(Some(folder.path()), Some(-7));
        let long = "x".repeat(LONGEST + 1);
        let texts = [(1, "SELECT $1"), (2, &*long)];
        let texts = texts.map(|(id, text)| ((5, id), text.to_owned()));
        cache.keep(&HashMap::from(texts));
        let read = TextCache::open(Some(folder.path()), Some(-7));
        assert_eq!(read.get(5, 1).map(String::as_str), Some("SELECT $1"));
        assert_eq!(read.get(5, 2), None);
        assert_eq!(TextCache::open(Some(folder.path()), Some(8)).get(5, 1), None);
        assert_eq!(TextCache::open(None, Some(-7)).get(5, 1), None);
    }
}
