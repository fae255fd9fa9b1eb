//! What it shows, and what that costs the database.

use std::fs;
use std::time::{Duration, Instant};

use super::client::Site;
use crate::support::command::Pgtend;
use crate::support::{Database, SALES, until};

/// Looks at everything so often.
pub fn ticks(db: &Database, ticks: &str) -> String {
    let file = db.path("ticks.toml");
    fs::write(&file, format!("[serve]\n{ticks}\n")).unwrap();
    file.display().to_string()
}

pub const SELDOM: &str = "live = '1h'\nactivity = '1h'\nstatements = '1h'\ncheck = '1h'";

pub const PAGES: [&str; 11] = [
    "index",
    "activity",
    "statements",
    "tables",
    "indexes",
    "views",
    "plan",
    "advice",
    "runs",
    "settings",
    "replication",
];

#[tokio::test]
async fn findings_and_relations_are_shown_with_their_commands() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE INDEX sales_user ON sales (user_id);
         CREATE INDEX sales_user_again ON sales (user_id);
         CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) FROM sales;
         ANALYZE sales;",
    )
    .await;
    let site = Site::ready(&db, &[]).await;
    let at = |page: &str| format!("/t/{}/{page}", db.name);
    let page = site.get(&at("")).await.expect(200).text();
    assert!(
        page.contains("public.sales_user_again") && page.contains("duplicate-index"),
        "{page}"
    );
    let findings = site.get(&at("index.json?name=duplicate")).await.expect(200).json();
    let finding = &findings["data"][0];
    assert_eq!(finding["rule"], "duplicate-index", "{findings}");
    assert!(finding["command"].as_str().unwrap().contains("sales_user"), "{finding}");
    assert!(findings["as_of"].is_string() && findings["glance"]["server_version"].is_string());
    let tables = site.get(&at("tables.json")).await.expect(200).json();
    assert_eq!(tables["data"][0]["object"], "public.sales");
    assert_eq!(tables["data"][0]["rows"], 1000);
    let indexes = site.get(&at("indexes.json?sortBy=object")).await.expect(200).json();
    assert_eq!(indexes["pagination"]["total"], 3);
    assert_eq!(indexes["data"][0]["object"], "public.sales_pkey");
    let views = site.get(&at("views.json")).await.expect(200).json();
    assert_eq!(views["data"][0]["concurrent"], false);
    let overview = site.get("/index.json").await.expect(200).json();
    assert_eq!(overview["data"][0]["name"], db.name.as_str());
    assert_eq!(overview["data"][0]["connection"], "connected");
    assert!(site.get("/").await.text().contains(&format!("href=\"/t/{}/\"", db.name)));
}

#[tokio::test]
async fn who_waits_stands_below_whom_it_waits_for() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let file = ticks(&db, "live = '100ms'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let path = format!("/t/{}/activity.json", db.name);
    let blocker = db.hold("LOCK TABLE sales").await;
    let waiter = db.queue("SELECT 'a note of mine' FROM sales").await;
    until("the tree is seen", || async {
        let seen = site.get(&path).await.json();
        let rows = seen["data"].as_array().unwrap();
        rows.len() == 2
            && rows[0]["pid"].as_i64() == blocker.pid.parse().ok()
            && rows[1]["depth"] == 1
            && rows[1]["lock"] == "AccessShareLock on public.sales"
    })
    .await;
    let page = site.get(&format!("/t/{}/activity", db.name)).await.expect(200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.text().contains("a note of mine"));
    let hidden = Site::ready(&db, &["--no-query-text"]).await;
    let page = hidden.get(&format!("/t/{}/activity", db.name)).await.text();
    assert!(
        page.contains("AccessShareLock on public.sales") && !page.contains("a note of mine"),
        "{page}"
    );
    blocker.release().await;
    waiter.await.unwrap().unwrap();
}

/// How many statements the database was sent.
fn sent(db: &Database) -> usize {
    db.logged("pgtend/serve").len()
}

#[tokio::test]
async fn viewers_cost_the_database_nothing() {
    let db = Database::new().await;
    let file = ticks(&db, SELDOM);
    let site = Site::ready(&db, &["--config", &file]).await;
    let before = sent(&db);
    assert!(before > 20, "{before}");
    for _ in 0..40 {
        for page in PAGES {
            site.get(&format!("/t/{}/{page}.json", db.name)).await.expect(200);
        }
        site.get("/").await.expect(200);
    }
    assert_eq!(sent(&db), before, "{:?}", db.logged("pgtend/serve").split_off(before));
    assert_eq!(db.changes("pgtend/serve"), [""; 0]);
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND application_name = 'pgtend/serve'";
    assert_eq!(db.value(sessions).await, "2");
}

#[tokio::test]
async fn many_live_viewers_cost_what_one_does() {
    let db = Database::new().await;
    let file = ticks(&db, "live = '500ms'\nactivity = '1h'\nstatements = '1h'\ncheck = '1h'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let path = format!("/t/{}/activity", db.name);
    let (begun, before) = (Instant::now(), sent(&db));
    for _ in 0..200 {
        site.get(&path).await.expect(200);
    }
    until("it has looked again", || async { sent(&db) > before + 4 }).await;
    // Each look asks who runs, and how far what takes long is.
    let most = 2 * (begun.elapsed().as_millis() / 500 + 2);
    let looks = sent(&db) - before;
    assert!(looks as u128 <= most, "{looks} in {:?}", begun.elapsed());
}

#[tokio::test]
async fn it_reads_only() {
    let db = Database::new().await;
    let site = Site::ready(&db, &[]).await;
    let entries = db.logged("pgtend/serve");
    let is_set = |entry: &String| entry == "SET default_transaction_read_only = on";
    assert!(entries.iter().filter(|entry| is_set(entry)).count() >= 2, "{entries:?}");
    for limit in ["SET statement_timeout = '5s'", "SET lock_timeout = '100ms'"] {
        assert!(entries.iter().filter(|entry| *entry == limit).count() >= 2, "{entries:?}");
    }
    drop(site);
}

#[tokio::test]
async fn a_database_that_is_gone_leaves_what_was_known() {
    let db = Database::new().await;
    let admin = Database::new().await;
    db.sql(SALES).await;
    let file = ticks(&db, "live = '100ms'\nactivity = '100ms'");
    let mut site = Site::ready(&db, &["--config", &file]).await;
    let path = format!("/t/{}/tables.json", db.name);
    let before = site.get(&path).await.expect(200).json();
    let name = db.name.clone();
    admin.sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'pgtend/serve'"
    );
    admin.value(&format!("SELECT count(*) FROM ({end}) AS x")).await;
    until("it is lost", || async {
        site.get("/index.json").await.json()["data"][0]["connection"] == "lost"
    })
    .await;
    let after = site.get(&path).await.expect(200).json();
    assert_eq!(after["data"], before["data"]);
    assert_eq!(after["as_of"], before["as_of"]);
    assert!(after["unknown"][0].as_str().unwrap().starts_with("connection: "), "{after}");
    let page = site.get(&format!("/t/{name}/tables")).await.expect(200).text();
    assert!(page.contains("not connected since") && page.contains("public.sales"), "{page}");
    until("it is not ready", || async { site.get("/-/ready").await.status == 503 }).await;
    site.get("/-/healthy").await.expect(200);
    admin.sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    until("it is ready again", || async { site.get("/-/ready").await.status == 200 }).await;
    site.running.until_it_says(&format!("{name}: ")).await;
}

#[tokio::test]
async fn many_targets_are_on_one_page() {
    let (one, other) = (Database::new().await, Database::new().await);
    let targets = format!(
        "[targets.one]\nurl = {:?}\n[targets.other]\nurl = {:?}\ndatabases = {:?}\n\
         [targets.gone]\nurl = 'host=127.0.0.1 port=1 user=x dbname=x'\n\
         [targets.unlisted]\nurl = 'host=127.0.0.1 port=1 user=x'\ndatabases = '*'\n",
        one.url_as("postgres"),
        other.url_as("postgres"),
        other.name
    );
    let file = one.path("targets.toml");
    fs::write(&file, targets).unwrap();
    let file = file.display().to_string();
    let call = ["serve", "--listen", "127.0.0.1:0", "--config", &file, "--all-targets"];
    let site = Site::started(Pgtend::new(&call).start()).await;
    until("all are known", || async {
        let overview = site.get("/index.json").await.json();
        let rows = overview["data"].as_array().unwrap().clone();
        let of = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap().clone();
        of("one")["critical"].is_number()
            && of(&format!("other/{}", other.name))["critical"].is_number()
            && of("gone")["connection"] == "lost"
            && of("unlisted")["connection"] == "lost"
    })
    .await;
    let page = site.get("/").await.expect(200).text();
    assert!(page.contains(&format!("href=\"/t/other~{}/\"", other.name)), "{page}");
    for path in [format!("/t/other~{}/", other.name), format!("/t/other%2F{}/", other.name)] {
        site.get(&path).await.expect(200);
    }
    site.get("/t/gone/").await.expect(200);
}

#[tokio::test]
async fn a_database_that_is_new_appears_and_one_that_is_dropped_goes() {
    let db = Database::new().await;
    let (first, second) = (format!("{}_first", db.name), format!("{}_second", db.name));
    db.sql(&format!("CREATE DATABASE {first}")).await;
    let config = format!(
        "[serve]\ncheck = '500ms'\n[targets.srv]\nurl = {:?}\ndatabases = '{}_*'\n",
        db.url_as("postgres"),
        db.name
    );
    let file = db.path("targets.toml");
    fs::write(&file, config).unwrap();
    let file = file.display().to_string();
    let call = ["serve", "--listen", "127.0.0.1:0", "--config", &file, "--all-targets"];
    let site = Site::started(Pgtend::new(&call).start()).await;
    let names = async || {
        let overview = site.get("/index.json").await.json();
        let rows = overview["data"].as_array().unwrap().iter();
        let mut names =
            rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        names.sort();
        names
    };
    let [one, other] = [&first, &second].map(|name| format!("srv/{name}"));
    assert_eq!(names().await.as_slice(), std::slice::from_ref(&one));
    db.sql(&format!("CREATE DATABASE {second}")).await;
    until("the new one appears", || async { names().await.iter().eq([&one, &other]) }).await;
    let path = format!("/t/srv~{second}/tables.json");
    until("it is looked at", || async {
        let tables = site.get(&path).await;
        tables.status == 200 && tables.json()["as_of"].is_string()
    })
    .await;
    db.sql(&format!("DROP DATABASE {first} WITH (FORCE)")).await;
    until("the dropped one goes", || async { names().await.iter().eq([&other]) }).await;
    site.get(&format!("/t/srv~{first}/")).await.expect(404);
    assert!(!site.get("/metrics").await.text().contains(&first));
    until("nothing connects there any more", || async {
        site.get("/-/ready").await.status == 200
    })
    .await;
    drop(site);
    db.sql(&format!("DROP DATABASE {second} WITH (FORCE)")).await;
}

#[tokio::test]
async fn hostile_names_are_names() {
    let db = Database::new().await;
    let wild = "</td><script>alert(1)</script>\u{202e}`'&\"\u{1b}[2J";
    let quoted = wild.replace('"', "\"\"");
    db.sql(&format!(
        "CREATE TABLE \"{quoted}\" (id int); CREATE INDEX ON \"{quoted}\" (id);
        CREATE INDEX ON \"{quoted}\" (id);"
    ))
    .await;
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    db.sql(&format!("SELECT 1 AS \"{quoted}\"")).await;
    let number = db.value(NUMBER_OF_ALIAS).await;
    let file = ticks(&db, "live = '100ms'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let blocker = db.hold(&format!("LOCK TABLE \"{quoted}\"")).await;
    let literal = wild.replace('\'', "''");
    let waiter = db.queue(&format!("SELECT '{literal}' FROM \"{quoted}\"")).await;
    let activity = format!("/t/{}/activity", db.name);
    until("the statement is seen", || async {
        site.get(&activity)
            .await
            .text()
            .contains("SELECT &apos;&lt;/td&gt;&lt;script&gt;")
    })
    .await;
    for page in [
        "",
        "activity",
        "tables",
        "indexes",
        "tables?name=%3Cscript%3E&sortBy=object",
        "tables?schema=%22%3E%3Cscript%3E",
        "statements",
        &format!("statements/{number}"),
    ] {
        let page = site.get(&format!("/t/{}/{page}", db.name)).await.expect(200);
        let text = page.text();
        assert!(!text.contains("<script>") && !text.contains(['\u{202e}', '\u{1b}']), "{text}");
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        roxmltree::Document::parse_with_options(&text, options).unwrap();
    }
    let statement = site.get(&format!("/t/{}/statements/{number}", db.name)).await.text();
    assert!(
        statement.contains("SELECT $1 AS &quot;&lt;/td&gt;&lt;script&gt;"),
        "{statement}"
    );
    let tables = site.get(&format!("/t/{}/tables.json", db.name)).await;
    assert!(!tables.text().contains('\u{202e}'));
    let name = tables.json()["data"][0]["object"].as_str().unwrap().to_owned();
    assert_eq!(name, format!("public.\"{quoted}\""));
    blocker.release().await;
    waiter.await.unwrap().unwrap();
}

/// Of the statement of [`hostile_names_are_names`].
const NUMBER_OF_ALIAS: &str = "SELECT s.queryid::text FROM pg_stat_statements AS s
    JOIN pg_database AS d ON d.oid = s.dbid AND d.datname = current_database()
    WHERE s.query LIKE 'SELECT $1 AS \"<%'";

#[tokio::test]
async fn passwords_in_statements_are_masked() {
    let db = Database::new().await;
    let role = db.role("keeper").await;
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    let file = ticks(&db, "live = '100ms'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let alter = format!("ALTER ROLE {role} PASSWORD 'geheim'");
    db.sql(&alter).await;
    let blocker = db.hold(&alter).await;
    let waiter = db.send(&alter).await;
    let at = |page: &str| format!("/t/{}/{page}", db.name);
    until("who waits is seen", || async {
        site.get(&at("activity"))
            .await
            .text()
            .contains(&format!("ALTER ROLE {role} PASSWORD"))
    })
    .await;
    let later = Site::ready(&db, &[]).await;
    for page in PAGES {
        for page in [if page == "index" { "" } else { page }, &format!("{page}.json?limit=100")] {
            for site in [&site, &later] {
                let text = site.get(&at(page)).await.expect(200).text();
                assert!(!text.contains("geheim"), "{page}: {text}");
            }
        }
    }
    blocker.release().await;
    let _ = waiter.await.unwrap();
}

#[tokio::test]
async fn a_role_that_may_nothing_is_told_what_it_misses() {
    let db = Database::new().await;
    let nobody = db.role("nobody").await;
    let running = db.start_as(&nobody, &["serve", "--listen", "127.0.0.1:0"]);
    let site = Site::started(running).await;
    let path = format!("/t/{}/", db.name);
    until("the checks were made", || async {
        site.get(&path).await.text().contains("GRANT ")
    })
    .await;
    let waited = Instant::now();
    site.get(&path).await.expect(200);
    assert!(waited.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn statements_are_shown_with_their_share_and_plan() {
    let db = Database::new().await;
    db.sql(SALES).await;
    // As every database has it from PostgreSQL 15 on: else nothing in it is trusted to be planned.
    db.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    db.sql("CREATE EXTENSION pg_stat_statements; ANALYZE;").await;
    for user in 0..20 {
        db.sql(&format!(
            "SELECT amount FROM sales WHERE user_id = {user} AND status = 'a note'"
        ))
        .await;
    }
    let file = ticks(&db, "live = '1h'\nactivity = '1h'\nstatements = '200ms'\ncheck = '1h'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let at = |page: &str| format!("/t/{}/{page}", db.name);
    let list = site
        .get(&at("statements.json?name=FROM%20sales%20WHERE&limit=100"))
        .await
        .expect(200)
        .json();
    let statement = &list["data"][0];
    assert_eq!(statement["calls"], 20, "{list}");
    assert!(statement["share"].as_f64().unwrap() > 0.0 && list["totals"]["calls"].is_number());
    let number = statement["queryid_text"].as_str().unwrap();
    let own = site.get(&at(&format!("statements/{number}.json"))).await.expect(200).json();
    let plan = own["data"][0]["plan"].as_array().unwrap();
    assert!(plan[0].as_str().unwrap().contains("Seq Scan on"), "{own}");
    let page = site.get(&at(&format!("statements/{number}"))).await.expect(200).text();
    assert!(page.contains("Seq Scan on") && !page.contains("a note"), "{page}");
    until("a curve is drawn", || async {
        db.sql("SELECT amount FROM sales WHERE user_id = 1 AND status = 'x'").await;
        let page = site.get(&at(&format!("statements/{number}"))).await.text();
        page.contains("<polyline") && site.get(&at("")).await.text().contains("Statements a second")
    })
    .await;
    site.get(&at("statements/1")).await.expect(404);
    site.get(&at("statements/x.json")).await.expect(404);

    let hidden = Site::ready(&db, &["--no-query-text"]).await;
    for path in [
        "statements",
        "statements.json",
        &format!("statements/{number}"),
        &format!("statements/{number}.json"),
    ] {
        let text = hidden.get(&at(path)).await.expect(200).text();
        assert!(!text.contains("FROM sales") && !text.contains("Seq Scan"), "{text}");
        assert!(!text.contains("user_id") && !text.contains("status"), "{text}");
    }
}

#[tokio::test]
async fn what_apply_would_do_is_known_without_a_copy() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX sales_status ON sales (status); CREATE INDEX of_nobody ON sales (id, user_id);")
        .await;
    db.pgtend(&["init"]).expect(0);
    let declared = db.declare(
        "CREATE INDEX sales_user ON sales (user_id);
         CREATE INDEX sales_status ON sales (status);
         CREATE INDEX sales_lower ON sales (lower(status));",
    );
    db.pgtend(&["apply", "--index", "sales_lower", &declared]).expect(0);
    let file = ticks(&db, SELDOM);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("paths = [{declared:?}]\n{text}")).unwrap();
    let site = Site::ready(&db, &["--config", &file]).await;
    let at = |page: &str| format!("/t/{}/{page}", db.name);
    let plan = site.get(&at("plan.json")).await.expect(200).json();
    let of = |name: &str| {
        let steps = plan["data"].as_array().unwrap();
        steps
            .iter()
            .find(|step| step["object"] == name)
            .unwrap_or_else(|| panic!("{plan}"))
            .clone()
    };
    assert_eq!(of("public.sales_user")["verdict"], "to_do", "{plan}");
    assert_eq!(of("public.sales_status")["reason_code"], "as-declared", "{plan}");
    assert_eq!(of("public.sales_lower")["reason_code"], "not-compared", "{plan}");
    let drift = of("public.of_nobody");
    assert_eq!(
        (&drift["verdict"], &drift["drop"]),
        (&"undeclared".into(), &"DROP INDEX CONCURRENTLY public.of_nobody".into())
    );
    assert_eq!(plan["data"].as_array().unwrap().last(), Some(&drift), "{plan}");
    let metrics = site.get("/metrics").await.text();
    assert!(!metrics.contains("action=\"\""), "{metrics}");
    assert_eq!(db.changes("pgtend/serve"), [""; 0]);
    let created = db
        .logged("pgtend/serve")
        .into_iter()
        .filter(|it| it.starts_with("CREATE "))
        .count();
    assert_eq!(created, 0);
    let runs = site.get(&at("runs.json")).await.expect(200).json();
    assert_eq!(runs["data"][0]["object"], "public.sales_lower", "{runs}");
    assert_eq!(runs["data"][0]["outcome"], "done");
    assert!(site.get(&at("runs")).await.text().contains("public.sales_lower"));
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let db = Database::new().await;
    let site = Site::ready(&db, &[]).await;
    let at = |page: &str| format!("/t/{}/{page}", db.name);
    for (page, said) in [
        ("statements", "CREATE EXTENSION pg_stat_statements"),
        ("runs", "pgtend init"),
        ("plan", "the configuration names no SQL files"),
        ("advice", "serve.advice"),
    ] {
        let document = site.get(&at(&format!("{page}.json"))).await.expect(200).json();
        let unknown = document["unknown"][0].as_str().unwrap();
        assert!(unknown.contains(said), "{unknown}");
        assert!(site.get(&at(page)).await.text().contains(said), "{page}");
    }
}

#[tokio::test]
async fn advice_that_was_made_is_shown() {
    let db = Database::new().await;
    let advised = serde_json::json!({
        "schema_version": 1, "command": "advise", "database": db.name,
        "advice": [{"action": "create_index", "object": "sales_user", "on": "public.sales",
            "sql": "CREATE INDEX sales_user ON public.sales (user_id)", "size_bytes": 4096,
            "saves_percent": 97.5, "serves": [{"statement": "a note"}]}],
        "unneeded": [{"object": "public.old", "on": "public.sales", "sql": "DROP INDEX public.old"}],
    });
    let file = ticks(&db, &format!("{SELDOM}\nadvice = 'advice.json'"));
    fs::write(db.path("advice.json"), advised.to_string()).unwrap();
    let site = Site::ready(&db, &["--config", &file]).await;
    let advice = site.get(&format!("/t/{}/advice.json", db.name)).await.expect(200);
    assert!(!advice.text().contains("a note"));
    let rows = advice.json()["data"].clone();
    assert_eq!(
        (&rows[0]["object"], &rows[1]["action"]),
        (&"sales_user".into(), &"drop_index".into())
    );
    fs::write(db.path("advice.json"), advised.to_string().replace(&db.name, "another")).unwrap();
    let site = Site::ready(&db, &["--config", &file]).await;
    let page = site.get(&format!("/t/{}/advice", db.name)).await.expect(200).text();
    assert!(page.contains("it is about the database another"), "{page}");
}
