//! What the server printed of a definition, on this machine, so that a run that finds everything as
//! it was makes no copies: those cost dead rows in the catalog and WAL.
//!
//! A print is kept under a hash of all that it depends on: the text, what its words may name in
//! whatever schema, operators, casts and the like, the columns of its table, the search path and the
//! server's version.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_postgres::types::{ToSql, Type};

use crate::facts::Oid;
use crate::facts::load::ask;
use crate::failure::Result;
use crate::files;
use crate::pg::session::Session;

/// More are not kept; then those are left that this run needed.
const MOST: usize = 20_000;
/// Longer prints are not kept, in bytes.
const LONGEST: usize = 64 * 1024;
/// A longer file is not read, in bytes.
const LONGEST_FILE: u64 = 32 << 20;

/// What the server printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// The definition or query.
    pub definition: String,
    /// The storage parameters' clause of an index.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub options: String,
    /// The name that the server chose for an index.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// A text and what else its print depends on.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The table or view that it is about.
    pub relation: Oid,
    /// The definition or query with all that is sent with it.
    pub text: String,
    /// The search path and who reads it.
    pub setting: &'a str,
}

/// The prints that are known of one database.
#[derive(Debug, Default)]
pub struct Memory {
    path: Option<PathBuf>,
    known: HashMap<String, Print>,
    used: BTreeSet<String>,
    is_fresh: bool,
}

impl Memory {
    /// Those that are kept in this folder for a database of that name. Without a folder nothing is
    /// known and nothing kept.
    pub fn open(folder: Option<&Path>, database: &str) -> Self {
        let name = format!("comparisons-{}.json", &hex(database.as_bytes())[..16]);
        let path = folder.map(|folder| folder.join(name));
        let text = path.as_deref().and_then(|path| files::read_private(path, LONGEST_FILE).ok());
        // What cannot be understood is as good as nothing.
        let known = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Memory { path, known, ..Memory::default() }
    }

    /// Whether anything is kept.
    pub fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// The print under this key.
    pub fn get(&mut self, key: &str) -> Option<Print> {
        let print = self.known.get(key).cloned();
        if print.is_some() {
            self.used.insert(key.to_owned());
        }
        print
    }

    pub fn put(&mut self, key: String, print: Print) {
        if self.is_kept() && print.definition.len() <= LONGEST {
            self.used.insert(key.clone());
            self.known.insert(key, print);
            self.is_fresh = true;
        }
    }

    /// Writes what is new. That it cannot is no reason to fail: the server is asked again next time.
    pub fn keep(mut self) {
        let Some(path) = self.path.clone().filter(|_| self.is_fresh) else {
            return;
        };
        if self.known.len() > MOST {
            self.known.retain(|key, _| self.used.contains(key));
        }
        let sorted = self.known.iter().take(MOST).collect::<BTreeMap<_, _>>();
        drop(files::replace_private(&path, |file| {
            serde_json::to_writer(file, &sorted).map_err(io::Error::other)
        }));
    }
}

/// The keys of questions; `None` for one whose print is not kept.
pub async fn keys(session: &Session, questions: &[Question<'_>]) -> Result<Vec<Option<String>>> {
    let texts = questions.iter().map(|question| words_of(&question.text)).collect::<Vec<_>>();
    let words = texts.iter().flatten().map(String::as_str).collect::<BTreeSet<_>>();
    let relations = questions.iter().map(|question| question.relation).collect::<BTreeSet<_>>();
    let (words, relations) = (Vec::from_iter(words), Vec::from_iter(relations));
    let numbers = (0..).take(words.len() + relations.len()).collect::<Vec<i32>>();
    let (of_words, of_relations) = numbers.split_at(words.len());
    let sql = include_str!("../../../sql/catalog/reading_states.sql");
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&of_words, Type::INT4_ARRAY),
        (&words, Type::TEXT_ARRAY),
        (&of_relations, Type::INT4_ARRAY),
        (&relations, Type::OID_ARRAY),
    ];
    let rows = ask(session, sql, &params).await?;
    let states = rows
        .iter()
        .map(|row| (row.get("ord"), row.get("state")))
        .collect::<HashMap<i32, String>>();
    let Some(common) = states.get(&-1) else {
        return Ok(vec![None; questions.len()]);
    };
    let of_word = words
        .iter()
        .zip(of_words)
        .map(|(word, ord)| (*word, states.get(ord)))
        .collect::<HashMap<_, _>>();
    let of_relation = relations
        .iter()
        .zip(of_relations)
        .map(|(oid, ord)| (*oid, states.get(ord)))
        .collect::<HashMap<_, _>>();
    let keys = questions.iter().zip(&texts).map(|(question, words)| {
        let Question { relation, text, setting } = question;
        let state = of_relation.get(relation).copied().flatten()?;
        // An identifier in Unicode escapes names something else than its words.
        let is_plain = !text.contains("U&") && !text.contains("u&");
        is_plain.then_some(())?;
        let mut all = String::new();
        let named = words.iter().filter_map(|word| of_word.get(word.as_str()).copied().flatten());
        let parts = [&relation.to_string(), *setting, common, state, text];
        for part in parts.into_iter().chain(named.map(String::as_str)) {
            all.push_str(&format!("{}:{part}", part.len()));
        }
        Some(hex(all.as_bytes()))
    });
    Ok(keys.collect())
}

/// The words that may name something: all of them, also those in strings and comments.
fn words_of(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    words.extend(
        text.split(|c| !is_part(c))
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase),
    );
    // Between double quotes anything may stand, whichever of them opens and which closes.
    let quoted = text.replace("\"\"", "\u{0}");
    words.extend(quoted.split('"').map(|word| word.replace('\u{0}', "\"")));
    words.retain(|word| !word.is_empty() && word.len() <= crate::pg::name::NAME_MAX_BYTES);
    words
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn print(definition: &str) -> Print {
        let (options, name) = (String::new(), String::new());
        Print { definition: definition.to_owned(), options, name }
    }

    #[test]
    fn prints_are_kept_for_their_database_and_their_user() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("pgtend");
        let mut memory = Memory::open(Some(&cache), "db");
        memory.put("key".to_owned(), print("USING btree (a)"));
        memory.put("long".to_owned(), print(&"x".repeat(LONGEST + 1)));
        memory.keep();
        let mut read = Memory::open(Some(&cache), "db");
        assert_eq!(read.get("key"), Some(print("USING btree (a)")));
        assert_eq!(read.get("long"), None);
        assert_eq!(Memory::open(Some(&cache), "other").get("key"), None);
        assert_eq!(Memory::open(None, "db").get("key"), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&cache), 0o700);
        let file = fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(Memory::open(Some(&cache), "db").get("key"), None);
    }

    #[test]
    fn too_many_prints_leave_those_that_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(Some(folder.path()), "db");
        for at in 0..MOST {
            memory.known.insert(format!("old {at}"), print(""));
        }
        memory.put("new".to_owned(), print("a"));
        memory.keep();
        let mut read = Memory::open(Some(folder.path()), "db");
        assert_eq!(read.known.len(), 1);
        assert_eq!(read.get("new"), Some(print("a")));
    }

    #[test]
    fn every_word_that_may_be_a_name_is_found() {
        let words = words_of("lower(\"A b\" || Größe) = 'x'::\"my\"\"own\".Type /* c */");
        for word in ["lower", "A b", "größe", "x", "my\"own", "type", "c"] {
            let word = if word == "größe" { "größe" } else { word };
            assert!(words.contains(word), "{word}: {words:?}");
        }
        assert!(words_of("").is_empty());
    }
}
