//! Names: hostile ones, taken ones, chosen ones, and those that mean nothing.

use crate::support::{Database, SALES};

/// Each is used for a schema, a table, a column and, with an `i` behind it, an index.
const HOSTILE: &[&str] = &[
    "We;ird",
    "a \"quoted\" name",
    " space at both ends ",
    "it's",
    "new\nline",
    "tab\there",
    "مبيعات",
    "back\\slash",
    "-- comment",
    "/* comment */",
    "$$dollar$1",
    "dotted.name",
    "select",
    "%s {} $1",
    "\u{1f980}",
    " ON USING (WITH) ",
    // With the letter behind it 63 bytes, of which the last character of this has four.
    "Sixty-two bytes, which with one letter more is all PG has \u{1f980}",
];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[tokio::test]
async fn hostile_names_are_built_found_again_and_never_misread() {
    let db = Database::new().await;
    let mut declaration = String::new();
    let mut wanted = Vec::new();
    for name in HOSTILE {
        let (name, index) = (quoted(name), quoted(&format!("{name}i")));
        db.sql(&format!(
            "CREATE SCHEMA {name}; CREATE TABLE {name}.{name} ({name} int, other int)"
        ))
        .await;
        declaration.push_str(&format!("CREATE INDEX {index} ON {name}.{name} ({name});\n"));
        wanted.push(format!("CREATE INDEX CONCURRENTLY {index} ON {name}.{name} ({name})"));
    }
    let declared = db.declare(&declaration);

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.json().steps.len(), HOSTILE.len());
    for name in HOSTILE {
        db.assert_whole(&format!("{name}i")).await;
    }
    // Which names need quotes is a matter of taste; that they have them shows in what was built.
    let without_quotes = |statements: Vec<String>| {
        let mut bare = statements.iter().map(|sql| sql.replace('"', "")).collect::<Vec<_>>();
        bare.sort();
        bare
    };
    assert_eq!(without_quotes(db.applied()), without_quotes(wanted));
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied().len(), HOSTILE.len());
}

#[tokio::test]
async fn views_comments_and_maintenance_bear_hostile_names_too() {
    let db = Database::new().await;
    let mut declaration = String::new();
    for name in HOSTILE {
        let (name, index) = (quoted(name), quoted(&format!("{name}i")));
        db.sql(&format!("CREATE SCHEMA {name}; CREATE TABLE {name}.source ({name} int)"))
            .await;
        declaration.push_str(&format!(
            "CREATE MATERIALIZED VIEW {name}.{name} AS SELECT {name} FROM {name}.source;
             CREATE UNIQUE INDEX {index} ON {name}.{name} ({name});
             COMMENT ON MATERIALIZED VIEW {name}.{name} IS '{}';
             COMMENT ON INDEX {name}.{index} IS '{}';
             ANALYZE {name}.{name};\n",
            name.replace('\'', "''"),
            index.replace('\'', "''"),
        ));
    }
    let declared = db.declare(&declaration);

    db.apply(&[&declared]).expect(0).came_to("done");
    for name in HOSTILE {
        db.assert_whole(&format!("{name}i")).await;
        let view = format!("{0}.{0}", quoted(name)).replace('\'', "''");
        let view = view.replace('\\', "\\\\");
        let comment = format!("SELECT obj_description(E'{view}'::regclass)");
        assert_eq!(db.value(&comment).await, quoted(name));
    }
    let sent = db.applied();
    assert_eq!(sent.len(), HOSTILE.len() * 5);
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn a_name_that_something_else_bears_is_never_acted_on() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE TABLE a_table ();
         CREATE VIEW a_view AS SELECT 1;
         CREATE MATERIALIZED VIEW a_matview AS SELECT 1;
         CREATE SEQUENCE a_sequence;
         CREATE TABLE other (id int);
         CREATE INDEX an_index ON other (id)",
    )
    .await;
    let cases = [
        ("a_table", "the name is taken by a table"),
        ("a_view", "the name is taken by a view"),
        ("a_matview", "the name is taken by a materialized view"),
        ("a_sequence", "the name is taken by a sequence"),
        ("an_index", "the name is taken by an index on public.other"),
    ];
    let declaration = cases.map(|(name, _)| format!("CREATE INDEX {name} ON sales (user_id);"));
    let declared = db.declare(&declaration.join("\n"));

    let output = db.apply(&["--replace", &declared]).expect(4).came_to("failed");
    for (name, reason) in cases {
        let step = output.step(&format!("public.{name}"));
        assert_eq!((step.status.as_str(), step.reason.as_str()), ("failed", reason));
    }
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    assert_eq!(db.index_names("sales").await, "sales_pkey");
    assert_eq!(db.index_names("other").await, "an_index");
}

#[tokio::test]
async fn an_unnamed_index_is_found_by_its_definition_under_any_name() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX any_name ON sales USING btree (user_id ASC, lower(status))")
        .await;
    let declared = db.declare("CREATE INDEX ON sales (user_id, (lower((status))));");

    let output = db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.step("public.any_name").verdict, "as_declared");
    assert_eq!(db.index_names("sales").await, "any_name, sales_pkey");
    assert!(db.applied().is_empty());
}

#[tokio::test]
async fn an_unnamed_index_gets_the_next_name_where_the_first_is_taken() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE TABLE sales_user_id_idx (); CREATE VIEW sales_user_id_idx1 AS SELECT 1")
        .await;
    let declared = db.declare("CREATE INDEX ON sales (user_id);");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user_id_idx2").status, "done");
    db.assert_whole("sales_user_id_idx2").await;
    let wanted = ["CREATE INDEX CONCURRENTLY sales_user_id_idx2 ON public.sales (user_id)"];
    assert_eq!(db.applied(), wanted);
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), wanted);
}

#[tokio::test]
async fn unnamed_indexes_that_would_get_the_same_name_get_different_ones() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(
        "CREATE INDEX ON sales ((amount + 1));
         CREATE INDEX ON sales (status);
         CREATE INDEX ON sales ((amount + 2));",
    );

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_expr_idx").status, "done");
    assert_eq!(output.step("public.sales_expr_idx1").status, "done");
    let names = "sales_expr_idx, sales_expr_idx1, sales_pkey, sales_status_idx";
    assert_eq!(db.index_names("sales").await, names);
    assert!(db.assert_whole("sales_expr_idx1").await.definition.contains("(amount + 2)"));
    let sent = db.applied();
    assert_eq!(sent.len(), 3, "{sent:?}");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn the_search_path_of_the_role_decides_what_an_unqualified_name_means() {
    let db = Database::new().await;
    let role = db.role("visitor").await;
    db.sql(&format!("GRANT CREATE, USAGE ON SCHEMA public TO {role}")).await;
    db.sql(&format!(
        "CREATE TABLE leads (source text);
         CREATE SCHEMA crm AUTHORIZATION {role};
         CREATE TABLE crm.leads (source text);
         ALTER TABLE crm.leads OWNER TO {role};
         ALTER ROLE {role} SET search_path = crm, public"
    ))
    .await;
    let declared = db.declare(
        "CREATE INDEX leads_source ON leads (source);
         CREATE MATERIALIZED VIEW sources AS SELECT DISTINCT source FROM leads;
         CREATE UNIQUE INDEX ON sources (source);",
    );

    let output = db.apply_as(&role, &[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("crm.leads_source").on.as_deref(), Some("crm.leads"));
    let where_made = "SELECT string_agg(oid::regclass::text, ', ' ORDER BY relname) FROM pg_class \
                      WHERE relname IN ('leads_source', 'sources', 'sources_source_idx')";
    let made = "crm.leads_source, crm.sources, crm.sources_source_idx";
    assert_eq!(db.value(where_made).await, made);
    let sent = db.applied();
    assert_eq!(sent[0], "CREATE INDEX CONCURRENTLY leads_source ON crm.leads (source)");
    assert_eq!(sent.len(), 3);
    db.apply_as(&role, &[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn the_same_name_in_two_schemas_means_two_indexes() {
    let db = Database::new().await;
    db.sql(
        "CREATE SCHEMA north; CREATE TABLE north.leads (source text);
         CREATE SCHEMA south; CREATE TABLE south.leads (source text);
         CREATE INDEX leads_source ON north.leads (source)",
    )
    .await;
    let declared = db.declare(
        "CREATE INDEX leads_source ON north.leads (source);
         CREATE INDEX leads_source ON south.leads (source);",
    );

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("north.leads_source").status, "skipped");
    assert_eq!(output.step("south.leads_source").status, "done");
    assert_eq!(db.applied(), ["CREATE INDEX CONCURRENTLY leads_source ON south.leads (source)"]);
    assert_eq!(db.index_names("south.leads").await, "leads_source");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn a_table_or_column_that_does_not_exist_is_said_and_nothing_is_sent() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(
        "CREATE INDEX on_missing ON no_such_table (id);
         CREATE INDEX in_missing ON no_such_schema.sales (id);
         CREATE INDEX of_missing ON sales (no_such_column);
         CREATE INDEX by_missing ON sales USING no_such_method (id);
         ANALYZE no_such_table;
         COMMENT ON INDEX no_such_index IS 'x';",
    );
    let cases = [
        ("public.on_missing", "the table public.no_such_table does not exist"),
        ("no_such_schema.in_missing", "the table no_such_schema.sales does not exist"),
        ("public.of_missing", "column \"no_such_column\" does not exist"),
        ("public.by_missing", "access method \"no_such_method\" does not exist"),
        ("public.no_such_table", "the table public.no_such_table does not exist"),
        ("no_such_index", "there is no index of that name"),
    ];

    let planned = db.plan(&["--check", &declared]).expect(1).came_to("findings");
    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    for (object, reason) in cases {
        assert_eq!(planned.step(object).verdict, "refused");
        let step = output.step(object);
        assert_eq!(step.status, "failed", "{object}");
        assert!(step.reason.contains(reason), "{object}: {}", step.reason);
    }
    assert!(db.applied().is_empty(), "{:?}", db.applied());
}
