//! The texts of statements: large where all else is small, and not always to be had.

use tokio_postgres::types::{ToSql, Type};

use super::load::{read_key, with_memory};
use super::{KnownTexts, StatementKey, StatementsExtension};
use crate::facts::Unavailable;
use crate::facts::load::ask;
use crate::facts::secret::without_secrets;
use crate::failure::{Failure, Result};
use crate::format::number;
use crate::pg::session::Session;

/// The server keeps all texts in memory as far as this goes. It has read their whole file by then.
const MEMORY: &str = "512MB";

/// So many bytes of a text are kept and shown.
pub const LONGEST_BYTES: usize = 64 * 1024;

/// Bytes of texts that are held as a whole. The server counts them and sends no more: to count and
/// send the characters of a gigabyte takes longer than a look may.
const MOST_BYTES: i64 = 16 << 20;

/// A character has a byte at least.
pub const LONGEST_CHARACTERS: i32 = 64 * 1024;

/// How much of each text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// The beginning: [`LONGEST_BYTES`].
    #[default]
    Cut,
    /// All of it, as long as all of them together are not too much.
    Whole,
}

/// Texts without secrets, and why there are none.
#[derive(Debug, Default)]
pub struct Texts {
    /// Those that are known.
    pub known: KnownTexts,
    /// Why the server cannot hand out its texts.
    pub unreadable: Option<String>,
    /// Why those that the snapshots keep could not be had.
    pub not_kept: Option<Unavailable>,
}

/// How much of the texts the server sends.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// So many characters of each.
    Beginning(i32),
    /// So many bytes of whole texts, and then the beginnings.
    WholeUpTo(i64),
}

/// A text as the server has it, which may hold secrets.
pub struct RawText {
    pub key: StatementKey,
    /// Its beginning at least.
    pub query: String,
    /// Bytes of the whole.
    pub bytes: usize,
}

impl RawText {
    /// The text to be shown and kept: no longer than that, without secrets; where it was cut this is said.
    pub fn shown(&self, longest: usize) -> String {
        let mut end = self.query.len().min(longest);
        while !self.query.is_char_boundary(end) {
            end -= 1;
        }
        let text = without_secrets(&self.query[..end]);
        match end < self.bytes {
            true => format!("{text} … (cut: {} bytes in all)", number(self.bytes)),
            false => text.into_owned(),
        }
    }
}

/// The texts of statements with these queryids, to be shown.
pub async fn load_texts(
    session: &Session,
    extension: &StatementsExtension,
    queryids: &[i64],
    length: Length,
) -> Result<Texts> {
    let amount = match length {
        Length::Cut => Amount::Beginning(LONGEST_CHARACTERS),
        Length::Whole => Amount::WholeUpTo(MOST_BYTES),
    };
    let mut known = KnownTexts::new();
    let read = |raw: RawText| {
        let is_whole = length == Length::Whole && raw.query.len() >= raw.bytes;
        let longest = if is_whole { usize::MAX } else { LONGEST_BYTES };
        known.insert(raw.key, raw.shown(longest));
    };
    let unreadable = each_text(session, extension, queryids, amount, read).await?;
    Ok(Texts { known, unreadable, not_kept: None })
}

/// The texts of statements with these queryids as they are, as much of them as is wanted, one by
/// one. Returns why there are none where the server cannot convert them.
pub async fn each_text(
    session: &Session,
    extension: &StatementsExtension,
    queryids: &[i64],
    amount: Amount,
    read: impl FnMut(RawText),
) -> Result<Option<String>> {
    with_memory(session, MEMORY, async {
        // The transaction is rolled back whatever comes of it.
        let read = read_texts(session, extension, queryids, amount, read).await;
        Ok(read.err())
    })
    .await
    .and_then(|failure| unreadable_or(failure, extension))
}

/// The same within a transaction that goes on afterwards.
pub async fn each_text_within(
    session: &Session,
    extension: &StatementsExtension,
    queryids: &[i64],
    amount: Amount,
    read: impl FnMut(RawText),
) -> Result<Option<String>> {
    session.execute("SAVEPOINT texts").await.map_err(|error| error.into_failure())?;
    let read = read_texts(session, extension, queryids, amount, read).await;
    let back = "ROLLBACK TO SAVEPOINT texts";
    session.execute(back).await.map_err(|error| error.into_failure())?;
    unreadable_or(read.err(), extension)
}

async fn read_texts(
    session: &Session,
    extension: &StatementsExtension,
    queryids: &[i64],
    amount: Amount,
    mut read: impl FnMut(RawText),
) -> Result<()> {
    let (sql, characters, whole) = match &amount {
        Amount::Beginning(characters) => {
            (include_str!("../../../sql/statements/texts.sql"), characters, None)
        }
        Amount::WholeUpTo(bytes) => (
            include_str!("../../../sql/statements/whole_texts.sql"),
            &LONGEST_CHARACTERS,
            Some(bytes),
        ),
    };
    let mut params: Vec<(&(dyn ToSql + Sync), Type)> =
        vec![(&queryids, Type::INT8_ARRAY), (characters, Type::INT4)];
    params.extend(whole.map(|bytes| (bytes as &(dyn ToSql + Sync), Type::INT8)));
    let sql = extension.written(sql);
    let rows = session.each(&sql, &params, |row| {
        if let Some(key) = read_key(row) {
            let bytes = usize::try_from(row.get::<_, i32>("bytes")).unwrap_or(0);
            read(RawText { key, query: row.get("query"), bytes });
        }
    });
    let read = rows.await;
    read.map_err(|error| error.into_failure().context("reading the texts of statements failed"))
}

/// A text that cannot be converted keeps the server from handing out any: it converts all.
fn unreadable_or(
    failure: Option<Failure>,
    extension: &StatementsExtension,
) -> Result<Option<String>> {
    let Some(failure) = failure else {
        return Ok(None);
    };
    if !is_unreadable(&failure) {
        return Err(failure);
    }
    Ok(Some(extension.unreadable(&failure)))
}

/// Not a character of the encoding, or not one of this database's.
fn is_unreadable(failure: &Failure) -> bool {
    matches!(failure.sqlstate.as_deref(), Some("22021" | "22P05"))
}

impl StatementsExtension {
    /// Why the texts cannot be read, and the way out.
    fn unreadable(&self, failure: &Failure) -> String {
        let resets = self
            .other_encodings
            .iter()
            .take(3)
            .map(|(oid, name, encoding)| {
                format!("{name} has {encoding}: SELECT pg_stat_statements_reset(0, {oid}, 0);")
            })
            .collect::<Vec<_>>()
            .join(" ");
        format!(
            "the server cannot convert the texts of its statements to this database's encoding, so \
             that none can be shown ({failure}). Connect to a database with the same encoding as that \
             of the text, or forget the statements of that database ({resets})"
        )
    }
}

/// The statements in whose text all words of `with` stand and none of `without`.
pub async fn load_matching(
    session: &Session,
    extension: &StatementsExtension,
    with: &[String],
    without: &[String],
) -> Result<Vec<i64>> {
    let sql = extension.written(include_str!("../../../sql/statements/matching.sql"));
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&with, Type::TEXT_ARRAY), (&without, Type::TEXT_ARRAY)];
    let rows = with_memory(session, MEMORY, async { ask(session, &sql, &params).await })
        .await
        .map_err(|failure| match is_unreadable(&failure) {
            true => Failure::new(failure.kind, extension.unreadable(&failure))
                .hint("leave out --like and --exclude"),
            false => failure,
        })?;
    Ok(rows.iter().map(|row| row.get("queryid")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character_and_this_is_said() {
        let key = StatementKey { dbid: 1, userid: 2, queryid: 3, toplevel: true };
        let raw = |query: &str, bytes| RawText { key, query: query.to_owned(), bytes };
        assert_eq!(raw("SELECT $1", 9).shown(9), "SELECT $1");
        assert_eq!(raw("SELECT é", 9).shown(8), "SELECT  … (cut: 9 bytes in all)");
        let cut = raw("DO 'secret", 100_000).shown(LONGEST_BYTES);
        assert_eq!(cut, "DO '…' … (cut: 100,000 bytes in all)");
    }
}
