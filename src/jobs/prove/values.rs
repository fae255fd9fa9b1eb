//! Values for the parameters of statements: those of the column that a parameter is compared with.

use crate::failure::Result;
use crate::pg::name::{quote_ident, quote_literal};
use crate::twin::copy::{CopyServer, KnownValues, Measurable};
use crate::work::explained::terms::{Comparator, Term};
use crate::work::explained::{Use, uses};

/// The values of a statement, as SQL. `Err`: which parameter has none.
///
/// # Errors
/// Those of the connection.
pub(super) async fn values(
    server: &CopyServer,
    statement: &Measurable,
) -> Result<std::result::Result<Vec<String>, String>> {
    let uses = uses(&statement.plan);
    let mut values = Vec::new();
    for (number, of) in (1..).zip(&statement.parameters) {
        let mut found = None;
        for usage in uses.get(&number).into_iter().flatten() {
            let known = known(server, usage).await?;
            found = chosen(&known, &usage.term, of);
            if found.is_some() {
                break;
            }
        }
        match found {
            Some(value) => values.push(value),
            None => {
                return Ok(Err(format!(
                    "no column tells a value for ${number}: name its text with --sql or --workload"
                )));
            }
        }
    }
    Ok(Ok(values))
}

async fn known(server: &CopyServer, usage: &Use) -> Result<KnownValues> {
    let Use { table, term } = usage;
    if let Some(column) = &term.column {
        let known = server.values_of_column(table, column).await?;
        if known != KnownValues::default() {
            return Ok(known);
        }
    }
    let expression = term
        .column
        .as_deref()
        .map(quote_ident)
        .unwrap_or_else(|| term.expression.clone());
    server.values_of_expression(table, &expression).await
}

/// The value as SQL, of the parameter's type.
fn chosen(known: &KnownValues, term: &Term, of: &str) -> Option<String> {
    let KnownValues { common, low, high, element } = known;
    let value = match &term.comparison {
        Comparator::Equal | Comparator::Like => common.clone().or(low.clone())?,
        // Of two limits the rows in between are meant.
        Comparator::Range if term.is_upper => high.clone().or(low.clone()).or(common.clone())?,
        Comparator::Range => low.clone().or(common.clone())?,
        Comparator::Contains(_) => element.clone().or(common.clone()).or(low.clone())?,
    };
    Some(quote_literal(&term.other_side(value, of.ends_with("[]"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::explained::terms::terms_of_parameters;

    #[test]
    fn a_value_is_one_of_the_column() {
        let known = KnownValues {
            common: Some("it's".into()),
            low: Some("5".into()),
            high: Some("6".into()),
            element: None,
        };
        let chosen = |condition: &str, of: &str| {
            let term = terms_of_parameters(condition).remove(0);
            super::chosen(&known, &term, of).unwrap()
        };
        assert_eq!(chosen("(t.a = $1)", "text"), "'it''s'");
        assert_eq!(chosen("(t.a > $1)", "integer"), "'5'");
        assert_eq!(chosen("(t.a <= $1)", "integer"), "'6'");
        assert_eq!(chosen("(t.a ~~ $1)", "text"), "'it%'");
        assert_eq!(chosen("(t.a = ANY ($1))", "text[]"), "'{\"it''s\"}'");
    }
}
