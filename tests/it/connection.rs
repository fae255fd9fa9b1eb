//! Getting to the server: every way in, and what is said where there is none.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use pg_sandbox::Sandbox;

use crate::support::command::Pgtend;
use crate::support::database::connect;
use crate::support::old_server::{self, Manner};
use crate::support::server::{self, server};
use crate::support::tls::{Guarded, PASSWORD, SERVER_NAME, guarded, write};
use crate::support::{Database, NOTHING, Output};

/// What a failure must say. `message` and `hint` are pieces of the texts.
struct Said<'a> {
    code: i32,
    kind: &'a str,
    sqlstate: Option<&'a str>,
    message: &'a str,
    hint: &'a str,
}

/// Fails unless the run ended with this failure, in the JSON document and on standard error.
#[track_caller]
fn assert_said(output: Output, said: &Said<'_>) {
    let output = output.expect(said.code);
    let document = output.json();
    assert_eq!(document.outcome, "failed", "{output}");
    let error = document.error.as_ref().unwrap();
    let hint = error.hint.as_deref().unwrap_or_default();
    assert_eq!(error.kind, said.kind, "{output}");
    assert_eq!(error.sqlstate.as_deref(), said.sqlstate, "{output}");
    assert!(error.message.contains(said.message), "not {:?}\n{output}", said.message);
    assert!(hint.contains(said.hint), "not {:?}\n{output}", said.hint);
    assert!(output.stderr.contains(&format!("error: {}", error.message)), "{output}");
    assert!(output.stderr.contains(&format!("hint: {hint}")), "{output}");
}

/// A call that connects and finds nothing to do.
fn look(more: &[&str]) -> Pgtend {
    Pgtend::new(&[&["plan", "--format", "json", NOTHING], more].concat())
}

fn look_at(url: &str) -> Output {
    look(&["-d", url]).run()
}

#[track_caller]
fn assert_connects(output: Output, database: &str) {
    let output = output.expect(0);
    assert_eq!(output.json().database.as_deref(), Some(database), "{output}");
}

// No server there.

#[tokio::test]
async fn a_port_that_nobody_listens_on() {
    // Bound but not listening: nobody else can take it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    assert_said(
        look_at(&format!("postgres://me@127.0.0.1:{port}/db")),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: &format!("cannot connect to me@127.0.0.1:{port}/db"),
            hint: "no server listens there",
        },
    );
}

#[test]
fn a_socket_that_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    assert_said(
        look_at(&format!("host={} user=me dbname=db", folder.path().display())),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: "no such file or directory",
            hint: "no such socket",
        },
    );
}

#[test]
fn a_host_that_cannot_be_resolved() {
    assert_said(
        look_at("host=no-such-host.invalid user=me dbname=db"),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: "no-such-host.invalid:5432",
            hint: "cannot be resolved",
        },
    );
}

#[test]
fn a_port_that_accepts_and_never_answers_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("host=127.0.0.1 port={port} user=me dbname=db connect_timeout=1");
    let output = look(&["-d", &url]).start().wait_within(Duration::from_secs(20));
    assert_said(
        output,
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: "timed out",
            hint: "connect_timeout sets how long to try",
        },
    );
}

// A server that refuses.

#[tokio::test]
async fn a_wrong_password() {
    let db = Database::new_on(&guarded().await.server).await;
    assert_said(
        look(&["-d", &db.tcp_as("locked")]).env("PGPASSWORD", "guess").run(),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("28P01"),
            message: "password authentication failed for user \"locked\"",
            hint: "wrong password",
        },
    );
}

#[tokio::test]
async fn no_password_where_one_is_wanted() {
    let db = Database::new_on(&guarded().await.server).await;
    assert_said(
        look_at(&db.tcp_as("locked")),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: "password missing",
            hint: "set PGPASSWORD or add it to ~/.pgpass",
        },
    );
}

#[tokio::test]
async fn a_database_that_does_not_exist() {
    let url = format!("host={} user=postgres dbname=nowhere", server().socket_dir);
    assert_said(
        look_at(&format!("{url} port={}", server().port)),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("3D000"),
            message: "database \"nowhere\" does not exist",
            hint: "psql -l",
        },
    );
}

#[tokio::test]
async fn a_role_that_does_not_exist() {
    let db = Database::new().await;
    assert_said(
        look_at(&db.url_as("stranger")),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("28000"),
            message: "role \"stranger\" does not exist",
            hint: "the role does not exist",
        },
    );
}

#[tokio::test]
async fn a_role_that_may_not_connect() {
    let db = Database::new().await;
    let role = db.role("outsider").await;
    db.sql(&format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", db.name)).await;
    assert_said(
        look_at(&db.url_as(&role)),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("42501"),
            message: "permission denied for database",
            hint: "GRANT CONNECT",
        },
    );
}

#[test]
fn a_server_that_is_too_old() {
    let url = |port| format!("host=127.0.0.1 port={port} user=me dbname=db sslmode=disable");
    let port = old_server::start(Manner::Version(130_023));
    assert_said(
        look_at(&url(port)),
        &Said {
            code: 3,
            kind: "unsupported",
            sqlstate: None,
            message: "is PostgreSQL 13.23; pgtend needs 14 or newer",
            hint: "upgrade the server",
        },
    );
}

#[test]
fn a_server_so_old_that_it_refuses_our_settings() {
    let url = |port| format!("host=127.0.0.1 port={port} user=me dbname=db sslmode=disable");
    let port = old_server::start(Manner::NoSuchSetting("jit"));
    assert_said(
        look_at(&url(port)),
        &Said {
            code: 3,
            kind: "unsupported",
            sqlstate: Some("42704"),
            message: "is PostgreSQL 10 or older; pgtend needs 14 or newer",
            hint: "upgrade the server",
        },
    );
    let port = old_server::start(Manner::NoSuchSetting("nonsense"));
    assert_said(
        look_at(&url(port)),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("42704"),
            message: "unrecognized configuration parameter \"nonsense\"",
            hint: "PGOPTIONS",
        },
    );
}

// TLS.

/// The connection words for the guarded server by the name that its certificate bears.
fn by_name(guarded: &Guarded, db: &Database, role: &str, more: &str) -> String {
    let port = guarded.server.port;
    let name = &db.name;
    format!("host={SERVER_NAME} hostaddr=127.0.0.1 port={port} user={role} dbname={name} {more}")
}

#[tokio::test]
async fn a_server_that_wants_tls_where_the_client_has_it_disabled() {
    let db = Database::new_on(&guarded().await.server).await;
    let url = db.tcp_as("encrypted");
    assert_said(
        look_at(&format!("{url} sslmode=disable")),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("28000"),
            message: "no encryption",
            hint: "sslmode=require",
        },
    );
    for mode in ["prefer", "require"] {
        assert_connects(look_at(&format!("{url} sslmode={mode}")), &db.name);
    }
}

#[tokio::test]
async fn a_client_that_wants_tls_where_the_server_has_none() {
    let db = Database::new().await;
    let url = db.tcp_as("postgres");
    assert_said(
        look_at(&format!("{url} sslmode=require")),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: "server does not support TLS",
            hint: "the server has no TLS",
        },
    );
    assert_connects(look_at(&format!("{url} sslmode=prefer")), &db.name);
}

#[tokio::test]
async fn the_servers_certificate_is_verified_as_far_as_the_mode_says() {
    let guarded = guarded().await;
    let db = Database::new_on(&guarded.server).await;
    let [ours, other] = ["ours.pem", "other.pem"].map(|name| guarded.file(name));
    let by_address = |more: &str| format!("{} {more}", db.tcp_as("encrypted"));
    let by_name = |more: &str| by_name(guarded, &db, "encrypted", more);

    assert_connects(
        look_at(&by_name(&format!("sslmode=verify-full sslrootcert={ours}"))),
        &db.name,
    );
    assert_connects(
        look_at(&by_address(&format!("sslmode=verify-ca sslrootcert={ours}"))),
        &db.name,
    );
    assert_said(
        look_at(&by_address(&format!("sslmode=verify-full sslrootcert={ours}"))),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: "certificate not valid for name",
            hint: "subject alternative name",
        },
    );
    for mode in ["verify-ca", "verify-full"] {
        assert_said(
            look_at(&by_name(&format!("sslmode={mode} sslrootcert={other}"))),
            &Said {
                code: 3,
                kind: "connection",
                sqlstate: None,
                message: "UnknownIssuer",
                hint: "sslrootcert must name the authority",
            },
        );
        assert_said(
            look_at(&by_name(&format!("sslmode={mode}"))),
            &Said {
                code: 2,
                kind: "config",
                sqlstate: None,
                message: ".postgresql/root.crt does not exist",
                hint: "sslrootcert=system",
            },
        );
    }
}

#[tokio::test]
async fn a_client_certificate_lets_its_own_role_in() {
    let guarded = guarded().await;
    let db = Database::new_on(&guarded.server).await;
    let with = |name: &str| {
        let [certificate, key] = ["crt", "key"].map(|kind| guarded.file(&format!("{name}.{kind}")));
        let words = format!("sslmode=require sslcert={certificate} sslkey={key}");
        look_at(&by_name(guarded, &db, "certified", &words))
    };
    assert_connects(with("certified"), &db.name);
    assert_said(
        with("encrypted"),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("28000"),
            message: "certificate authentication failed for user \"certified\"",
            hint: "pg_hba.conf",
        },
    );
    assert_said(
        look_at(&by_name(guarded, &db, "certified", "sslmode=require")),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("28000"),
            message: "connection requires a valid client certificate",
            hint: "sslcert and sslkey",
        },
    );
}

#[tokio::test]
async fn a_build_is_cancelled_over_tls() {
    let guarded = guarded().await;
    let db = Database::new_on(&guarded.server).await;
    db.sql("CREATE TABLE sales (id int)").await;
    let reader = db.session().await;
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    let declared = db.declare("CREATE INDEX sales_id ON sales (id);");
    let words = format!("sslmode=verify-full sslrootcert={}", guarded.file("ours.pem"));
    let url = by_name(guarded, &db, "encrypted", &words);
    let running = Pgtend::new(&["apply", "--format", "json", "-d", &url, &declared]).start();
    db.until_waiting("pgtend/apply").await;
    let encrypted = "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                     WHERE a.application_name = 'pgtend/apply' AND a.datname = current_database()";
    assert_eq!(db.value(encrypted).await, "t");

    running.signal("INT");
    let output = running.wait().expect(130);
    assert_eq!(output.step("public.sales_id").status, "cancelled");
    assert_eq!(db.index("sales_id").await, None);
}

// The ways to say where to connect.

/// A folder to be the home of a call.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, text: &str) -> Self {
        write(self.0.path(), name, text);
        self
    }

    fn look(&self, more: &[&str]) -> Pgtend {
        look(more).env("HOME", &self.path(""))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

/// `locked`'s password in a URL.
const ENCODED: &str = "Tr0ub4dor%263%20%40%2F%3A%25";

#[tokio::test]
async fn a_url_key_value_words_and_variables_connect() {
    let db = Database::new_on(&guarded().await.server).await;
    let (name, port) = (db.name.as_str(), db.server.port.to_string());
    let url = format!("postgres://locked:{ENCODED}@127.0.0.1:{port}/{name}?connect_timeout=9");
    let words = format!("{} password='{PASSWORD}'", db.tcp_as("locked"));
    for text in [&url, &url.replace("postgres:", "postgresql:"), &words] {
        assert_connects(look_at(text), name);
        assert_connects(look(&[&format!("--database-url={text}")]).run(), name);
        assert_connects(look(&[]).env("DATABASE_URL", text).run(), name);
        // The option wins over the variable.
        let other = look(&["-d", text]).env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/no");
        assert_connects(other.run(), name);
    }
    let variables = look(&[])
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", &port)
        .env("PGUSER", "locked")
        .env("PGPASSWORD", PASSWORD)
        .env("PGDATABASE", name);
    assert_connects(variables.run(), name);
    let only_the_name = look(&["-d", name])
        .env("PGHOST", &db.server.socket_dir)
        .env("PGPORT", &port)
        .env("PGUSER", "postgres");
    assert_connects(only_the_name.run(), name);
}

#[tokio::test]
async fn the_password_file_is_used_if_it_is_private() {
    let db = Database::new_on(&guarded().await.server).await;
    let password = PASSWORD.replace(':', "\\:");
    let line = format!("127.0.0.1:{}:*:locked:{password}\n", db.server.port);
    let home = Home::new().with(".pgpass", &line);
    let url = db.tcp_as("locked");
    assert_connects(home.look(&["-d", &url]).run(), &db.name);

    use std::os::unix::fs::PermissionsExt;
    let readable = fs::Permissions::from_mode(0o644);
    fs::set_permissions(home.path(".pgpass"), readable).unwrap();
    let output = home.look(&["-d", &url]).run();
    assert!(output.stderr.contains("warning: password file"), "{output}");
    assert!(output.stderr.contains("0600"), "{output}");
    assert_said(
        output,
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: None,
            message: "password missing",
            hint: "~/.pgpass",
        },
    );
}

#[tokio::test]
async fn a_service_connects() {
    let db = Database::new_on(&guarded().await.server).await;
    let service = format!(
        "[crm]\nhost=127.0.0.1\nport={}\nuser=locked\ndbname={}\npassword={PASSWORD}\n",
        db.server.port, db.name
    );
    let home = Home::new().with(".pg_service.conf", &service).with("other.conf", &service);
    assert_connects(home.look(&["-d", "service=crm"]).run(), &db.name);
    assert_connects(home.look(&[]).env("PGSERVICE", "crm").run(), &db.name);
    let elsewhere = look(&["-d", "service=crm"]).env("PGSERVICEFILE", &home.path("other.conf"));
    assert_connects(elsewhere.run(), &db.name);
    let unknown = home.look(&["-d", "service=erp"]).run().expect(2);
    assert_eq!(unknown.json().error.unwrap().kind, "config");
}

#[tokio::test]
async fn a_target_of_the_configuration_connects() {
    let db = Database::new_on(&guarded().await.server).await;
    let url = format!("postgres://locked:{ENCODED}@127.0.0.1:{}/{}", db.server.port, db.name);
    let config = format!("[targets.crm]\nurl = \"{url}\"\n");
    let home = Home::new().with("pgtend.toml", &config);
    let config = home.path("pgtend.toml");
    let named = look(&["--config", &config, "--target", "crm"]);
    assert_connects(named.run(), &db.name);
    let by_variable = look(&["--target", "crm"]).env("PGTEND_CONFIG", &config);
    assert_connects(
        by_variable.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/no").run(),
        &db.name,
    );
    assert_said(
        look(&["--config", &config, "--target", "erp"]).run(),
        &Said {
            code: 2,
            kind: "usage",
            sqlstate: None,
            message: "there is no target erp",
            hint: "there are: crm",
        },
    );
}

#[test]
fn a_url_and_a_target_are_one_too_many() {
    let output = look(&["-d", "db", "--target", "crm"]).run().expect(2);
    assert!(output.stderr.contains("cannot be used with"), "{output}");
    assert!(output.stdout.is_empty(), "{output}");
}

// A server that lets in but must not be written to.

const SALES: &str = "CREATE TABLE sales (id int, user_id int);
    CREATE INDEX sales_user ON sales (abs(user_id));";
const DECLARED: &str = "CREATE INDEX sales_user ON sales (abs(user_id));
    CREATE INDEX sales_id ON sales (id);";

/// Fails unless the plan shows the existing index as not compared and the other as to be built.
#[track_caller]
fn assert_planned_without_comparing(output: Output) {
    let output = output.expect(0);
    let existing = output.step("public.sales_user");
    assert_eq!(existing.verdict, "as_declared", "{output}");
    assert!(existing.reason.contains("not compared"), "{output}");
    assert_eq!(output.step("public.sales_id").verdict, "to_do", "{output}");
    let warned = output.warned("not_compared");
    assert!(warned.contains(&"public.sales_user".to_owned()), "{output}");
}

#[tokio::test]
async fn a_standby_is_planned_for_and_not_written_to() {
    let mut sandbox = Sandbox::start(&server::options()).unwrap();
    let socket_dir = sandbox.socket_dir().display().to_string();
    let url = format!("host={socket_dir} port={} user=postgres dbname=postgres", sandbox.port());
    let (primary, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    primary.batch_execute(SALES).await.unwrap();
    Pgtend::new(&["init", "-d", &url]).run().expect(0);
    sandbox.crash().unwrap();
    fs::write(sandbox.data_dir().join("standby.signal"), "").unwrap();
    sandbox.restart().unwrap();

    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "declared.sql", DECLARED);
    let declared = folder.path().join("declared.sql").display().to_string();
    let plan = Pgtend::new(&["plan", "--format", "json", "-d", &url, &declared]);
    assert_planned_without_comparing(plan.run());
    let refused = Said {
        code: 3,
        kind: "unsupported",
        sqlstate: None,
        message: "is a standby",
        hint: "connect to the primary",
    };
    for call in [&["apply", &declared][..], &["init"], &["history", "--keep", "1d"]] {
        let call = [call, &["--format", "json", "-d", &url]].concat();
        assert_said(Pgtend::new(&call).run(), &refused);
    }
    Pgtend::new(&["history", "-d", &url]).run().expect(0);
    assert_said(
        Pgtend::new(&["vacuum", "--all", "--format", "json", "-d", &url]).run(),
        &Said {
            code: 3,
            kind: "unsupported",
            sqlstate: None,
            message: "is a standby",
            hint: "connect to the primary",
        },
    );
    assert_said(
        Pgtend::new(&["refresh", "--all", "--format", "json", "-d", &url]).run(),
        &Said {
            code: 3,
            kind: "unsupported",
            sqlstate: None,
            message: "is a standby",
            hint: "connect to the primary",
        },
    );
    sandbox.stop().unwrap();
}

#[tokio::test]
async fn a_read_only_role_plans_and_does_not_apply() {
    let db = Database::new().await;
    let role = db.role("reader").await;
    db.sql(SALES).await;
    db.sql(&format!("ALTER ROLE {role} SET default_transaction_read_only = on"))
        .await;
    db.sql(&format!(
        "ALTER TABLE sales OWNER TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
    ))
    .await;
    let declared = db.declare(DECLARED);
    assert_planned_without_comparing(db.pgtend_as(&role, &["plan", "--format", "json", &declared]));
    assert_said(
        db.pgtend_as(&role, &["apply", "--format", "json", &declared]),
        &Said {
            code: 3,
            kind: "privilege",
            sqlstate: None,
            message: "read-only by default",
            hint: "default_transaction_read_only",
        },
    );
    assert_eq!(db.index("sales_id").await, None);
}

#[tokio::test]
async fn a_database_whose_connections_are_all_taken() {
    let db = Database::new().await;
    db.sql(&format!("ALTER DATABASE {} CONNECTION LIMIT 2", db.name)).await;
    let role = db.role("late").await;
    let held = connect(db.server, &db.name, &role).await;
    assert_said(
        look_at(&db.url_as(&role)),
        &Said {
            code: 3,
            kind: "connection",
            sqlstate: Some("53300"),
            message: "too many connections for database",
            hint: "all connections are taken",
        },
    );
    drop(held);
}

#[tokio::test]
async fn parameters_of_orms_are_passed_over_with_a_warning_and_their_schema_counts() {
    let db = Database::new().await;
    db.sql("CREATE SCHEMA app; CREATE TABLE app.sales (id int)").await;
    let declared = db.declare("CREATE INDEX sales_id ON sales (id);");
    let url = format!(
        "postgresql+psycopg2://postgres@127.0.0.1:{}/{}?schema=app&connection_limit=5",
        db.server.port, db.name
    );
    let output = Pgtend::new(&["apply", "--format", "json", "-d", &url, &declared])
        .run()
        .expect(0);
    let warnings = output.json().warnings;
    assert_eq!(warnings.len(), 1, "{output}");
    assert_eq!(warnings[0].rule, "connection_parameter");
    assert!(warnings[0].message.contains("connection_limit"), "{output}");
    assert_eq!(output.stderr.matches("connection_limit is ignored").count(), 1, "{output}");
    let made = "SELECT schemaname FROM pg_indexes WHERE indexname = 'sales_id'";
    assert_eq!(db.value(made).await, "app");
}

/// It does not come back, unlike a server that restarts.
#[tokio::test]
async fn a_database_that_is_dropped_meanwhile_ends_the_run() {
    let db = Database::new().await;
    db.sql("CREATE TABLE sales (id int)").await;
    let declared = db.declare("CREATE INDEX sales_id ON sales (id);");
    let _writer = db.writer("sales").await;
    let running = db.start_apply(&[&declared]);
    db.until_waiting("pgtend/apply").await;
    let beside = connect(db.server, "postgres", "postgres").await;
    beside
        .batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", db.name))
        .await
        .unwrap();
    let output = running.wait_within(Duration::from_secs(30)).expect(4);
    assert!(output.stderr.contains("does not exist"), "{output}");
}
