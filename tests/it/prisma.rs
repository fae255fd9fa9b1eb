//! A Prisma schema as a declaration, alone and beside SQL files.

use crate::support::Database;

const SCHEMA: &str = include_str!("../../sql/nova-crm/schema.sql");
const SEED: &str = include_str!("../fixtures/seed/schema-optimized.prisma");
const MIGRATION: &str = include_str!("../fixtures/seed/add_performance_indexes.sql");

/// Indexes of the schema `public` that have the same entries twice.
const TWICE: &str = "SELECT count(*) FROM (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace
    GROUP BY i.indrelid, i.indkey, i.indisunique, i.indclass, i.indoption, i.indexprs::text, i.indpred::text
    HAVING count(*) > 1) AS twice";

async fn built(db: &Database) -> String {
    db.value(
        "SELECT coalesce(string_agg(c.relname, ' ' ORDER BY c.relname COLLATE \"C\"), '')
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE c.relnamespace <> 'pg_catalog'::regnamespace AND c.relnamespace <> 'pg_toast'::regnamespace
             AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)",
    )
    .await
}

#[tokio::test]
async fn the_schema_of_the_seed_beside_its_migration_declares_no_index_twice() {
    let db = Database::new().await;
    db.sql(SCHEMA).await;
    db.declare_as("db/indexes.sql", MIGRATION);
    let schema = db.declare_as("db/prisma/schema.prisma", SEED);
    let folder = db.path("db").display().to_string();

    let output = db.apply(&[&folder]).expect(0).came_to("done");
    assert_eq!(db.value(TWICE).await, "0");
    let mut wanted = MIGRATION
        .lines()
        .filter_map(|line| {
            line.split_once("INDEX CONCURRENTLY IF NOT EXISTS ")?.1.split(' ').next()
        })
        // It is the unique constraint that `@@unique` of the schema names.
        .filter(|name| *name != "idx_analytics_user_date")
        .collect::<Vec<_>>();
    wanted.extend([
        "analytics_snapshots_user_id_snapshot_date_idx",
        "mv_daily_sales_summary_user_id_sale_date_idx",
    ]);
    wanted.sort_unstable();
    assert_eq!(built(&db).await, wanted.join(" "));
    let step = output.step("public.idx_analytics_user_date");
    assert_eq!(step.reason_code, "as-declared");
    let step = output.step("public.users_role_status_idx");
    assert_eq!(step.reason_code, "declared-in-sql");
    let places = output.warned("not_on_postgresql");
    assert_eq!(places, [format!("{schema}:76")]);
    assert!(SEED.lines().nth(75).unwrap().contains("@@fulltext"));

    db.apply(&[&folder]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn alone_it_builds_what_prisma_would_under_its_names() {
    let db = Database::new().await;
    db.sql(
        "CREATE SCHEMA crm;
         CREATE TABLE crm.\"Post\" (id int PRIMARY KEY, \"authorId\" int, title text, meta jsonb);
         CREATE TABLE crm.\"_PostToTag\" (\"A\" int, \"B\" int, PRIMARY KEY (\"A\", \"B\"));
         CREATE TABLE tags (id int PRIMARY KEY, \"name\" text UNIQUE, gone timestamp);",
    )
    .await;
    db.declare_as(
        "schema/post.prisma",
        "model Post {\n  id Int @id\n  authorId Int\n  title String\n  meta Json\n  tags Tag[]\n  \
         @@index([authorId, title(sort: Desc)])\n  @@index([meta(ops: JsonbPathOps)], type: Gin)\n  \
         @@schema(\"crm\")\n}\n",
    );
    db.declare_as(
        "schema/tag.prisma",
        "model Tag {\n  id Int @id\n  name String @unique\n  gone DateTime?\n  posts Post[]\n  \
         @@index([name], where: { gone: null }, map: \"living tags\")\n  @@map(\"tags\")\n  \
         @@schema(\"public\")\n}\n",
    );
    let folder = db.path("schema").display().to_string();
    db.apply(&[&folder]).expect(0).came_to("done");
    assert_eq!(
        built(&db).await,
        "Post_authorId_title_idx Post_meta_idx _PostToTag_B_index living tags"
    );
    assert_eq!(
        db.value("SELECT pg_get_indexdef('crm.\"Post_authorId_title_idx\"'::regclass)")
            .await,
        "CREATE INDEX \"Post_authorId_title_idx\" ON crm.\"Post\" USING btree (\"authorId\", title DESC)"
    );
    db.plan(&["--check", &folder]).expect(0);
    // Whatever an equal index is called, it is the one.
    db.sql("ALTER INDEX \"living tags\" RENAME TO of_living_tags; ALTER INDEX crm.\"Post_meta_idx\" RENAME TO m")
        .await;
    let output = db.plan(&["--check", &folder]).expect(0);
    let step = output.step("crm.\"Post_meta_idx\"");
    assert_eq!(step.reason, "already as declared, under the name m");
}

#[tokio::test]
async fn one_name_for_two_definitions_is_an_error_with_both_places() {
    let db = Database::new().await;
    db.sql("CREATE TABLE t (a int, b int)").await;
    let sql = db.declare_as("t.sql", "CREATE INDEX t_a_idx ON t USING btree (a ASC);");
    let same = db.declare_as("same.prisma", "model t {\n  a Int\n  b Int\n  @@index([a])\n}\n");
    let output = db.plan(&[&sql, &same]).expect(0);
    assert_eq!(output.step("public.t_a_idx").status, "planned");

    let text = "model t {\n  a Int\n  b Int\n  @@index([b], map: \"t_a_idx\")\n}\n";
    let other = db.declare_as("other.prisma", text);
    let output = db.plan(&[&sql, &other]).expect(2);
    let told = format!("{other}:4: the Prisma schema declares another index t_a_idx than {sql}:1");
    assert!(output.stderr.contains(&told), "{}", output.stderr);
}

#[tokio::test]
async fn what_is_wrong_with_it_is_said_before_the_server_is_asked() {
    let db = Database::new().await;
    let file = db.declare_as("a.prisma", "model t {\n  a\n}\n");
    let output = db.plan(&[&file]).expect(2);
    let told = format!("{file}:2: expected the type of the field a, but the line ends");
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    assert_eq!(db.logged("pgtend/plan"), Vec::<String>::new());
}
