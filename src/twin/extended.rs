//! Writing extended statistics. Their types have no input, so their bytes are written as they are;
//! lists of common values are not shown as bytes, so ANALYZE makes one of the same values, and its
//! frequencies are replaced.

use tokio_postgres::types::{ToSql, Type};

use super::build::{Twin, execute};
use super::data::{ColumnStatistics, ExtendedData, ExtendedStatistics};
use super::ddl::qualified;
use super::statistics::write_rows;
use crate::facts::load::{ask, first};
use crate::failure::Result;
use crate::pg::name::{quote_ident, quote_literal};

/// What the types of extended statistics are made of.
const CASTS: [&str; 3] = ["pg_ndistinct", "pg_dependencies", "pg_mcv_list"];

/// Combinations that are carried over one by one; PostgreSQL's default keeps 100.
const MOST_VALUES: usize = 400;

/// Bytes before the first combination: how many there are stands here.
const COUNT_AT: usize = 8;

/// The table by which values get into lists.
const CARRIER: &str = "public.pgtend_carrier";

/// Writes all of them. Returns what could not be written.
///
/// # Errors
/// Those of the connection.
pub(super) async fn write(twin: &Twin) -> Result<Vec<String>> {
    let mut refused = Vec::new();
    if twin.data.extended_statistics.iter().all(ExtendedStatistics::is_empty) {
        return Ok(refused);
    }
    for name in CASTS {
        let cast = format!("CREATE CAST (pg_catalog.bytea AS pg_catalog.{name}) WITHOUT FUNCTION");
        execute(&twin.superuser, &cast).await?;
    }
    for statistics in &twin.data.extended_statistics {
        let name = qualified(&statistics.schema, &statistics.name);
        let named: [(&(dyn ToSql + Sync), Type); 2] =
            [(&statistics.schema, Type::TEXT), (&statistics.name, Type::TEXT)];
        ask(
            &twin.superuser,
            include_str!("../../sql/twin-build/forget_statistics.sql"),
            &named,
        )
        .await?;
        for data in &statistics.data {
            if let Err(failure) = write_one(twin, statistics, data).await {
                refused.push(format!("extended statistics {name}: {failure}"));
            }
        }
    }
    Ok(refused)
}

impl ExtendedStatistics {
    fn is_empty(&self) -> bool {
        self.data.is_empty() && self.expressions.is_empty()
    }
}

async fn write_one(
    twin: &Twin,
    statistics: &ExtendedStatistics,
    data: &ExtendedData,
) -> Result<()> {
    let values = match data.values.is_some() && data.frequencies.len() <= MOST_VALUES {
        true => Some(common_values(twin, statistics, data).await?),
        false => None,
    };
    let expressions = match statistics.expressions.is_empty() {
        true => None,
        false => Some(carry_expressions(twin, statistics, data.inherited).await?),
    };
    let inherits = match twin.data.origin.major() >= 15 {
        true => ("stxdinherit, ", if data.inherited { "true, " } else { "false, " }),
        false => ("", ""),
    };
    let sql = include_str!("../../sql/twin-build/extended_statistics.sql")
        .replace("{inherit_column}", inherits.0)
        .replace("{inherit_value}", inherits.1)
        .replace("{carrier}", &quote_literal(expressions.as_deref().unwrap_or("public.none")));
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (&statistics.schema, Type::TEXT),
        (&statistics.name, Type::TEXT),
        (&data.n_distinct_bytes, Type::TEXT),
        (&data.dependencies_bytes, Type::TEXT),
        (&values, Type::TEXT),
    ];
    ask(&twin.superuser, &sql, &params).await?;
    execute(&twin.planner, &format!("DROP TABLE IF EXISTS {CARRIER}")).await
}

/// A list of these combinations, in hexadecimal. On a small table each stands more often than the next,
/// so that ANALYZE keeps them in their order.
async fn common_values(
    twin: &Twin,
    statistics: &ExtendedStatistics,
    data: &ExtendedData,
) -> Result<String> {
    let table = qualified(&statistics.table_schema, &statistics.table);
    let columns = data.columns.iter().map(|name| quote_ident(name)).collect::<Vec<_>>().join(", ");
    let count = data.frequencies.len();
    let make = [
        format!("DROP TABLE IF EXISTS {CARRIER}"),
        format!("CREATE TABLE {CARRIER} AS SELECT {columns} FROM ONLY {table} WITH NO DATA"),
    ];
    for statement in &make {
        execute(&twin.planner, statement).await?;
    }
    let types = ask(
        &twin.planner,
        include_str!("../../sql/twin-build/column_types.sql"),
        &[(&CARRIER, Type::TEXT)],
    )
    .await?;
    let values = types
        .iter()
        .enumerate()
        .map(|(at, row)| format!("v.list[i.item][{}]::{}", at + 1, row.get::<_, &str>("type")));
    let list = quote_literal(data.values.as_deref().unwrap_or("{}"));
    let fill = [
        format!(
            "INSERT INTO {CARRIER} SELECT {} \
             FROM (SELECT {list}::pg_catalog.text[] AS list) AS v, \
             pg_catalog.generate_series(1, {count}) AS i (item), \
             pg_catalog.generate_series(1, {count} + 100 - i.item) AS r",
            values.collect::<Vec<_>>().join(", ")
        ),
        format!("CREATE STATISTICS public.pgtend_carried (mcv) ON {columns} FROM {CARRIER}"),
        format!("SET default_statistics_target = {}", count.max(300)),
        format!("ANALYZE {CARRIER}"),
    ];
    for statement in &fill {
        execute(&twin.planner, statement).await?;
    }
    let sql = include_str!("../../sql/twin-build/carried_values.sql");
    let rows = ask(&twin.superuser, sql, &[]).await?;
    let bytes: String = first(&rows)?.get("bytes");
    with_frequencies(&bytes, data).ok_or_else(|| {
        crate::failure::Failure::new(
            crate::failure::Kind::Server,
            "ANALYZE has kept other combinations than were given",
        )
    })
}

/// The two doubles of each combination stand behind its NULL flags, at the end of the bytes.
fn with_frequencies(hex: &str, data: &ExtendedData) -> Option<String> {
    let mut bytes = from_hex(hex)?;
    let columns = data.columns.len();
    let count = data.frequencies.len();
    let kept = u32::from_ne_bytes(bytes.get(COUNT_AT..COUNT_AT + 4)?.try_into().ok()?);
    let item = columns + 16 + 2 * columns;
    if usize::try_from(kept).ok()? != count || data.base_frequencies.len() != count {
        return None;
    }
    let start = bytes.len().checked_sub(count * item)?;
    for (at, (frequency, base)) in data.frequencies.iter().zip(&data.base_frequencies).enumerate() {
        let place = start + at * item + columns;
        bytes.get_mut(place..place + 8)?.copy_from_slice(&frequency.to_ne_bytes());
        bytes.get_mut(place + 8..place + 16)?.copy_from_slice(&base.to_ne_bytes());
    }
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// A table whose columns have the expressions' types and statistics. Returns its name.
async fn carry_expressions(
    twin: &Twin,
    statistics: &ExtendedStatistics,
    inherited: bool,
) -> Result<String> {
    let sql = include_str!("../../sql/twin-build/statistics_expressions.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&statistics.schema, Type::TEXT), (&statistics.name, Type::TEXT)];
    let rows = ask(&twin.planner, sql, &params).await?;
    let expressions = rows.iter().map(|row| row.get::<_, String>("expression"));
    let columns = expressions.enumerate().map(|(at, text)| format!("({text}) AS e{at}"));
    let table = qualified(&statistics.table_schema, &statistics.table);
    let make = [
        format!("DROP TABLE IF EXISTS {CARRIER}"),
        format!(
            "CREATE TABLE {CARRIER} AS SELECT {} FROM ONLY {table} WITH NO DATA",
            columns.collect::<Vec<_>>().join(", ")
        ),
    ];
    for statement in &make {
        execute(&twin.planner, statement).await?;
    }
    let of = statistics.expressions.iter().filter(|row| row.inherited == inherited);
    let rows = of.enumerate().map(|(at, row)| ColumnStatistics {
        schema: "public".to_owned(),
        relation: "pgtend_carrier".to_owned(),
        column: format!("e{at}"),
        inherited: false,
        ..row.clone()
    });
    write_rows(&twin.superuser, &rows.collect::<Vec<_>>()).await?;
    Ok(CARRIER.to_owned())
}
