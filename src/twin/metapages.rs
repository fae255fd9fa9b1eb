//! The first pages of indexes: how high a B-tree is, and what a GIN index counts. Only pageinspect
//! shows them, and only to who may call it; where they are missing they are estimated.

use tokio_postgres::types::Type;

use super::data::{GinCounters, Metapage, TwinIndex};
use crate::facts::load::ask;
use crate::failure::Result;
use crate::pg::name::quote_ident;
use crate::pg::session::Session;

/// Reads what may be read; nothing where there is no pageinspect.
pub async fn load_metapages(session: &Session, indexes: &[TwinIndex]) -> Result<Vec<Metapage>> {
    let rows = ask(session, include_str!("../../sql/twin/pageinspect.sql"), &[]).await?;
    let Some(schema) = rows.first().map(|row| quote_ident(row.get("schema"))) else {
        return Ok(Vec::new());
    };
    let mut metapages = Vec::new();
    let of = |method: &str| {
        let filled = indexes.iter().filter(|index| index.pages.is_some_and(|pages| pages > 0));
        filled.filter(|index| index.access_method == method).collect::<Vec<_>>()
    };
    let trees = of("btree");
    let sql = include_str!("../../sql/twin/btree_metapages.sql").replace("{schema}", &schema);
    for (ordinal, height) in read(session, &sql, &trees, |row| row.get::<_, i64>("height")).await? {
        let height = u32::try_from(height).ok();
        metapages.extend(metapage(&trees, ordinal, |page| page.height = height));
    }
    let inverted = of("gin");
    let sql = include_str!("../../sql/twin/gin_metapages.sql").replace("{schema}", &schema);
    let counters = |row: &crate::pg::row::Row| GinCounters {
        pending_pages: count(row.get("pending_pages")),
        pending_tuples: row.get("pending_tuples"),
        total_pages: count(row.get("total_pages")),
        entry_pages: count(row.get("entry_pages")),
        data_pages: count(row.get("data_pages")),
        entries: row.get("entries"),
    };
    for (ordinal, gin) in read(session, &sql, &inverted, counters).await? {
        metapages.extend(metapage(&inverted, ordinal, |page| page.gin = Some(gin)));
    }
    Ok(metapages)
}

fn metapage(
    indexes: &[&TwinIndex],
    ordinal: i64,
    fill: impl Fn(&mut Metapage),
) -> Option<Metapage> {
    let index = indexes.get(usize::try_from(ordinal - 1).ok()?)?;
    let mut page = Metapage {
        schema: index.schema.clone(),
        index: index.name.clone(),
        ..Metapage::default()
    };
    fill(&mut page);
    Some(page)
}

async fn read<T>(
    session: &Session,
    sql: &str,
    indexes: &[&TwinIndex],
    each: impl Fn(&crate::pg::row::Row) -> T,
) -> Result<Vec<(i64, T)>> {
    if indexes.is_empty() {
        return Ok(Vec::new());
    }
    let names = indexes
        .iter()
        .map(|index| format!("{}.{}", quote_ident(&index.schema), quote_ident(&index.name)))
        .collect::<Vec<_>>();
    let rows = ask(session, sql, &[(&names, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| (row.get("ordinal"), each(row))).collect())
}

fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
