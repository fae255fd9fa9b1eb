//! Lists of a target: the same rows as JSON and as a table, sorted and cut in one place.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::query::{Order, Query};

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    Text,
    /// A whole number that names something.
    Id,
    /// In the letters of code.
    Code,
    /// By its class, too: a severity, an outcome.
    Word,
    Whole,
    Bytes,
    Millis,
    Seconds,
    /// A part of one.
    Share,
    /// A fraction such as a factor.
    Number,
    YesNo,
}

/// A figure of the rows of a list: its key in JSON, by which they can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub key: &'static str,
    pub title: &'static str,
    pub show: Show,
}

pub const fn field(key: &'static str, title: &'static str, show: Show) -> Field {
    Field { key, title, show }
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What tells it from the others; it decides between rows that are alike.
    pub id: String,
    pub values: Members,
}

/// The members of a row that are known, in their order. A map of serde_json takes two and a half times the
/// memory, and a database has tens of thousands of relations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members(Box<[(Cow<'static, str>, Value)]>);

impl Members {
    /// Those of them that are not null.
    pub fn of<const N: usize>(members: [(&'static str, Value); N]) -> Self {
        let known = members.into_iter().filter(|(_, value)| !value.is_null());
        Members(known.map(|(key, value)| (Cow::Borrowed(key), value)).collect())
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub fn to_map(&self) -> Map<String, Value> {
        self.0.iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
    }
}

impl From<Map<String, Value>> for Members {
    fn from(members: Map<String, Value>) -> Self {
        Members(members.into_iter().map(|(key, value)| (Cow::Owned(key), value)).collect())
    }
}

/// What kind of rows, and what they come by first.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    pub name: &'static str,
    pub title: &'static str,
    /// Of which the tables show those with a title.
    pub fields: &'static [Field],
    pub sort_by: &'static str,
    pub order: Order,
}

/// All rows of a list.
pub type Rows = Arc<Vec<Row>>;

/// The rows that were asked for.
#[derive(Debug)]
pub struct Part<'r> {
    pub shape: &'static Shape,
    pub rows: Vec<&'r Row>,
    pub total: usize,
    pub page: usize,
    pub limit: usize,
    pub sort_by: &'static str,
    pub order: Order,
}

impl Shape {
    /// What was asked for, of all rows.
    ///
    /// # Errors
    /// The keys that they can be sorted by, where another was named.
    pub fn part<'r>(
        &'static self,
        rows: &'r [Row],
        query: &Query,
    ) -> Result<Part<'r>, Vec<&'static str>> {
        let sort_by = match &query.sort_by {
            None => self.sort_by,
            Some(asked) => {
                let known = self.fields.iter().find(|field| field.key == asked);
                known.ok_or_else(|| self.keys())?.key
            }
        };
        let order = query.order.unwrap_or(match query.sort_by {
            None => self.order,
            Some(_) => Order::Rising,
        });
        let mut rows = rows.iter().filter(|row| is_asked(row, query)).collect::<Vec<_>>();
        rows.sort_by(|one, other| {
            let by_value = compare(one.values.get(sort_by), other.values.get(sort_by), order);
            by_value.then_with(|| one.id.cmp(&other.id))
        });
        let total = rows.len();
        let from = (query.page - 1).saturating_mul(query.limit).min(total);
        let rows = rows[from..total.min(from.saturating_add(query.limit))].to_vec();
        Ok(Part {
            shape: self,
            rows,
            total,
            page: query.page,
            limit: query.limit,
            sort_by,
            order,
        })
    }

    pub fn keys(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.key).collect()
    }
}

/// Whether the row is of the schema, and has the text in what names it.
fn is_asked(row: &Row, query: &Query) -> bool {
    let text = |key: &str| row.values.get(key).and_then(Value::as_str);
    let is_of_schema = |schema: &String| text("schema") == Some(schema);
    let keys = [
        "object",
        "name",
        "table",
        "on",
        "query",
        "rule",
        "command",
        "user",
        "application",
    ];
    let names = keys.into_iter().filter_map(text);
    query.schema.as_ref().is_none_or(is_of_schema) && query.names(names)
}

/// What is not known comes last, however it is sorted.
fn compare(one: Option<&Value>, other: Option<&Value>, order: Order) -> Ordering {
    let known = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    let natural = match (known(one), known(other)) {
        (false, false) => return Ordering::Equal,
        (false, true) => return Ordering::Greater,
        (true, false) => return Ordering::Less,
        (true, true) => by_value(one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null)),
    };
    match order {
        Order::Rising => natural,
        Order::Falling => natural.reverse(),
    }
}

fn by_value(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => one.as_f64().unwrap_or_default().total_cmp(&other.as_f64().unwrap_or_default()),
        },
        (Value::String(one), Value::String(other)) => severity(one, other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

/// Severities by how bad they are, all else by its letters.
fn severity(one: &str, other: &str) -> Ordering {
    let rank =
        |word: &str| ["info", "warning", "error", "critical"].iter().position(|it| *it == word);
    match (rank(one), rank(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.cmp(other),
    }
}

impl Part<'_> {
    pub fn pages(&self) -> usize {
        self.total.div_ceil(self.limit)
    }

    pub fn next(&self) -> Option<usize> {
        (self.page < self.pages()).then(|| self.page + 1)
    }

    /// The page before, and of one beyond the end the last that there is.
    pub fn previous(&self) -> Option<usize> {
        (self.page > 1).then(|| (self.page - 1).min(self.pages().max(1)))
    }

    pub fn data(&self) -> Value {
        self.rows.iter().map(|row| Value::Object(row.values.to_map())).collect()
    }

    pub fn pagination(&self) -> Value {
        json!({
            "page": self.page,
            "limit": self.limit,
            "total": self.total,
            "pages": self.pages(),
            "hasNext": self.next().is_some(),
            "hasPrev": self.page > 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SHAPE: Shape = Shape {
        name: "things",
        title: "Things",
        fields: &[field("name", "name", Show::Text), field("size", "size", Show::Bytes)],
        sort_by: "size",
        order: Order::Falling,
    };

    fn rows(values: &[(&str, Option<i64>)]) -> Vec<Row> {
        let row = |(name, size): &(&str, Option<i64>)| {
            let values = Members::of([
                ("name", (*name).into()),
                ("size", (*size).into()),
                ("schema", "s".into()),
            ]);
            Row { id: (*name).to_owned(), values }
        };
        values.iter().map(row).collect()
    }

    fn names(rows: &[Row], query: &str) -> Vec<String> {
        let part = SHAPE.part(rows, &Query::parse(query)).unwrap();
        part.rows.iter().map(|row| row.id.clone()).collect()
    }

    #[test]
    fn rows_are_sorted_by_a_key_that_is_known() {
        let rows = rows(&[("b", Some(9)), ("a", Some(9)), ("c", None), ("d", Some(10))]);
        assert_eq!(names(&rows, ""), ["d", "a", "b", "c"]);
        assert_eq!(names(&rows, "sortBy=size"), ["a", "b", "d", "c"]);
        assert_eq!(names(&rows, "sortBy=name&sortOrder=desc"), ["d", "c", "b", "a"]);
        assert_eq!(names(&rows, "name=B"), ["b"]);
        assert_eq!(names(&rows, "schema=other"), [""; 0]);
        let refused = SHAPE.part(&rows, &Query::parse("sortBy=evil")).unwrap_err();
        assert_eq!(refused, ["name", "size"]);
    }

    #[test]
    fn a_part_says_what_is_before_and_behind_it() {
        let rows = rows(&[("a", None), ("b", None), ("c", None)]);
        let told = |query: &str| {
            let part = SHAPE.part(&rows, &Query::parse(query)).unwrap();
            (part.rows.len(), part.next(), part.previous(), part.pages())
        };
        assert_eq!(told("limit=2"), (2, Some(2), None, 2));
        assert_eq!(told("limit=2&page=2"), (1, None, Some(1), 2));
        assert_eq!(told("limit=2&page=9"), (0, None, Some(2), 2));
        let part = SHAPE.part(&[], &Query::parse("")).unwrap();
        assert_eq!((part.pages(), part.next(), part.previous()), (0, None, None));
    }
}
