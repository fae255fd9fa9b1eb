//! Taking apart what `pg_get_indexdef` prints. The server writes it, so the form is known: only
//! identifiers can hold anything, and they are skipped as the server quotes them.

/// What follows the table's name in `CREATE [UNIQUE] INDEX name ON [ONLY] schema.table USING …`.
pub fn after_table(statement: &str) -> Option<&str> {
    let rest = statement.strip_prefix("CREATE ")?;
    let rest = rest.strip_prefix("UNIQUE ").unwrap_or(rest);
    let rest = after_identifier(rest.strip_prefix("INDEX ")?)?.strip_prefix(" ON ")?;
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
}
