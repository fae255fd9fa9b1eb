//! What a request asks of a list: which part, in which order, of which schema and name.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// So many rows at once, unless others are asked for.
pub const LIMIT: usize = 20;
const MOST: usize = 100;

/// What stands behind the `?`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// From 1.
    pub page: usize,
    pub limit: usize,
    /// The key to sort by, as it was asked for.
    pub sort_by: Option<String>,
    pub order: Option<Order>,
    /// Part of a name.
    pub name: Option<String>,
    pub schema: Option<String>,
    /// The secret, where somebody begins with it.
    pub token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Rising,
    Falling,
}

impl Order {
    pub fn name(self) -> &'static str {
        match self {
            Order::Rising => "asc",
            Order::Falling => "desc",
        }
    }
}

impl Query {
    /// What is no number takes the default; what is too large or too small, the nearest that is allowed. Of
    /// what stands there twice, the first counts.
    pub fn parse(text: &str) -> Self {
        let pairs = text
            .split('&')
            .filter_map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decoded(name)?, decoded(value)?))
            })
            .collect::<Vec<_>>();
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        let number = |name: &str, default| {
            get(name)
                .and_then(|it| it.parse::<i64>().ok())
                .map_or(default, |number| usize::try_from(number.max(1)).unwrap_or(usize::MAX))
        };
        Query {
            page: number("page", 1),
            limit: number("limit", LIMIT).min(MOST),
            sort_by: get("sortBy"),
            order: match get("sortOrder").as_deref() {
                Some("asc") => Some(Order::Rising),
                Some("desc") => Some(Order::Falling),
                _ => None,
            },
            name: get("name"),
            schema: get("schema"),
            token: get("token"),
        }
    }

    /// The same as text, without what is the default anyway.
    pub fn written(&self) -> String {
        let number = |number: usize, default| (number != default).then(|| number.to_string());
        let all = [
            ("page", number(self.page, 1)),
            ("limit", number(self.limit, LIMIT)),
            ("sortBy", self.sort_by.clone()),
            ("sortOrder", self.order.map(|order| order.name().to_owned())),
            ("schema", self.schema.clone()),
            ("name", self.name.clone()),
        ];
        let pairs = all
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))));
        match pairs.collect::<Vec<_>>().join("&") {
            none if none.is_empty() => none,
            some => format!("?{some}"),
        }
    }

    /// Whether what has these names is asked for.
    pub fn names<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        self.name.as_ref().is_none_or(|part| {
            let part = part.to_lowercase();
            names.into_iter().any(|name| name.to_lowercase().contains(&part))
        })
    }

    /// Only what has this in its name.
    pub fn of_name(name: &str) -> Self {
        Query { name: Some(name.to_owned()), ..Query::parse("") }
    }

    #[must_use]
    pub fn at(&self, page: usize) -> Self {
        Query { page, ..self.clone() }
    }
}

/// All but what no part of an address has to escape.
const SAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// As it stands in an address.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SAFE).to_string()
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_takes_the_default() {
        for (text, page, limit) in [
            ("", 1, 20),
            ("page=3&limit=50", 3, 50),
            ("page=0&limit=0", 1, 1),
            ("page=-1&limit=1000", 1, 100),
            ("page=abc&limit=1e3", 1, 20),
            ("page=&limit=%31%30", 1, 10),
            ("page=2&page=3", 2, 20),
            ("page=99999999999999999999", 1, 20),
        ] {
            let query = Query::parse(text);
            assert_eq!((query.page, query.limit), (page, limit), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let query = Query::parse("page=2&sortBy=size_bytes&sortOrder=asc&name=a%26b+c&x=y");
        assert_eq!(query.written(), "?page=2&sortBy=size_bytes&sortOrder=asc&name=a%26b%20c");
        assert_eq!(Query::parse(query.written().trim_start_matches('?')), query);
        assert_eq!(Query::parse("sortOrder=up").written(), "");
    }
}
