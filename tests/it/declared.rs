//! Files as psql reads them: settings, later statements, psql's own commands, and what is no file.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Database, Output};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn plan(db: &Database, paths: &[PathBuf]) -> Output {
    let paths = paths.iter().map(|path| path.to_str().unwrap());
    let arguments = ["plan", "--check", "--ignore-other", "--format", "json"];
    db.pgtend(&arguments.into_iter().chain(paths).collect::<Vec<_>>())
}

/// The statements of the plan.
fn planned(output: &Output) -> Vec<String> {
    output
        .json()
        .steps
        .into_iter()
        .filter(|step| step.status == "planned")
        .flat_map(|step| step.sql)
        .collect()
}

#[tokio::test]
async fn commands_of_psql_and_rows_are_passed_over() {
    let db = Database::new().await;
    db.sql("CREATE TABLE t (id int, b text)").await;
    let files = folder(&[
        (
            "copy.sql",
            "COPY public.t (id, b) FROM stdin;\n1\tit's; CREATE INDEX no ON t (b);\n\\.\n\
             CREATE INDEX t_id ON public.t USING btree (id);\n",
        ),
        (
            "restrict.sql",
            "\\restrict aBcDeF0123456789\n\nSET statement_timeout = 0;\n\
             SELECT pg_catalog.set_config('search_path', '', false);\n\
             CREATE INDEX t_id ON public.t USING btree (id);\n\n\\unrestrict aBcDeF0123456789\n",
        ),
        ("include.sql", "\\set ON_ERROR_STOP on\n\\ir sub/index.sql\n\\q\n"),
        ("sub/index.sql", "CREATE INDEX t_id ON t (id);\n"),
        (
            "refused.sql",
            "\\if :{?x}\nCREATE INDEX t_id ON t (id);\n\\endif\nCREATE INDEX t_b ON :tab (b);\n",
        ),
    ]);
    for name in ["copy.sql", "restrict.sql", "include.sql"] {
        let output = plan(&db, &[files.path().join(name)]).expect(1).came_to("findings");
        let sql = planned(&output);
        assert_eq!(sql.len(), 1, "{output}");
        assert!(sql[0].starts_with("CREATE INDEX CONCURRENTLY t_id ON public.t "), "{output}");
    }
    let refused = plan(&db, &[files.path().join("refused.sql")]).expect(2);
    for told in ["refused.sql:1: `\\if", "refused.sql:3: `\\endif", "refused.sql:4: `:tab`"] {
        assert!(
            refused.stderr.contains(told) || refused.stdout.contains(told),
            "{told}: {refused}"
        );
    }
}

#[tokio::test]
async fn what_later_files_take_back_is_not_planned() {
    let db = Database::new().await;
    let one = "CREATE INDEX orders_status_old ON orders (status);
               CREATE INDEX orders_id ON orders (id);
               CREATE UNIQUE INDEX orders_code_idx ON orders (code);";
    let two = "DROP INDEX orders_status_old;
               ALTER INDEX orders_id RENAME TO orders_id_new;
               ALTER TABLE orders ADD CONSTRAINT orders_code_key UNIQUE USING INDEX orders_code_idx;";
    let three = "CREATE INDEX orders_both ON orders (id, status);
                 DROP INDEX orders_both;
                 CREATE INDEX orders_both ON orders (status, id);";
    db.sql("CREATE TABLE orders (id int, status text, code text)").await;
    let files = folder(&[("1.sql", one), ("2.sql", two), ("3.sql", three)]);
    for text in [one, two] {
        db.sql(text).await;
    }
    let both = ["1.sql", "2.sql"].map(|name| files.path().join(name));
    plan(&db, &both).expect(0).came_to("nothing_to_do");
    db.sql(three).await;
    let output = plan(&db, &[files.path().to_owned()]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.warned("taken_back").len(), 3, "{output}");
}

#[tokio::test]
async fn settings_in_the_file_hold_for_what_follows() {
    let db = Database::new().await;
    let tables = "CREATE SCHEMA app; CREATE TABLE public.orders (id int, status text);
                  CREATE TABLE app.orders (id int, status text)";
    db.sql(tables).await;
    let files = folder(&[
        (
            "set.sql",
            "SET search_path = app;\nCREATE INDEX orders_status ON orders (status);\n",
        ),
        (
            "tablespace.sql",
            "SET default_tablespace = pg_default;\nCREATE INDEX orders_ts ON public.orders (status);\n",
        ),
    ]);
    let sql = planned(&plan(&db, &[files.path().join("set.sql")]).expect(1));
    assert_eq!(sql, ["CREATE INDEX CONCURRENTLY orders_status ON app.orders (status)"]);
    let sql = planned(&plan(&db, &[files.path().join("tablespace.sql")]).expect(1));
    let wanted =
        "CREATE INDEX CONCURRENTLY orders_ts ON public.orders (status) TABLESPACE pg_default";
    assert_eq!(sql, [wanted]);
}

#[tokio::test]
async fn a_search_path_in_the_file_decides_what_all_names_mean() {
    let db = Database::new().await;
    let objects = "CREATE SCHEMA app; CREATE TABLE public.orders (id int, status text);
                   CREATE TABLE app.orders (id int, status text);
                   CREATE TABLE public.customers (id int);
                   CREATE FUNCTION app.short(text) RETURNS text IMMUTABLE LANGUAGE sql
                     RETURN pg_catalog.left($1, 2);
                   CREATE FUNCTION public.short(text) RETURNS text IMMUTABLE LANGUAGE sql
                     RETURN $1";
    db.sql(objects).await;
    let text = "SET search_path = nowhere, app, public;
                CREATE INDEX orders_short ON orders (short(status));
                CREATE INDEX customers_id ON customers (id);
                CREATE MATERIALIZED VIEW per_status AS
                  SELECT short(status) AS status, (SELECT count(*) FROM customers) AS n FROM orders;
                COMMENT ON INDEX orders_short IS 'of app';
                ANALYZE orders;";
    let files = folder(&[("set.sql", text)]);
    let path = files.path().join("set.sql");
    let planned = planned(&plan(&db, std::slice::from_ref(&path)).expect(1));
    assert!(planned[1].contains(" ON app.orders (short(status))"), "{planned:?}");
    assert!(planned[2].contains(" ON public.customers "), "{planned:?}");
    db.pgtend(&["apply", "--ignore-other", path.to_str().unwrap()]).expect(0);
    let definitions = "SELECT pg_catalog.string_agg(d, E'\\n' ORDER BY d) FROM (
        SELECT pg_catalog.pg_get_indexdef(indexrelid) FROM pg_catalog.pg_index AS i
          JOIN pg_catalog.pg_class AS c ON c.oid = indexrelid
          WHERE c.relname IN ('orders_short', 'customers_id')
        UNION ALL SELECT pg_catalog.pg_get_viewdef('app.per_status'::pg_catalog.regclass)) AS _ (d)";
    let session = db.session().await;
    session.batch_execute("SET search_path = ''").await.unwrap();
    let row = session.query_one(definitions, &[]).await.unwrap();
    let made: String = row.get(0);
    for wanted in [
        "INDEX customers_id ON public.customers USING btree (id)",
        "INDEX orders_short ON app.orders USING btree (app.short(status))",
        "SELECT app.short(",
        "FROM public.customers) AS n",
        "FROM app.orders;",
    ] {
        assert!(made.contains(wanted), "{wanted}: {made}");
    }
    plan(&db, &[path]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn a_pipe_is_an_error_and_no_wait() {
    let db = Database::new().await;
    let files = folder(&[("a.sql", "\\ir pipe.sql\n"), ("folder/b.sql", "")]);
    for name in ["pipe.sql", "folder/pipe.sql"] {
        let pipe = files.path().join(name);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    }
    for name in ["pipe.sql", "a.sql", "folder"] {
        let output = plan(&db, &[files.path().join(name)]).expect(2);
        assert!(output.stdout.contains("no regular file"), "{output}");
    }
}
