//! One declaration for each of several schemas: what is declared without a schema is meant in each of them.

use std::collections::HashMap;

use super::check::{self, Problem};
use super::{Declaration, Source};
use crate::failure::Result;
use crate::pg::name::RelationName;

impl Declaration {
    /// The declaration of what this schema is to have. A name without a schema means what the schema itself
    /// holds, and nothing of the same name that the search path would find elsewhere.
    ///
    /// # Errors
    /// `Declaration`, naming file and line of each statement that is about another schema or the whole
    /// database, and of a search path that the files set.
    pub fn in_schema(mut self, schema: &str) -> Result<Declaration> {
        let mut problems = Vec::new();
        if let Some(path) = self.search_path.take() {
            let message = "search_path is set here; with --for-schema each schema has its own";
            problems.push(Problem::new(&path.source, message).hint("leave the SET out"));
        }
        let mut place = |name: &mut RelationName, source: &Source| match &name.schema {
            None => name.schema = Some(schema.to_owned()),
            Some(_) => problems.push(outside(source, &format!("{name} names its schema"))),
        };
        for index in &mut self.indexes {
            place(&mut index.table, &index.source);
        }
        for view in &mut self.views {
            place(&mut view.name, &view.source);
        }
        for comment in &mut self.comments {
            place(&mut comment.name, &comment.source);
        }
        for maintenance in &mut self.maintenance {
            if let Some(table) = &mut maintenance.table {
                place(table, &maintenance.source);
            }
        }
        let of_all = self.maintenance.iter().filter(|it| it.table.is_none());
        problems.extend(of_all.map(|it| {
            let keyword = it.kind.keyword();
            outside(&it.source, &format!("{keyword} without a table is about the whole database"))
        }));
        check::report(problems, &HashMap::new())?;
        Ok(self)
    }
}

fn outside(source: &Source, what: &str) -> Problem {
    let message = format!("{what}; --for-schema applies what is declared without a schema");
    Problem::new(source, message).hint(
        "leave the schema out, or keep what is there once in files of its own, and apply them without \
         --for-schema",
    )
}

#[cfg(test)]
mod tests {
    use crate::declared::{Others, SqlFile, understand};

    fn in_schema(sql: &str, schema: &str) -> Result<String, String> {
        let file = SqlFile { name: "a.sql".into(), text: sql.to_owned() };
        let declaration = understand(&[file], Others::Ignore).unwrap();
        let placed = declaration.in_schema(schema).map_err(|failure| failure.to_string())?;
        let indexes = placed.indexes.iter().map(|it| it.table.to_string());
        let views = placed.views.iter().map(|it| it.name.to_string());
        let comments = placed.comments.iter().map(|it| it.name.to_string());
        let maintenance = placed.maintenance.iter().flat_map(|it| &it.table);
        let all = indexes.chain(views).chain(comments);
        Ok(all.chain(maintenance.map(ToString::to_string)).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_is_declared_without_a_schema_is_meant_in_this_one() {
        let sql = "CREATE INDEX i ON t (a);
            CREATE MATERIALIZED VIEW v AS SELECT 1;
            COMMENT ON INDEX i IS 'x';
            ANALYZE t;";
        let placed = in_schema(sql, "We;ird");
        assert_eq!(placed.unwrap(), r#""We;ird".t "We;ird".v "We;ird".i "We;ird".t"#);
    }

    #[test]
    fn what_is_about_another_schema_is_refused_with_its_place() {
        let sql = "CREATE INDEX i ON t (a);\nCREATE INDEX j ON app.t (a);\nANALYZE;";
        let refused = in_schema(sql, "a").unwrap_err();
        let lines = refused.lines().collect::<Vec<_>>();
        assert!(
            lines[0].starts_with("a.sql:2: app.t names its schema; --for-schema"),
            "{refused}"
        );
        assert!(lines[1].starts_with("a.sql:3: ANALYZE without a table is about"), "{refused}");
        assert_eq!(lines.len(), 2, "{refused}");
        let set = "SET search_path = app, public;\nCREATE INDEX i ON t (a);";
        let refused = in_schema(set, "a").unwrap_err();
        assert!(refused.starts_with("a.sql:1: search_path is set here"), "{refused}");
    }
}
