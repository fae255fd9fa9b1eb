//! What is there before the first migration.

use tokio_postgres::types::Type;

use super::apply::{lost, run};
use crate::declared::migrations::{Script, scanned};
use crate::failure::{Failure, Kind, Result};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// Applies a dump, whose settings are gone afterwards.
///
/// # Errors
/// `Declaration` where the server refuses it; `Connection` where it went away.
pub async fn load_base(session: &Session, base: &Script) -> Result<()> {
    run(session, base).await.map_err(|refused| {
        if refused.error.is_connection_lost() {
            return lost(refused);
        }
        let message = format!("{}: {}", refused.place.at, refused.error);
        Failure::new(Kind::Declaration, message).sqlstate(refused.error.sqlstate).hint(
            "make it with pg_dump --schema-only --no-owner --no-privileges, and with --inserts if \
             it has to hold data",
        )
    })?;
    session.execute("DISCARD ALL").await.map_err(ServerError::into_failure)
}

/// The dump without its settings that this server does not know, as that of a newer pg_dump has some, and
/// what there is to say of each.
pub async fn without_unknown_settings(
    session: &Session,
    base: &Script,
) -> Result<(Script, Vec<String>)> {
    let set = scanned(base)
        .into_iter()
        .filter_map(|statement| {
            let name = setting(&statement.text)?.to_owned();
            Some((name, statement))
        })
        .collect::<Vec<_>>();
    let names = set.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let sql = include_str!("../../../../sql/catalog/unknown_settings.sql");
    let rows = session
        .query(sql, &[(&names, Type::TEXT_ARRAY)])
        .await
        .map_err(ServerError::into_failure)?;
    let unknown = rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>();
    let left_out = set.iter().filter(|(name, _)| unknown.contains(name)).collect::<Vec<_>>();
    let warnings = left_out
        .iter()
        .map(|(name, statement)| {
            let (file, line) = (base.file.display(), statement.line);
            format!("{file}:{line}: skipped: this server does not know the setting {name}")
        })
        .collect();
    let ranges = left_out.iter().map(|(_, one)| one.offset..one.offset + one.text.len());
    Ok((base.without(ranges), warnings))
}

/// The setting that a SET statement sets, unless that is an extension's, which anybody may set.
fn setting(statement: &str) -> Option<&str> {
    let mut words = statement
        .split(|c: char| c.is_whitespace() || c == '=')
        .filter(|word| !word.is_empty());
    if !words.next()?.eq_ignore_ascii_case("SET") {
        return None;
    }
    let name = words.next()?;
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let others = ["session", "local", "role", "time", "constraints", "transaction", "xml", "names"];
    let is_other = others.iter().any(|word| name.eq_ignore_ascii_case(word));
    (is_plain && !is_other).then_some(name)
}
