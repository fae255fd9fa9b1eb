//! `verify` sends what the tool would send.

use crate::support::command::Pgtend;
use crate::support::folder::{Folder, errors, reason, rules};

/// Whether a run with these files passes, as the layout that they look like.
fn passes(files: &[(&str, &str)], more: &[&str]) {
    let output = Folder::new(files).verify_as(more).expect(0);
    assert_eq!(errors(&output).len(), 0, "{output}");
}

#[test]
fn flyway_and_psql_send_rows() {
    let states = "CREATE TABLE states (id int, name text);\nCOPY states (id, name) FROM stdin;\n\
                  1\tAlabama\n2\tit's; a test -- no comment\n3\t\\N\n\\.\n\
                  CREATE INDEX states_name ON states (name);\n";
    let more = "DO $$ BEGIN ASSERT (SELECT count(*) = 3 FROM states); END $$;\n";
    passes(&[("V1__states.sql", states), ("V2__more.sql", more)], &[]);
    passes(&[("1.sql", states), ("2.sql", more)], &["--layout", "plain"]);
    let folder = Folder::new(&[("1_a.up.sql", states)]);
    let found = errors(&folder.verify_as(&["--layout", "golang-migrate"]).expect(1));
    assert_eq!(found.len(), 1, "{found:?}");
    // A wrong row is an error of the statement that reads it.
    let wrong = "CREATE TABLE a (b int);\n\nCOPY a FROM stdin;\n1\nx\n\\.\n";
    let error = errors(&Folder::new(&[("V1__a.sql", wrong)]).verify_as(&[]).expect(1)).remove(0);
    assert!(error.message.contains("invalid input syntax"), "{error:?}");
    assert_eq!(error.line, Some(3), "{error:?}");
}

#[test]
fn flyway_gives_the_role_and_the_path_back() {
    let app = "CREATE SCHEMA app;\nSET search_path = app, pg_catalog;\nSET work_mem = '7MB';\n\
               CREATE TABLE orders (id bigint PRIMARY KEY, status text);\nSET ROLE pg_monitor;\n";
    let users = "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n\
                 CREATE INDEX users_email ON public.users (email);\n\
                 DO $$ BEGIN ASSERT current_setting('work_mem') = '7MB'; END $$;\n";
    passes(&[("V1__app.sql", app), ("V2__users.sql", users)], &[]);
    let undo = [
        ("U1__app.sql", "DROP SCHEMA app CASCADE;\n"),
        ("U2__users.sql", "DROP TABLE users;\n"),
    ];
    let files = [undo[0], undo[1], ("V1__app.sql", app), ("V2__users.sql", users)];
    passes(&files, &["--down"]);
    // Others keep it.
    let folder = Folder::new(&[("1_app.sql", app), ("2_users.sql", users)]);
    folder.verify_as(&["--layout", "sqlx"]).expect(1);
    // tern resets settings, but not the role.
    let path = app.replace("SET ROLE pg_monitor;\n", "");
    let users = users.lines().take(2).collect::<Vec<_>>().join("\n");
    passes(&[("1_app.sql", &path), ("2_users.sql", &users)], &["--layout", "tern"]);
    // psql has a session for each file.
    let plan = "a 2024-01-01T00:00:00Z A <a@b>\nb 2024-01-01T00:00:00Z A <a@b>\n";
    passes(&[("sqitch.plan", plan), ("deploy/a.sql", app), ("deploy/b.sql", &users)], &[]);
}

#[test]
fn what_goose_and_sql_migrate_cut_is_cut() {
    let body = "CREATE TABLE sales (id bigint PRIMARY KEY, n int);\n\
                CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  NEW.n := NEW.n + 1;\n\
                RETURN NEW;\nEND;\n$$;\n";
    let down = "DROP FUNCTION bump();\nDROP TABLE sales;\n";
    for mark in ["+goose", "+migrate", "+micrate"] {
        let text = format!("-- {mark} Up\n{body}-- {mark} Down\n{down}");
        let output = Folder::new(&[("00001_f.sql", &text)]).verify_as(&[]).expect(1);
        let error = errors(&output).remove(0);
        assert!(error.message.contains("unterminated dollar-quoted string"), "{output}");
        assert_eq!((errors(&output).len(), error.line), (1, Some(3)), "{output}");
        assert!(error.help.unwrap().contains("StatementBegin"), "{output}");

        let create = body.find("CREATE FUNCTION").unwrap();
        let (table, function) = body.split_at(create);
        let begin = format!("-- {mark} StatementBegin\n{function}-- {mark} StatementEnd\n");
        let text = format!("-- {mark} Up\n{table}{begin}-- {mark} Down\n{down}");
        passes(&[("00001_f.sql", &text)], &["--down"]);

        // Two statements in one message are one transaction.
        let table = "CREATE TABLE a (b int);";
        let unwrapped = match mark {
            "+goose" => "-- +goose NO TRANSACTION\n-- +goose Up\n".to_owned(),
            _ => format!("-- {mark} Up notransaction\n"),
        };
        let unwrapped = if mark == "+micrate" {
            "-- +micrate Up\n".to_owned()
        } else {
            unwrapped
        };
        let index = "CREATE INDEX CONCURRENTLY i ON a (b);";
        passes(&[("1_a.sql", &format!("{unwrapped}{table}\n{index}\n"))], &[]);
        let folder = Folder::new(&[("1_a.sql", &format!("{unwrapped}{table} {index}\n"))]);
        assert_eq!(errors(&folder.verify_as(&[]).expect(1)).len(), 1);
    }
    for mark in ["+goose", "+migrate"] {
        let text = format!(
            "-- {mark} Up\nCREATE TABLE sales (id bigint)\n\n-- {mark} Down\nDROP TABLE sales;\n"
        );
        let output = Folder::new(&[("1_f.sql", &text)]).verify_as(&[]).expect(2);
        let error = output.json().error.unwrap();
        assert!(error.message.contains("1_f.sql:2: no line"), "{output}");
        assert!(error.hint.unwrap().contains("StatementBegin"), "{output}");
    }
}

#[test]
fn sections_of_sql_migrate_may_be_repeated() {
    let text = "-- +migrate Up\nCREATE TABLE a (id int);\n-- +migrate Up\nCREATE TABLE b (id int);\n\
                -- +migrate Down\nDROP TABLE b;\n-- +migrate Down\nDROP TABLE a;\n";
    passes(&[("1.sql", text)], &["--down"]);
    let output = Folder::new(&[("1_a.sql", &text.replace("+migrate", "+goose"))]).verify_as(&[]);
    assert!(output.expect(2).json().error.unwrap().message.contains("stands above"));
}

#[test]
fn never_both_ways_of_a_file() {
    let nodepg = [
        (
            "1700000000001_sales.sql",
            "-- Up Migration\nCREATE TABLE sales (id bigint PRIMARY KEY, status text);\n\
             -- Down Migration\nDROP TABLE sales;\n",
        ),
        (
            "1700000000002_ix.sql",
            "-- Up Migration\nCREATE INDEX sales_status ON sales (status);\n\
             -- Down Migration\nDROP INDEX sales_status;\n",
        ),
    ];
    let tern = [
        (
            "001_sales.sql",
            "create table sales (id bigint primary key, status text);\n\
             create index sales_status on sales (status);\n---- create above / drop below ----\n\
             drop table sales;\n",
        ),
        (
            "002_more.sql",
            "alter table sales add column note text;\n---- create above / drop below ----\n\
             alter table sales drop column note;\n",
        ),
    ];
    for files in [&nodepg, &tern] {
        for number in 1..=2 {
            let output = Folder::new(&files[..number]).verify_as(&["--down"]).expect(0);
            assert!(
                reason(&output, "converge").ends_with("as declared") || number == 1,
                "{output}"
            );
            assert_eq!(errors(&output).len(), 0, "{output}");
        }
    }
    let unknown = [("a.sql", "CREATE TABLE a (b int);\n-- @UNDO\nDROP TABLE a;\n")];
    let output = Folder::new(&unknown).verify_as(&[]).expect(2);
    let error = output.json().error.unwrap();
    assert!(error.message.contains("a.sql:2: `-- @UNDO` looks like"), "{output}");
    assert!(error.hint.unwrap().contains("--layout"), "{output}");
}

#[test]
fn one_transaction_holds_all_where_the_tool_has_one() {
    let first = "CREATE TABLE a (b int PRIMARY KEY);--> statement-breakpoint\nSET LOCAL work_mem = '7MB';\n";
    let second = "CREATE TABLE c (b int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\n";
    let third = "DO $$ BEGIN ASSERT current_setting('work_mem') = '7MB'; END $$;\n";
    let journal = r#"{"entries": [{"tag": "0000_a"}, {"tag": "0001_b"}, {"tag": "0002_c"}]}"#;
    let files = [
        ("meta/_journal.json", journal),
        ("0000_a.sql", first),
        ("0001_b.sql", second),
        ("0002_c.sql", third),
    ];
    passes(&files, &[]);
    // Rows that are not checked before the end forbid what each file by itself might do.
    let rows = "INSERT INTO a VALUES (1);\nINSERT INTO c VALUES (1);\n";
    let second = format!("{second}--> statement-breakpoint\n{rows}");
    let alter = "ALTER TABLE c ADD COLUMN d int;\n";
    let pending = [files[0], files[1], ("0001_b.sql", second.as_str()), ("0002_c.sql", alter)];
    let error = errors(&Folder::new(&pending).verify_as(&[]).expect(1)).remove(0);
    assert!(error.message.contains("pending trigger events"), "{error:?}");
    let concurrent = "CREATE INDEX CONCURRENTLY i ON c (b);\n";
    let files = [files[0], files[1], files[2], ("0002_c.sql", concurrent)];
    assert!(
        rules(&Folder::new(&files).verify_as(&[]).expect(1)).contains(&"in-transaction".to_owned())
    );
}

#[test]
fn a_pipeline_begins_with_what_commits_at_once() {
    let table = ("supabase/migrations/1_a.sql", "CREATE TABLE a (b int, c int);\n");
    let index = "CREATE INDEX CONCURRENTLY i ON a (b);\nCREATE INDEX CONCURRENTLY j ON a (c);\n";
    let project = |text| Folder::new(&[table, ("supabase/migrations/2_b.sql", text)]);
    let output = project(index).verify_as(&[]).expect(0);
    assert_eq!(output.json().layout.unwrap().name, "supabase", "{output}");
    let after = format!("SELECT 1;\n{index}");
    assert_eq!(errors(&project(&after).verify_as(&[]).expect(1)).len(), 1);
}

#[test]
fn supabase_brings_roles_schemas_and_functions() {
    let text = "CREATE TABLE public.notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),\n  owner uuid \
                REFERENCES auth.users (id) ON DELETE CASCADE);\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n\
                CREATE POLICY own ON notes TO authenticated USING ((SELECT auth.uid()) = owner);\n\
                CREATE POLICY files ON storage.objects FOR SELECT TO anon USING (bucket_id = 'a');\n\
                ALTER PUBLICATION supabase_realtime ADD TABLE notes;\nGRANT ALL ON notes TO service_role;\n";
    let folder = Folder::new(&[("supabase/migrations/20240101000000_a.sql", text)]);
    let output = folder.verify_as(&[]).expect(1);
    let help = errors(&output).remove(0).help.unwrap();
    assert!(help.contains("--preset supabase"), "{output}");
    let call = folder.call(&["--format", "json", "--preset", "supabase", "--down"]);
    let output = call.run().expect(0);
    assert_eq!(errors(&output).len(), 0, "{output}");
}

#[test]
fn placeholders_of_flyway_are_filled_in() {
    let text = "CREATE SCHEMA ${app};\nCREATE TABLE ${APP}.a (b text DEFAULT '${flyway:filename}');\n\
                CREATE TABLE ${flyway:defaultSchema}.${other} (c int);\n";
    let folder = Folder::new(&[("V1__a.sql", text)]);
    let output = folder.verify_as(&["--placeholder", "app=crm"]).expect(2);
    let error = output.json().error.unwrap();
    assert!(
        error
            .message
            .contains("V1__a.sql:3: no value is given for the placeholder ${other}"),
        "{output}"
    );
    assert!(error.hint.unwrap().contains("--placeholder other=VALUE"), "{output}");
    let call = folder.call(&["--format", "json", "--placeholder", "app=crm"]);
    call.env("FLYWAY_PLACEHOLDERS_OTHER", "z").run().expect(0);
    for sign in ["${a}", "{{ a }}", "{% a %}"] {
        let text = format!("SELECT 1;\nCREATE TABLE {sign} (b int);\n");
        let found = errors(&Folder::new(&[("1.sql", &text)]).verify_as(&[]).expect(1));
        assert_eq!((found.len(), found[0].line), (1, Some(2)), "{found:?}");
        assert!(found[0].help.as_ref().unwrap().contains("template"), "{found:?}");
    }
}

#[test]
fn a_base_of_a_newer_pg_dump_is_taken() {
    let base = Folder::new(&[(
        "base.sql",
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n\
         SET time_travel_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\
         CREATE TABLE public.sales (id bigint);\nCOPY public.sales (id) FROM stdin;\n1\n2\n\\.\n\n\
         \\unrestrict abc\n",
    )]);
    let more = "DO $$ BEGIN ASSERT (SELECT count(*) = 2 FROM sales); END $$;\n";
    let folder = Folder::new(&[("1_m.sql", more)]);
    let output = folder.verify(&["--base", &base.path("base.sql"), "--down"]).expect(0);
    let warned = "base.sql:8: skipped: this server does not know the setting time_travel_timeout";
    assert!(output.stderr.contains(warned), "{output}");
    // Given as a migration it is taken for what it is.
    let output = Pgtend::new(&["verify", "--format", "json", &base.path("base.sql")]).run();
    assert!(output.stderr.contains("with --base"), "{output}");
}

#[test]
fn the_layout_is_said_and_whether_it_is_a_guess() {
    let folder = Folder::new(&[("a.sql", "CREATE TABLE a (b bigint);\n")]);
    let shown = folder.call(&[]).run().expect(0);
    assert!(shown.stderr.contains("layout: plain (guessed; --layout changes it)"), "{shown}");
    let layout = folder.verify_as(&["--layout", "plain"]).expect(0).json().layout.unwrap();
    assert_eq!((layout.name.as_str(), layout.guessed), ("plain", false));
}

#[test]
fn programs_beside_are_said_as_not_run() {
    let files = [
        ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (b bigint);\n"),
        ("00002_b.go", "package x"),
        ("00003_c.down.sql", "-- +goose Up\n"),
    ];
    let output = Folder::new(&files).verify_as(&[]).expect(0);
    let said = "00002_b.go: a program, which goose would run, and is not run";
    assert!(output.stderr.contains(said), "{output}");
}

#[test]
fn rows_that_a_migration_returns_are_passed_over() {
    // Some 200 MB.
    let text =
        "SELECT repeat('x', 1000) FROM generate_series(1, 200000);\nCREATE TABLE a (b bigint);\n";
    for layout in ["plain", "golang-migrate"] {
        let name = if layout == "plain" { "1.sql" } else { "1_a.up.sql" };
        let folder = Folder::new(&[(name, text)]);
        let output = folder.verify_as(&["--layout", layout]).expect(0);
        assert_eq!(reason(&output, "apply"), "1 of 1 migration applied", "{output}");
    }
}
