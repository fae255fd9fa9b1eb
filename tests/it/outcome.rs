//! What a run says and how it exits.

use std::time::Duration;

use crate::support::{Database, Pgtend, SALES, until};

const SALES_USER: &str = "CREATE INDEX sales_user ON sales (user_id);";
const CREATE_SALES_USER: &str = "CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id)";

async fn with_sales() -> Database {
    let db = Database::new().await;
    db.sql(SALES).await;
    db
}

#[tokio::test]
async fn a_unique_violation_fails_its_index_alone_and_leaves_nothing_behind() {
    let db = with_sales().await;
    db.sql("CREATE TABLE users (id int)").await;
    let declared = db.declare(
        "CREATE INDEX sales_status ON sales (status);
         CREATE UNIQUE INDEX sales_user ON sales (user_id);
         CREATE INDEX sales_amount ON sales (amount);
         CREATE INDEX users_id ON users (id);",
    );

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    let step = output.step("public.sales_user");
    assert_eq!(step.status, "failed");
    assert_eq!(step.sqlstate.as_deref(), Some("23505"));
    assert!(step.reason.contains("could not create unique index"), "{}", step.reason);
    assert!(step.reason.contains("Key (user_id)=("), "{}", step.reason);
    assert_eq!(step.cleanup, None);
    assert_eq!(db.index("sales_user").await, None);
    assert_eq!(db.leftovers().await, "");
    db.sql("INSERT INTO sales VALUES (0, 1, 'open', 0)").await;
    for (object, index) in [("sales", "status"), ("sales", "amount"), ("users", "id")] {
        let index = format!("{object}_{index}");
        assert_eq!(output.step(&format!("public.{index}")).status, "done");
        db.assert_whole(&index).await;
    }
    assert_eq!(db.applied().len(), 5, "{:?}", db.applied());
}

#[tokio::test]
async fn redundant_indexes_are_warned_of_and_left_out_only_on_request() {
    let db = with_sales().await;
    db.sql("ALTER TABLE sales ADD CONSTRAINT one_amount UNIQUE (amount)").await;
    let declared = db.declare(
        "CREATE INDEX sales_amount ON sales (amount);
         CREATE INDEX sales_user ON sales (user_id);
         CREATE INDEX sales_user_again ON sales (user_id ASC);
         CREATE UNIQUE INDEX sales_user_unique ON sales (user_id, id);",
    );
    let redundant = ["public.sales_amount", "public.sales_user_again"];

    let output = db.apply(&["--skip-redundant", &declared]).expect(0).came_to("done");
    assert_eq!(output.warned("redundant_index"), redundant);
    for object in redundant {
        assert_eq!(output.step(object).verdict, "left_out");
        assert_eq!(output.step(object).status, "skipped");
    }
    let names = "one_amount, sales_pkey, sales_user, sales_user_unique";
    assert_eq!(db.index_names("sales").await, names);
    db.apply(&["--skip-redundant", &declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied().len(), 2);

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    let warnings = output.json().warnings;
    assert!(
        warnings[0].message.contains("the constraint one_amount"),
        "{}",
        warnings[0].message
    );
    assert_eq!(output.warned("redundant_index"), redundant);
    db.assert_whole("sales_amount").await;
    db.assert_whole("sales_user_again").await;
    assert_eq!(db.applied().len(), 4);
}

#[tokio::test]
async fn only_what_the_filters_let_through_is_worked_on() {
    let db = with_sales().await;
    db.sql("CREATE SCHEMA crm; CREATE TABLE crm.\"We;ird\" (id int); CREATE TABLE users (id int)")
        .await;
    let declared = db.declare(
        "CREATE INDEX sales_user ON sales (user_id);
         CREATE INDEX sales_amount ON sales (amount);
         CREATE INDEX users_id ON users (id);
         CREATE INDEX weird_id ON crm.\"We;ird\" (id);
         CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) FROM sales;
         ANALYZE users;",
    );
    let objects = |arguments: &[&str]| {
        let output = db.apply(&[&["--dry-run", &declared], arguments].concat()).expect(0);
        output.json().steps.into_iter().map(|step| step.object).collect::<Vec<_>>()
    };

    assert_eq!(objects(&[]).len(), 6);
    assert_eq!(objects(&["--index", "*_id"]), ["public.users_id", "crm.weird_id"]);
    let both = ["--index", "*_id", "--index", "sales_am?unt"];
    assert_eq!(objects(&both), ["public.sales_amount", "public.users_id", "crm.weird_id"]);
    assert_eq!(objects(&["--table", "users"]), ["public.users_id", "public.users"]);
    assert_eq!(objects(&["--table", "public.totals"]), ["public.totals"]);
    assert_eq!(objects(&["--table", "crm.\"We;ird\"", "--index", "*"]), ["crm.weird_id"]);
    db.apply(&["--dry-run", "--table", "crm.users", &declared]).expect(2);

    let output = db.apply(&["--index", "sales_u*", &declared]).expect(0).came_to("done");
    assert_eq!(output.json().steps.len(), 1);
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
    db.apply(&["--table", "nothing", &declared]).expect(2).came_to("failed");
    db.apply(&["--table", "not a name", &declared]).expect(2).came_to("failed");
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
}

#[tokio::test]
async fn a_dry_run_prints_what_apply_sends_and_sends_nothing() {
    let db = with_sales().await;
    db.leave_unfilled("sales", "CREATE INDEX CONCURRENTLY broken ON sales (amount)")
        .await;
    db.sql("CREATE INDEX drifted ON sales (status); COMMENT ON INDEX drifted IS 'old'")
        .await;
    let declared = db.declare(
        "CREATE INDEX sales_user ON sales (user_id);
         CREATE INDEX ON sales (user_id, status);
         CREATE INDEX broken ON sales (amount);
         CREATE INDEX drifted ON sales (status DESC);
         CREATE MATERIALIZED VIEW totals AS
           SELECT user_id,
                  sum(amount) AS total FROM sales GROUP BY 1;
         CREATE UNIQUE INDEX ON totals (user_id);
         COMMENT ON MATERIALIZED VIEW totals IS 'by user';
         ANALYZE totals; VACUUM sales;",
    );

    let dry = db.pgtend(&["apply", "--dry-run", "--replace", &declared]).expect(0);
    let json = db.apply(&["--dry-run", "--replace", &declared]).expect(0).came_to("planned");
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    assert_eq!(db.value("SELECT to_regclass('totals')").await, "");
    let statements = |text: &str| {
        let statements = text.trim_end().trim_end_matches(';').split(";\n");
        let mut statements = statements.map(str::to_owned).collect::<Vec<_>>();
        statements.sort();
        statements
    };
    let steps = json.json().steps;
    assert!(steps.iter().all(|step| step.status == "planned"), "{json}");
    let sql = steps.into_iter().filter_map(|step| step.sql).collect::<Vec<_>>();
    assert_eq!(statements(&sql.join(";\n")), statements(&dry.stdout));

    let output = db.apply(&["--replace", &declared]).expect(0).came_to("done");
    let sent = output.json().steps.into_iter().filter_map(|step| step.sql).collect::<Vec<_>>();
    assert_eq!(statements(&sent.join(";\n")), statements(&dry.stdout));
    let mut shown = statements(&dry.stdout);
    let frame = ["BEGIN", "COMMIT", "SET LOCAL"];
    shown.retain(|sql| !frame.iter().any(|word| sql.starts_with(word)));
    let mut applied = db.applied();
    applied.sort();
    assert_eq!(applied, shown);
}

#[tokio::test]
async fn plan_exits_with_1_only_if_asked_to_check() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);

    db.plan(&[&declared]).expect(0).came_to("planned");
    db.plan(&["--check", &declared]).expect(1).came_to("findings");
    db.apply(&[&declared]).expect(0);
    db.plan(&[&declared]).expect(0).came_to("nothing_to_do");
    db.plan(&["--check", &declared]).expect(0).came_to("nothing_to_do");
    db.plan(&["--check", &db.declare("CREATE INDEX sales_user ON sales (id);")])
        .expect(1);
    db.plan(&["--check", "/no/such/file.sql"]).expect(2).came_to("failed");
    assert!(db.changes("pgtend/plan").is_empty(), "{:?}", db.changes("pgtend/plan"));
}

#[tokio::test]
async fn quiet_says_nothing_when_all_is_well_and_everything_when_it_is_not() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);

    for command in ["plan", "apply", "apply"] {
        let output = db.pgtend(&[command, "-q", &declared]).expect(0);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""), "{output}");
    }
    db.assert_whole("sales_user").await;
    let twin = db.declare("CREATE INDEX sales_user_again ON sales (user_id);");
    let output = db.pgtend(&["apply", "-q", &twin]).expect(0);
    assert!(output.stderr.contains("redundant_index"), "{output}");
    let drifted = db.declare("CREATE INDEX sales_user ON sales (status);");
    let output = db.pgtend(&["apply", "-q", &drifted]).expect(4);
    assert!(output.stdout.contains("public.sales_user"), "{output}");
    assert!(output.stdout.contains("failed"), "{output}");
}

#[tokio::test]
async fn verbose_shows_what_is_as_declared_and_the_statements() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);

    let output = db.pgtend(&["plan", &declared]).expect(0);
    assert!(!output.stdout.contains(CREATE_SALES_USER), "{output}");
    let output = db.pgtend(&["plan", "-v", &declared]).expect(0);
    assert!(output.stdout.contains(&format!("{CREATE_SALES_USER};")), "{output}");
    assert!(output.stdout.contains("declared.sql:1"), "{output}");
    db.pgtend(&["apply", &declared]).expect(0);
    let output = db.pgtend(&["apply", &declared]).expect(0);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("Nothing to do"), "{output}");
    let output = db.pgtend(&["apply", "-v", &declared]).expect(0);
    assert!(output.stdout.contains("already as declared"), "{output}");
}

#[tokio::test]
async fn echo_shows_every_statement_of_the_servers_log() {
    let db = with_sales().await;
    db.leave_unfilled("sales", "CREATE INDEX CONCURRENTLY sales_user ON sales (user_id)")
        .await;
    let declared = db.declare(&format!(
        "{SALES_USER} CREATE MATERIALIZED VIEW totals AS SELECT sum(amount)\nFROM sales; VACUUM sales;"
    ));

    let output = db.pgtend(&["apply", "--echo", &declared]).expect(0);
    let logged = db.logged("pgtend/apply");
    assert!(logged.iter().any(|sql| sql == CREATE_SALES_USER), "{logged:?}");
    let mut rest = output.stderr.clone();
    for statement in &logged {
        let line = format!("{};\n", statement.trim_end());
        let at = rest.find(&line).unwrap_or_else(|| panic!("not shown: {statement}"));
        // Shown once for each time that it was sent.
        rest.replace_range(at..at + line.len(), "");
    }
    assert!(!rest.contains("pg_catalog."), "shown, but not sent: {rest}");
}

#[tokio::test]
async fn the_document_has_the_keys_of_the_contract() {
    let db = with_sales().await;
    db.sql("ANALYZE sales; CREATE UNIQUE INDEX there ON sales (user_id, id)").await;
    let declared = db.declare(&format!("{SALES_USER}\nCREATE INDEX again ON sales (user_id, id);"));

    let planned = db.plan(&[&declared]).expect(0).step("public.sales_user");
    assert_eq!(planned.lock.as_deref(), Some("ShareUpdateExclusive on public.sales"));
    assert!(planned.estimated_size_bytes.unwrap() > 8192, "{planned:?}");
    assert_eq!((planned.status.as_str(), planned.verdict.as_str()), ("planned", "to_do"));
    assert_eq!(planned.sql.as_deref(), Some(CREATE_SALES_USER));
    assert_eq!((planned.duration_ms, planned.waited_ms), (0, 0));

    let document = db.apply(&[&declared]).expect(0).json();
    assert_eq!((document.schema_version, document.command.as_str()), (1, "apply"));
    assert_eq!(document.database.as_deref(), Some(db.name.as_str()));
    let version = document.server_version.unwrap();
    assert!(version.starts_with(&format!("{}.", db.server.major)), "{version}");
    assert!(document.error.is_none());
    let [step, _] = &document.steps[..] else {
        panic!("{:?}", document.steps)
    };
    assert!(document.duration_ms >= step.duration_ms && step.duration_ms > 0, "{step:?}");
    assert_eq!(step.action, "build_index");
    assert!(step.size_bytes.unwrap() > 8192, "{step:?}");
    let [warning] = &document.warnings[..] else {
        panic!("{:?}", document.warnings)
    };
    assert_eq!(warning.object, "public.again");
    assert!(warning.message.contains("the index public.there"), "{}", warning.message);
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_in_the_document_too() {
    let db = with_sales().await;

    let output = db.apply(&[&db.declare("CREATE INDEX ON;")]).expect(2).came_to("failed");
    let error = output.json().error.unwrap();
    assert_eq!(error.kind, "declaration");
    assert!(error.message.contains("declared.sql:1"), "{}", error.message);
    let output = db.apply(&[&db.declare("DROP TABLE sales;")]).expect(2).came_to("failed");
    let error = output.json().error.unwrap();
    assert!(error.hint.unwrap().contains("--ignore-other"));

    let declared = db.declare(SALES_USER);
    let nowhere = Pgtend::new(&["apply", "--format", "json", &declared])
        .env("DATABASE_URL", &db.url_as("nobody_of_that_name"))
        .run()
        .expect(3)
        .came_to("failed");
    let error = nowhere.json().error.unwrap();
    assert_eq!(error.kind, "connection");
    assert_eq!(error.sqlstate.as_deref(), Some("28000"));
    assert!(db.applied().is_empty());
}

#[tokio::test]
async fn the_configuration_names_the_files_and_the_database() {
    let db = with_sales().await;
    db.declare(SALES_USER);
    let config = format!(
        "paths = [\"declared.sql\"]\n[targets.shop]\nurl = \"{}\"\n",
        db.url_as("postgres")
    );
    let config = db.declare_as("pgtend.toml", &config);

    let output = db.apply(&["--config", &config]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").status, "done");
    let named = Pgtend::new(&["apply", "--format", "json", "--target", "shop"])
        .env("PGTEND_CONFIG", &config)
        .run()
        .expect(0)
        .came_to("nothing_to_do");
    assert_eq!(named.json().database.as_deref(), Some(db.name.as_str()));
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
    db.apply(&[]).expect(2).came_to("failed");
}

#[tokio::test]
async fn the_second_of_two_runs_names_the_first_or_waits_for_it() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    let writer = db.writer("sales").await;
    let first = db.start_apply(&[&declared]);
    db.until_waiting("pgtend/apply").await;
    let pids = "SELECT string_agg(pid::text, ' ') FROM pg_locks WHERE locktype = 'advisory' \
                AND granted AND database = (SELECT oid FROM pg_database \
                                            WHERE datname = current_database())";
    let holder = db.value(pids).await;

    let second = db.apply(&[&declared]).expect(5).came_to("busy");
    let error = second.json().error.unwrap();
    assert_eq!(error.kind, "busy");
    assert!(
        error.message.contains(&format!("pid {holder}, pgtend/apply")),
        "{}",
        error.message
    );
    let tries = || {
        let logged = db.logged("pgtend/apply");
        logged.iter().filter(|sql| sql.contains("pg_try_advisory_lock")).count()
    };
    let before = tries();
    let third = db.start_apply(&["--wait", "1min", &declared]);
    until("the third has tried", || async { tries() > before + 1 }).await;
    writer.release().await;

    first.wait().expect(0).came_to("done");
    third.wait().expect(0).came_to("nothing_to_do");
    db.assert_whole("sales_user").await;
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
}

#[tokio::test]
async fn runs_in_two_databases_do_not_meet() {
    let (here, there) = (with_sales().await, with_sales().await);
    let writer = here.writer("sales").await;
    let running = here.start_apply(&[&here.declare(SALES_USER)]);
    here.until_waiting("pgtend/apply").await;

    there.apply(&[&there.declare(SALES_USER)]).expect(0).came_to("done");
    writer.release().await;
    running.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn a_step_that_waited_too_long_is_given_up_naming_whom_it_waited_for() {
    let db = with_sales().await;
    db.sql("CREATE TABLE users (id int)").await;
    let declared = db.declare(&format!("{SALES_USER} CREATE INDEX users_id ON users (id);"));
    let snapshot = db.old_snapshot().await;

    let output = db.apply(&["--max-wait", "1s", &declared]).expect(4).came_to("failed");
    for object in ["public.sales_user", "public.users_id"] {
        let step = output.step(object);
        assert_eq!(step.status, "failed", "{output}");
        assert!(step.reason.contains(&format!("pid {}", snapshot.pid)), "{}", step.reason);
        assert!(step.waited_ms >= 1000, "{step:?}");
    }
    assert_eq!(db.index_names("sales").await, "sales_pkey");
    assert_eq!(db.leftovers().await, "");
    snapshot.release().await;
    db.apply(&[&declared]).expect(0).came_to("done");
}

#[tokio::test]
async fn timeouts_of_the_role_do_not_hurt_a_build_that_waits_longer() {
    let db = with_sales().await;
    let role = db.role("worker").await;
    db.sql(&format!("GRANT CREATE, USAGE ON SCHEMA public TO {role}")).await;
    db.sql(&format!("ALTER TABLE sales OWNER TO {role}")).await;
    let settings = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
    let newer = (db.server.major >= 17).then_some("transaction_timeout");
    for setting in settings.into_iter().chain(newer) {
        db.sql(&format!("ALTER ROLE {role} SET {setting} = '100ms'")).await;
    }
    let writer = db.writer("sales").await;
    let declared = db.declare(SALES_USER);

    let running = db.start_as(&role, &["apply", "--format", "json", &declared]);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock' \
                 AND clock_timestamp() - query_start > '500ms'";
    until("the build has waited", || async { db.value(waits).await == "1" }).await;
    writer.release().await;
    running.wait().expect(0).came_to("done");
    db.assert_whole("sales_user").await;
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
}

#[tokio::test]
async fn both_signals_cancel_the_build_and_leave_nothing_behind() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let db = with_sales().await;
        let declared = db.declare(&format!("{SALES_USER} CREATE INDEX later ON sales (amount);"));
        let snapshot = db.old_snapshot().await;
        let running = db.start_apply(&[&declared]);
        db.until_waiting("pgtend/apply").await;
        assert!(!db.index("sales_user").await.unwrap().valid);

        running.signal(signal);
        let output = running.wait_within(Duration::from_secs(10)).expect(code).came_to("cancelled");
        assert_eq!(output.step("public.sales_user").status, "cancelled");
        assert_eq!(output.step("public.later").status, "cancelled");
        assert_eq!(db.index_names("sales").await, "sales_pkey");
        snapshot.release().await;
        let wanted = [CREATE_SALES_USER, "DROP INDEX CONCURRENTLY public.sales_user"];
        assert_eq!(db.applied(), wanted);
    }
}

#[tokio::test]
async fn a_signal_before_anything_was_begun_stops_at_once() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    // The run lock's key: "pgtn" and the job's number.
    let other = db.session().await;
    other
        .batch_execute("SELECT pg_advisory_lock(x'7067746e'::int, 1)")
        .await
        .unwrap();
    let running = db.start_apply(&["--wait", "1min", &declared]);
    let tried = |sql: &String| sql.contains("pg_try_advisory_lock");
    until("it tries", || async { db.logged("pgtend/apply").iter().any(tried) }).await;

    running.signal("INT");
    let output = running.wait_within(Duration::from_secs(5)).expect(130).came_to("cancelled");
    assert_eq!(output.json().error.unwrap().kind, "interrupted");
    assert!(db.applied().is_empty());
    assert_eq!(db.index("sales_user").await, None);
}

#[tokio::test]
async fn a_lost_terminal_cancels_and_cleans_up() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    let snapshot = db.old_snapshot().await;
    let running = db.start_apply(&[&declared]);
    db.until_waiting("pgtend/apply").await;
    running.signal("HUP");
    running.wait().expect(129).came_to("cancelled");
    snapshot.release().await;
    assert_eq!(db.index("sales_user").await, None);
}

/// `nohup` is a wish to go on when the terminal is gone. Only Linux says that it was used.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn under_nohup_a_lost_terminal_changes_nothing() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    let writer = db.writer("sales").await;
    let arguments = ["apply", "--format", "json", &declared];
    let call =
        Pgtend::by_way_of(&["nohup"], &arguments).env("DATABASE_URL", &db.url_as("postgres"));
    let running = call.start();
    db.until_waiting("pgtend/apply").await;
    running.signal("HUP");
    writer.release().await;
    running.wait().expect(0).came_to("done");
    db.assert_whole("sales_user").await;
}

#[tokio::test]
async fn a_second_ctrl_c_leaves_at_once_and_says_how_to_clean_up() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    // Dropping waits for the writer as building does.
    let writer = db.writer("sales").await;
    let mut running = db.start_apply(&[&declared]);
    db.until_waiting("pgtend/apply").await;
    running.signal("INT");
    running.until_it_says("cancelling and cleaning up").await;

    running.signal("INT");
    let output = running.wait_within(Duration::from_secs(5)).expect(130);
    let cleanup = "DROP INDEX CONCURRENTLY IF EXISTS public.sales_user;";
    assert!(output.stderr.contains(cleanup), "{output}");
    writer.release().await;
    db.apply(&["--wait", "1min", &declared]).expect(0);
    db.assert_whole("sales_user").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn after_a_kill_the_next_run_waits_for_the_build_that_the_server_goes_on_with() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    let writer = db.writer("sales").await;
    let killed = db.start_apply(&[&declared]);
    db.until_waiting("pgtend/apply").await;
    let orphan = db.index("sales_user").await.unwrap();
    killed.signal("KILL");
    killed.wait().expect(-9);

    let mut next = db.start_apply(&["--wait", "1min", &declared]);
    next.until_it_says("waits for").await;
    assert_eq!(db.index("sales_user").await.unwrap(), orphan);
    writer.release().await;
    next.wait().expect(0);
    assert_eq!(db.assert_whole("sales_user").await.oid, orphan.oid);
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
}

#[tokio::test]
async fn a_build_whose_process_is_terminated_is_begun_anew() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    let writer = db.writer("sales").await;
    let running = db.start_apply(&[&declared]);
    db.until_waiting("pgtend/apply").await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND query LIKE 'CREATE INDEX%'";
    assert_eq!(db.value(terminate).await, "t");

    writer.release().await;
    let output = running.wait().expect(0).came_to("done");
    assert!(output.stderr.contains("due to administrator command"), "{output}");
    db.assert_whole("sales_user").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_table_that_somebody_has_locked_is_waited_for_and_stops_no_other() {
    let db = with_sales().await;
    db.sql("CREATE TABLE users (id int)").await;
    let declared = db.declare(&format!("{SALES_USER}; CREATE INDEX users_id ON users (id);"));
    let lock = db.hold("LOCK TABLE sales IN ACCESS EXCLUSIVE MODE").await;

    let given_up = db.apply(&["--max-wait", "1s", &declared]).expect(4);
    assert_eq!(given_up.step("public.users_id").status, "done", "{given_up}");
    let step = given_up.step("public.sales_user");
    assert!(step.reason.contains("locked by another session"), "{given_up}");

    let mut running = db.start_apply(&[&declared]);
    running.until_it_says("locked by another session").await;
    lock.release().await;
    running.wait().expect(0).came_to("done");
    db.assert_whole("sales_user").await;
}

#[tokio::test]
async fn a_dry_run_tells_what_needs_a_person() {
    let db = with_sales().await;
    db.sql("CREATE INDEX sales_user ON sales (amount)").await;
    let declared = db.declare(SALES_USER);
    let output = db.apply(&["--dry-run", &declared]).expect(0).came_to("planned");
    assert_eq!(output.step("public.sales_user").verdict, "refused");
}
