//! The pages about the server itself: its settings, and what goes to other servers.

use pg_sandbox::Sandbox;
use serde_json::Value;

use super::client::Site;
use crate::support::server::options;
use crate::support::standby::standby_of;
use crate::support::{Database, Pgtend, SALES, connect_to, until, value};

/// Serves the database postgres of this server, once all was looked at.
async fn site(server: &Sandbox) -> Site {
    let url = server.url("postgres");
    let call = ["serve", "--listen", "127.0.0.1:0", "-d", &url];
    let site = Site::started(Pgtend::new(&call).start()).await;
    until("the checks were made", || async {
        site.get("/t/postgres/replication.json").await.json()["as_of"].is_string()
    })
    .await;
    site
}

async fn row(site: &Site, page: &str, key: &str, name: &str) -> Value {
    let list = site.get(&format!("/t/postgres/{page}.json?limit=100")).await.expect(200).json();
    let rows = list["data"].as_array().unwrap();
    let found = rows.iter().find(|row| row[key] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}")).clone()
}

#[tokio::test]
async fn settings_that_somebody_has_set_are_shown_and_secrets_are_not() {
    let mut options = options();
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    options.settings.push(set("archive_mode", "on"));
    options.settings.push(set("archive_command", "false --key geheim"));
    let server = Sandbox::start(&options).unwrap();
    let client = connect_to(&server.url("postgres")).await.unwrap();
    for sql in [
        "ALTER SYSTEM SET primary_conninfo = 'host=x password=geheim'",
        "ALTER SYSTEM SET random_page_cost = 1.5",
        "ALTER SYSTEM SET maintenance_work_mem = '300MB'",
        "ALTER SYSTEM SET max_connections = 77",
        "ALTER DATABASE postgres SET work_mem = '5MB'",
        "SELECT pg_reload_conf()",
    ] {
        client.batch_execute(sql).await.unwrap();
    }
    until("the settings are read", || async {
        let sql = "SELECT pending_restart FROM pg_settings WHERE name = 'max_connections'";
        value(&client, sql).await == "t"
    })
    .await;
    let site = site(&server).await;
    let work_mem = row(&site, "settings", "name", "work_mem").await;
    assert_eq!(
        (&work_mem["shown"], &work_mem["value"], &work_mem["unit"], &work_mem["source"]),
        (&"5MB".into(), &"5120".into(), &"kB".into(), &"database".into())
    );
    let cost = row(&site, "settings", "name", "random_page_cost").await;
    assert_eq!((&cost["shown"], &cost["shown_default"]), (&"1.5".into(), &"4".into()));
    assert!(cost["file"].as_str().unwrap().ends_with("postgresql.auto.conf"), "{cost}");
    assert_eq!(row(&site, "settings", "name", "maintenance_work_mem").await["shown"], "300MB");
    assert_eq!(row(&site, "settings", "name", "max_connections").await["pending_restart"], true);
    for name in ["archive_command", "primary_conninfo"] {
        assert_eq!(row(&site, "settings", "name", name).await["shown"], "(not shown)");
    }
    let list = site.get("/t/postgres/settings.json?limit=100").await.json();
    let names = list["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap());
    let names = names.collect::<Vec<_>>();
    for name in ["statement_timeout", "application_name", "data_checksums", "enable_seqscan"] {
        assert!(!names.contains(&name), "{names:?}");
    }
    let own = list["unknown"][0].as_str().unwrap();
    assert!(
        own.contains("for its own sessions") && own.contains("statement_timeout"),
        "{own}"
    );
    let page = site.get("/t/postgres/settings").await.expect(200).text();
    assert!(page.contains("300MB") && page.contains("for its own sessions"), "{page}");
    for path in ["settings", "settings.json?limit=100", "", "index.json"] {
        let text = site.get(&format!("/t/postgres/{path}")).await.expect(200).text();
        assert!(!text.contains("geheim"), "{path}: {text}");
    }
    let archiver = row(&site, "replication", "object", "archiver").await;
    assert!(["on", "failing"].contains(&archiver["state"].as_str().unwrap()), "{archiver}");
}

#[tokio::test]
async fn standbys_and_slots_are_shown_and_a_standby_says_how_far_it_is() {
    // Over TCP, because the standby's account may not enter the folder of the primary's socket.
    let mut options = options();
    options.listen_on_loopback();
    let mut primary = Sandbox::start(&options).unwrap();
    let standby = standby_of(&mut primary, "paris");
    let client = connect_to(&primary.url("postgres")).await.unwrap();
    let replica = connect_to(&standby.url("postgres")).await.unwrap();
    until("the standby streams", || async {
        value(&client, "SELECT state FROM pg_stat_replication").await == "streaming"
    })
    .await;
    client.batch_execute("CREATE TABLE first ()").await.unwrap();
    until("the standby has replayed a transaction", || async {
        value(&replica, "SELECT pg_last_xact_replay_timestamp() IS NOT NULL").await == "t"
    })
    .await;
    replica.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
    until("the standby has stopped replaying", || async {
        value(&replica, "SELECT pg_get_wal_replay_pause_state()").await == "paused"
    })
    .await;
    let slot = "SELECT pg_create_physical_replication_slot('later', true)";
    client.batch_execute(slot).await.unwrap();
    client.batch_execute(SALES).await.unwrap();
    until("the standby is behind", || async {
        let behind =
            "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) > 0";
        value(&replica, behind).await == "t"
    })
    .await;
    let site_of_primary = site(&primary).await;
    let own = row(&site_of_primary, "replication", "object", "this server").await;
    assert_eq!((&own["kind"], &own["behind_bytes"]), (&"primary".into(), &Value::Null));
    let paris = row(&site_of_primary, "replication", "object", "paris").await;
    assert_eq!((&paris["kind"], &paris["state"]), (&"standby".into(), &"streaming".into()));
    assert!(paris["behind_bytes"].as_i64().unwrap() > 0, "{paris}");
    let later = row(&site_of_primary, "replication", "object", "later").await;
    assert_eq!((&later["kind"], &later["state"]), (&"physical slot".into(), &"inactive".into()));
    assert!(later["retained_bytes"].as_i64().unwrap() > 0, "{later}");
    assert_eq!(row(&site_of_primary, "replication", "object", "archiver").await["state"], "off");
    let page = site_of_primary.get("/t/postgres/replication").await.expect(200).text();
    assert!(page.contains("paris") && page.contains("streaming"), "{page}");

    let site_of_standby = site(&standby).await;
    let own = row(&site_of_standby, "replication", "object", "this server").await;
    assert_eq!(own["kind"], "standby");
    assert!(own["behind_bytes"].as_i64().unwrap() > 0, "{own}");
    assert!(own["behind_seconds"].is_number(), "{own}");
    standby.stop().unwrap();
}

#[tokio::test]
async fn what_a_role_may_not_see_of_the_server_is_said() {
    let db = Database::new().await;
    let nobody = db.role("nobody").await;
    let site = Site::started(db.start_as(&nobody, &["serve", "--listen", "127.0.0.1:0"])).await;
    for (page, help) in [
        ("settings", "GRANT pg_read_all_settings"),
        ("replication", "GRANT pg_read_all_stats TO"),
    ] {
        let path = format!("/t/{}/{page}", db.name);
        until("the checks were made", || async { site.get(&path).await.text().contains(help) })
            .await;
        let unknown = site.get(&format!("{path}.json")).await.json()["unknown"].to_string();
        assert!(unknown.contains(help), "{unknown}");
    }
}
