//! Values of columns and of expressions, as the statistics in a twin know them.

use std::collections::HashMap;

use super::data::{ColumnStatistics, TwinData};
use super::files::Columns;
use crate::facts::column_values::ColumnValues;

/// What the statistics tell of columns, and of the expressions that indexes have.
pub struct TwinValues<'d> {
    columns: Columns<'d>,
    /// By schema, table and expression.
    expressions: HashMap<(&'d str, &'d str, &'d str), &'d ColumnStatistics>,
}

impl<'d> TwinValues<'d> {
    pub fn of(data: &'d TwinData) -> Self {
        let columns = Columns::of(&data.column_statistics);
        let mut expressions = HashMap::new();
        for index in &data.indexes {
            let keys = index.keys.iter();
            for (expression, key) in keys.filter_map(|key| Some((key.expression.as_ref()?, key))) {
                if let Some(row) = columns.get(&index.schema, &index.name, &key.attribute) {
                    let key = (index.schema.as_str(), index.table.as_str(), expression.as_str());
                    expressions.insert(key, row);
                }
            }
        }
        TwinValues { columns, expressions }
    }

    /// Of a column of a table.
    pub fn of_column(&self, schema: &str, table: &str, column: &str) -> Option<ColumnValues> {
        self.columns.get(schema, table, column).map(values)
    }

    /// Of an expression, as PostgreSQL prints it.
    pub fn of_expression(&self, schema: &str, table: &str, text: &str) -> Option<ColumnValues> {
        self.expressions.get(&(schema, table, text)).copied().map(values)
    }
}

fn values(row: &ColumnStatistics) -> ColumnValues {
    let list = |text: &Option<String>| text.as_deref().map(items).unwrap_or_default();
    let shares = list(&row.most_common_freqs);
    let shares = shares.iter().map(|share| share.parse().unwrap_or(0.0));
    let bounds = match &row.histogram_bounds {
        None => list(&row.range_bounds_histogram),
        bounds => list(bounds),
    };
    ColumnValues {
        common: list(&row.most_common_vals).into_iter().zip(shares).collect(),
        bounds,
        elements: list(&row.most_common_elems),
    }
}

/// The items of an array of one dimension, as PostgreSQL prints it.
pub fn items(text: &str) -> Vec<String> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let Some(inner) = inner.filter(|inner| !inner.is_empty()) else {
        return Vec::new();
    };
    let (mut items, mut item, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => item.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => items.push(std::mem::take(&mut item)),
            other => item.push(other),
        }
    }
    items.push(item);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_as_they_are_printed() {
        for (text, wanted) in [
            ("{}", &[][..]),
            ("{a,b c}", &["a", "b c"]),
            (
                r#"{"a,b","say \"no\"","back\\slash",""}"#,
                &["a,b", "say \"no\"", "back\\slash", ""],
            ),
            (r#"{"{1,2}","{3}"}"#, &["{1,2}", "{3}"]),
            ("none", &[]),
        ] {
            assert_eq!(items(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_expression_has_the_values_of_its_index() {
        let key = super::super::data::IndexKey {
            expression: Some("lower(email)".to_owned()),
            attribute: "lower".to_owned(),
            ..Default::default()
        };
        let index = super::super::data::TwinIndex {
            schema: "public".to_owned(),
            name: "by_email".to_owned(),
            table: "customers".to_owned(),
            keys: vec![key],
            ..Default::default()
        };
        let row = ColumnStatistics {
            schema: "public".to_owned(),
            relation: "by_email".to_owned(),
            column: "lower".to_owned(),
            most_common_vals: Some("{a@b.com}".to_owned()),
            most_common_freqs: Some("{0.25}".to_owned()),
            ..Default::default()
        };
        let data = TwinData {
            indexes: vec![index],
            column_statistics: vec![row],
            ..Default::default()
        };
        let values = TwinValues::of(&data);
        let known = values.of_expression("public", "customers", "lower(email)").unwrap();
        assert_eq!(known.common, [("a@b.com".to_owned(), 0.25)]);
        assert_eq!(values.of_column("public", "customers", "email"), None);
    }
}
