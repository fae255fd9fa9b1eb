//! Texts of statements on this machine, so that the server need not read all of its texts for the few
//! that are shown again and again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{KnownTexts, StatementKey};
use crate::files;

/// More are not kept; then it begins anew.
const MOST: usize = 5000;
/// Longer texts are not kept, in bytes.
const LONGEST: usize = 64 * 1024;
/// Bytes of all texts, beyond which it begins anew.
const MOST_BYTES: usize = 16 << 20;
/// A larger file is not ours: JSON writes a byte as six characters at most.
const LARGEST_FILE: u64 = 7 * MOST_BYTES as u64;

/// The texts that are known of one cluster.
#[derive(Debug, Default)]
pub struct TextCache {
    path: Option<PathBuf>,
    texts: BTreeMap<String, String>,
}

impl TextCache {
    /// The cache of a cluster in this folder. Without a folder, or where it is not known which cluster
    /// it is, texts are kept in memory only.
    pub fn open(folder: Option<&Path>, system_id: Option<i64>) -> Self {
        let name = system_id.map(|id| format!("statements-{}.json", id.cast_unsigned()));
        let path = folder.zip(name).map(|(folder, name)| folder.join(name));
        let texts = path.as_ref().map(|path| understood(path)).unwrap_or_default();
        TextCache { path, texts }
    }

    /// The text of a statement.
    pub fn get(&self, key: StatementKey) -> Option<&String> {
        self.texts.get(&written(key))
    }

    /// Keeps these texts, which hold no secrets. That it cannot is no reason to fail: they are read again next time.
    pub fn keep(&mut self, texts: &KnownTexts) {
        let mut room = MOST_BYTES;
        let fit = texts
            .iter()
            .filter(|(_, text)| text.len() <= LONGEST)
            .take(MOST)
            .take_while(|(_, text)| {
                room = room.saturating_sub(text.len());
                room > 0
            })
            .map(|(key, text)| (written(*key), text.clone()))
            .collect::<BTreeMap<_, _>>();
        if fit.is_empty() {
            return;
        }
        if let Some(path) = &self.path {
            // Another run may have kept others meanwhile.
            self.texts.extend(understood(path));
        }
        let bytes =
            |texts: &BTreeMap<String, String>| texts.values().map(String::len).sum::<usize>();
        if self.texts.len() + fit.len() > MOST || bytes(&self.texts) + bytes(&fit) > MOST_BYTES {
            self.texts.clear();
        }
        self.texts.extend(fit);
        let Some(path) = &self.path else { return };
        drop(files::replace_private(path, |file| {
            serde_json::to_writer(file, &self.texts).map_err(io::Error::other)
        }));
    }
}

/// What the file holds. What cannot be understood is as good as nothing.
fn understood(path: &Path) -> BTreeMap<String, String> {
    let text = files::read_private(path, LARGEST_FILE).ok();
    let texts = text.and_then(|text| serde_json::from_str(&text).ok());
    let mut texts: BTreeMap<String, String> = texts.unwrap_or_default();
    // Up to 0.1.0 it was not written down whose texts they are.
    texts.retain(|key, _| key.matches(':').count() == KEY_PARTS - 1);
    texts
}

/// Of a key as it is written.
const KEY_PARTS: usize = 4;

fn written(key: StatementKey) -> String {
    let StatementKey { dbid, userid, queryid, toplevel } = key;
    format!("{dbid}:{userid}:{queryid}:{toplevel}")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn texts_are_kept_for_their_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = TextCache::open(Some(folder.path()), Some(-7));
        let long = "x".repeat(LONGEST + 1);
        let key = |queryid| StatementKey { dbid: 5, userid: 10, queryid, toplevel: true };
        let texts = [(1, "SELECT $1"), (2, &*long)].map(|(id, text)| (key(id), text.to_owned()));
        cache.keep(&KnownTexts::from(texts));
        let read = TextCache::open(Some(folder.path()), Some(-7));
        assert_eq!(read.get(key(1)).map(String::as_str), Some("SELECT $1"));
        assert_eq!(read.get(key(2)), None);
        assert_eq!(read.get(StatementKey { userid: 11, ..key(1) }), None);
        assert_eq!(read.get(StatementKey { toplevel: false, ..key(1) }), None);
        assert_eq!(TextCache::open(Some(folder.path()), Some(8)).get(key(1)), None);
        assert_eq!(TextCache::open(None, Some(-7)).get(key(1)), None);
    }

    #[test]
    fn only_its_owner_looks_into_it_and_no_link_is_followed() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("pgtend");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let key = StatementKey { dbid: 5, userid: 10, queryid: 1, toplevel: true };
        let texts = KnownTexts::from([(key, "SELECT $1".to_owned())]);
        TextCache::open(Some(&folder), Some(7)).keep(&texts);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        let file = folder.join("statements-7.json");
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        std::os::unix::fs::symlink(&file, folder.join("statements-8.json")).unwrap();
        assert_eq!(TextCache::open(Some(&folder), Some(8)).get(key), None);
        let link = outside.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        TextCache::open(Some(&link), Some(9)).keep(&texts);
        assert!(!folder.join("statements-9.json").exists());
    }

    #[test]
    fn texts_of_unknown_roles_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("statements-7.json"), r#"{"5:1":"SELECT $1"}"#).unwrap();
        let mut cache = TextCache::open(Some(folder.path()), Some(7));
        assert_eq!(cache.texts.len(), 0);
        let key = StatementKey { dbid: 5, userid: 10, queryid: 1, toplevel: true };
        cache.keep(&KnownTexts::from([(key, "SELECT $2".to_owned())]));
        assert_eq!(TextCache::open(Some(folder.path()), Some(7)).texts.len(), 1);
    }
}
