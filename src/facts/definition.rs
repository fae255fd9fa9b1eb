//! Taking apart what `pg_get_indexdef` prints. The server writes it, so the form is known: only
//! identifiers can hold anything, and they are skipped as the server quotes them.

/// What follows the table's name in `CREATE [UNIQUE] INDEX name ON [ONLY] schema.table USING …`.
pub fn after_table(statement: &str) -> Option<&str> {
    let created = statement.strip_prefix("CREATE ")?;
    let index = created.strip_prefix("UNIQUE ").unwrap_or(created).strip_prefix("INDEX ")?;
    let rest = after_identifier(index)?.strip_prefix(" ON ")?;
    let mut rest = after_identifier(rest.strip_prefix("ONLY ").unwrap_or(rest))?;
    while let Some(qualified) = rest.strip_prefix('.') {
        rest = after_identifier(qualified)?;
    }
    rest.strip_prefix(' ')
}

/// The definition without the storage parameters' clause.
pub fn without_options(definition: &str, options: Option<&str>) -> String {
    match options {
        Some(options) => definition.replacen(options, "", 1),
        None => definition.to_owned(),
    }
}

fn after_identifier(text: &str) -> Option<&str> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([' ', '.'])?;
        return Some(&text[end..]);
    };
    loop {
        let end = rest.find('"')?;
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(escaped) => rest = escaped,
            None => return Some(rest),
        }
    }
}

/// The parts of a definition as `pg_get_indexdef` prints it, from USING on.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'d> {
    pub method: &'d str,
    pub keys: Vec<&'d str>,
    /// All before the predicate.
    pub head: &'d str,
    /// ` WHERE …`, or empty.
    pub predicate: &'d str,
}

impl<'d> Parts<'d> {
    pub fn of(definition: &'d str) -> Option<Parts<'d>> {
        let opens = definition.find('(')?;
        let method = definition[..opens].strip_prefix("USING ")?.trim_end();
        let mut outside = Outside::default();
        let mut closes = None;
        let mut predicate = definition.len();
        for (at, character) in definition.char_indices() {
            let is_outside = outside.is_outside();
            outside.see(character);
            if at > opens && closes.is_none() && character == ')' && outside.is_outside() {
                closes = Some(at);
            }
            if is_outside && closes.is_some() && definition[at..].starts_with(" WHERE ") {
                predicate = at;
                break;
            }
        }
        Some(Parts {
            method,
            keys: split(&definition[opens + 1..closes?]),
            head: &definition[..predicate],
            predicate: &definition[predicate..],
        })
    }
}

/// Whether a place is outside of quotes and parentheses.
#[derive(Debug, Default)]
struct Outside {
    quote: Option<char>,
    depth: usize,
}

impl Outside {
    fn is_outside(&self) -> bool {
        self.quote.is_none() && self.depth == 0
    }

    /// Goes past a character. A doubled quote closes and opens again, which comes to the same.
    fn see(&mut self, character: char) {
        match (self.quote, character) {
            (Some(open), found) if open == found => self.quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => self.quote = Some(character),
            (None, '(') => self.depth += 1,
            (None, ')') => self.depth = self.depth.saturating_sub(1),
            (None, _) => {}
        }
    }
}

/// What stands between the commas that are outside of quotes and parentheses.
pub fn split(list: &str) -> Vec<&str> {
    let mut outside = Outside::default();
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, character) in list.char_indices() {
        if character == ',' && outside.is_outside() {
            parts.push(list[start..at].trim());
            start = at + 1;
        }
        outside.see(character);
    }
    parts.push(list[start..].trim());
    parts
}

/// What stands in the parentheses that the text begins and ends with, where they belong together.
pub fn enclosed(text: &str) -> Option<&str> {
    let mut outside = Outside::default();
    let closes = text.char_indices().find_map(|(at, character)| {
        outside.see(character);
        outside.is_outside().then_some(at)
    });
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    (closes == Some(text.len() - 1)).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_begins_after_the_table() {
        let plain = "CREATE INDEX i ON public.t USING btree (a)";
        assert_eq!(after_table(plain), Some("USING btree (a)"));
        let parent = "CREATE UNIQUE INDEX i ON ONLY public.t USING btree (a)";
        assert_eq!(after_table(parent), Some("USING btree (a)"));
    }

    #[test]
    fn names_may_hold_anything() {
        let hostile = "CREATE INDEX \"a \"\" ON USING\" ON \"My.Schema\".\"We;ird\" USING gin (b)";
        assert_eq!(after_table(hostile), Some("USING gin (b)"));
        assert_eq!(after_table("something else"), None);
    }

    #[test]
    fn options_are_taken_out_where_the_server_put_them() {
        let definition = "USING btree (a) WITH (fillfactor='70') WHERE (b > 0)";
        assert_eq!(
            without_options(definition, Some(" WITH (fillfactor='70')")),
            "USING btree (a) WHERE (b > 0)"
        );
        assert_eq!(without_options(definition, None), definition);
    }

    #[test]
    fn a_definition_is_taken_apart_where_the_server_put_it_together() {
        let definition = "USING btree (a, ((b || ', ) WHERE '::text)) DESC, lower(\"c,(\")) INCLUDE (d) \
                          WHERE (e = ' WHERE '::text)";
        let parts = Parts::of(definition).unwrap();
        assert_eq!(parts.method, "btree");
        assert_eq!(parts.keys, ["a", "((b || ', ) WHERE '::text)) DESC", "lower(\"c,(\")"]);
        assert_eq!(parts.predicate, " WHERE (e = ' WHERE '::text)");
        assert!(parts.head.ends_with("INCLUDE (d)"));
        assert_eq!(Parts::of("USING hash (a)").unwrap().predicate, "");
    }

    #[test]
    fn parentheses_enclose_where_they_belong_together() {
        assert_eq!(enclosed("(a > 0)"), Some("a > 0"));
        assert_eq!(enclosed("((a) AND (b = ')'::text))"), Some("(a) AND (b = ')'::text)"));
        assert_eq!(enclosed("(a) OR (b)"), None);
        assert_eq!(enclosed("a"), None);
    }
}
