//! `where: { field: value }` of a partial index.

use super::syntax::PrismaValue;
use crate::declared::Source;
use crate::declared::check::Problem;
use crate::pg::name::{quote_ident, quote_literal};

/// The condition in SQL.
///
/// # Errors
/// Where a field is none, or a value nothing that Prisma compares with.
pub fn condition<'a>(
    fields: &[(String, PrismaValue)],
    column: impl Fn(&str) -> Result<&'a str, Problem>,
    source: &Source,
) -> Result<String, Problem> {
    let terms = fields
        .iter()
        .map(|(name, value)| {
            let column = quote_ident(column(name)?);
            term(&column, value).ok_or_else(|| {
                let message = format!("where: what {name} is compared with is no value");
                let hint = "write true, false, null, a string, a number, or { not: … } around one";
                Problem::new(source, message).hint(hint)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    match terms.is_empty() {
        true => Err(Problem::new(source, "where: {} holds no condition")),
        false => Ok(terms.join(" AND ")),
    }
}

fn term(column: &str, value: &PrismaValue) -> Option<String> {
    match value {
        PrismaValue::Object(inner) => match inner.as_slice() {
            [(not, value)] if not == "not" && is_null(value) => {
                Some(format!("{column} IS NOT NULL"))
            }
            [(not, value)] if not == "not" => Some(format!("{column} != {}", constant(value)?)),
            _ => None,
        },
        value if is_null(value) => Some(format!("{column} IS NULL")),
        value => Some(format!("{column} = {}", constant(value)?)),
    }
}

fn is_null(value: &PrismaValue) -> bool {
    matches!(value, PrismaValue::Name(name) if name == "null")
}

fn constant(value: &PrismaValue) -> Option<String> {
    match value {
        PrismaValue::Text(text) => Some(quote_literal(text)),
        PrismaValue::Number(number) => Some(number.clone()),
        PrismaValue::Name(name) if name == "true" || name == "false" => Some(name.clone()),
        _ => None,
    }
}
