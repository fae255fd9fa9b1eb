//! Whatever happens to a run, at most one further undisturbed run makes everything as declared.
//!
//! Each round disturbs an `apply` at random moments in random ways. PGTEND_FAULT_ROUNDS sets how
//! many rounds there are, PGTEND_FAULT_SEED replays a campaign; a failure prints both.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pg_sandbox::Sandbox;
use tokio_postgres::{Client, NoTls};

use crate::support::command::{Pgtend, Running};
use crate::support::server;
use crate::support::{Proxy, until};

/// So many rounds are part of every test run.
pub const ROUNDS: u64 = 12;

pub const DECLARED: &str = "
    CREATE INDEX t_plain ON t (a, c);
    CREATE UNIQUE INDEX t_unique ON t (id, a);
    CREATE INDEX t_expression ON t (lower(b));
    CREATE INDEX u_partial ON u (c) WHERE a > 10;
    CREATE INDEX p_parts ON p (a, c);";
const DECLARED_NAMES: [&str; 5] = ["t_plain", "t_unique", "t_expression", "u_partial", "p_parts"];

pub const SCHEMA: &str = "
    CREATE EXTENSION amcheck;
    CREATE TABLE t (id int, a int, b text, c int);
    INSERT INTO t SELECT n, n % 1000, md5(n::text), n % 77 FROM generate_series(1, 40000) n;
    CREATE TABLE u (LIKE t);
    INSERT INTO u SELECT * FROM t LIMIT 20000;
    CREATE TABLE p (LIKE t) PARTITION BY LIST (c);
    CREATE TABLE p_even PARTITION OF p FOR VALUES IN (0, 2, 4, 6);
    CREATE TABLE p_odd PARTITION OF p FOR VALUES IN (1, 3, 5, 7);
    INSERT INTO p SELECT * FROM t WHERE c < 8;";

/// How long nothing comes through.
const STALL: Duration = Duration::from_secs(2);

/// Ways to disturb a run.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    CancelBackend,
    TerminateBackend,
    KillBackend,
    KillPgtend,
    Terminate,
    Interrupt,
    RestartServer,
    IdleWriter,
    OldSnapshot,
    Analyze,
    Alter,
    ForeignBuild,
    TempFileLimit,
    CutNetwork,
    Stall,
    StallAndCut,
}

pub const FAULTS: [Fault; 16] = [
    Fault::CancelBackend,
    Fault::TerminateBackend,
    Fault::KillBackend,
    Fault::KillPgtend,
    Fault::Terminate,
    Fault::Interrupt,
    Fault::RestartServer,
    Fault::IdleWriter,
    Fault::OldSnapshot,
    Fault::Analyze,
    Fault::Alter,
    Fault::ForeignBuild,
    Fault::TempFileLimit,
    Fault::CutNetwork,
    Fault::Stall,
    Fault::StallAndCut,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_faults_one_more_run_makes_it_whole() {
    let rounds = number_from("PGTEND_FAULT_ROUNDS").unwrap_or(ROUNDS);
    let seed = number_from("PGTEND_FAULT_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64
    });
    let mut ground = Ground::new().await;
    for round in 0..rounds {
        // Each round has a seed of its own, so that it can be replayed alone.
        let round_seed = seed.wrapping_add(round);
        let mut random = Random(round_seed);
        let faults = (0..random.below(2) + 1).map(|_| random.pick(&FAULTS)).collect::<Vec<_>>();
        let story = format!(
            "round {round}: {faults:?}; replay with PGTEND_FAULT_ROUNDS=1 PGTEND_FAULT_SEED={round_seed}"
        );
        ground.round(round, &faults, &mut random, &story).await;
    }
}

pub fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a whole number"))
}

/// A server of the campaign's own, because it is killed and restarted, and a way to it that can be
/// cut.
pub struct Ground {
    sandbox: Sandbox,
    pub proxy: Proxy,
}

impl Ground {
    pub async fn new() -> Ground {
        let mut options = server::options();
        let settings = [
            ("deadlock_timeout", "100ms"),
            ("restart_after_crash", "on"),
            // Sorts go to temporary files, so that temp_file_limit can be reached.
            ("maintenance_work_mem", "1MB"),
            ("max_parallel_maintenance_workers", "1"),
        ];
        options.settings = settings
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let sandbox = Sandbox::start(&options).unwrap();
        let proxy = Proxy::start(&sandbox.socket_dir(), sandbox.port()).await;
        Ground { sandbox, proxy }
    }

    async fn round(&mut self, round: u64, faults: &[Fault], random: &mut Random, story: &str) {
        let name = format!("round_{round}");
        let admin = self.connect("postgres").await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let client = self.connect(&name).await;
        client.batch_execute(SCHEMA).await.unwrap();
        drop(client);
        let folder = tempfile::tempdir().unwrap();
        let declared = folder.path().join("declared.sql");
        std::fs::write(&declared, DECLARED).unwrap();
        let declared = declared.display().to_string();
        let apply = ["apply", "--max-wait", "2s", "--format", "json", declared.as_str()];
        let url = format!("host=127.0.0.1 port={} user=postgres dbname={name}", self.proxy.port);
        let running = Pgtend::new(&apply).env("DATABASE_URL", &url).start();

        let mut held = Vec::new();
        for fault in faults {
            random.moment().await;
            held.extend(self.inject(*fault, &name, &running).await);
        }
        let disturbed = running.wait_within(Duration::from_secs(120));
        assert!(
            // The last two: a signal came before the program could hear any.
            [0, 3, 4, 5, 130, 143, -9, -2, -15].contains(&disturbed.code),
            "{story}\nthe disturbed run ended oddly\n{disturbed}"
        );
        drop(held);
        self.calm(&name).await;

        let again = Pgtend::new(&apply).env("DATABASE_URL", &url).run();
        assert_eq!(
            again.code, 0,
            "{story}\n--- the disturbed run\n{disturbed}\n--- again\n{again}"
        );
        self.verify(&name, &declared, &url, story).await;
        let admin = self.connect("postgres").await;
        admin
            .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await
            .unwrap();
    }

    /// Does the fault; returns sessions that go on disturbing until they are dropped.
    pub async fn inject(&mut self, fault: Fault, name: &str, running: &Running) -> Option<Client> {
        match fault {
            Fault::CancelBackend => self.signal_builder(name, "pg_cancel_backend").await,
            Fault::TerminateBackend => self.signal_builder(name, "pg_terminate_backend").await,
            Fault::KillBackend => {
                for pid in self.builders(name).await {
                    let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
                }
            }
            Fault::KillPgtend => running.try_signal("KILL"),
            Fault::Terminate => running.try_signal("TERM"),
            Fault::Interrupt => running.try_signal("INT"),
            Fault::RestartServer => {
                self.sandbox.crash().unwrap();
                self.sandbox.restart().unwrap();
            }
            Fault::IdleWriter => {
                let writer = self.connect(name).await;
                let write =
                    "BEGIN; SET LOCAL lock_timeout = '1s'; INSERT INTO t SELECT 1000000, 1, 'x', 1";
                return writer.batch_execute(write).await.is_ok().then_some(writer);
            }
            Fault::OldSnapshot => {
                let reader = self.connect(name).await;
                let read = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM u";
                return reader.batch_execute(read).await.is_ok().then_some(reader);
            }
            Fault::Analyze => return self.send(name, "ANALYZE t").await,
            Fault::Alter => {
                let alter =
                    "SET lock_timeout = '300ms'; ALTER TABLE t ALTER COLUMN c SET STATISTICS 50";
                return self.send(name, alter).await;
            }
            Fault::ForeignBuild => {
                return self
                    .send(name, "CREATE INDEX CONCURRENTLY foreign_build ON t (c, b)")
                    .await;
            }
            Fault::TempFileLimit => {
                let limit = "ALTER SYSTEM SET temp_file_limit = '300kB'";
                let admin = self.connect("postgres").await;
                admin.batch_execute(limit).await.unwrap();
                admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
            }
            Fault::CutNetwork => self.proxy.cut(),
            Fault::Stall => self.proxy.stall_for(STALL),
            Fault::StallAndCut => {
                self.proxy.stall();
                tokio::time::sleep(STALL).await;
                self.proxy.cut();
                self.proxy.flow();
            }
        }
        None
    }

    /// Ends what the faults left that is not pgtend's to mend.
    pub async fn calm(&self, name: &str) {
        let admin = self.connect("postgres").await;
        admin.batch_execute("ALTER SYSTEM RESET temp_file_limit").await.unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        until("the disturbing sessions are gone", || async {
            let sql = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = $1 AND application_name = 'disturber'";
            admin.query_one(sql, &[&name]).await.unwrap().get::<_, i64>(0) == 0
        })
        .await;
        let client = self.connect(name).await;
        // A build that nobody waits for any more waits for this session, and the server may end either.
        until("the index of others is gone", || async {
            client.batch_execute("DROP INDEX IF EXISTS foreign_build").await.is_ok()
        })
        .await;
    }

    async fn verify(&self, name: &str, declared: &str, url: &str, story: &str) {
        let check = ["plan", "--check", declared];
        let check = Pgtend::new(&check).env("DATABASE_URL", url).run();
        assert_eq!(check.code, 0, "{story}\nnot as declared\n{check}");
        let client = self.connect(name).await;
        let indexes = "SELECT c.relname, i.indisvalid AND i.indisready AND i.indislive, c.relkind = 'i' \
                       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'";
        let mut names = Vec::new();
        for row in client.query(indexes, &[]).await.unwrap() {
            let index: String = row.get(0);
            assert!(row.get::<_, bool>(1), "{story}\n{index} is not whole");
            if row.get(2) {
                let check = format!("SELECT bt_index_check('{index}', heapallindexed => true)");
                let sound = client.batch_execute(&check).await;
                sound.unwrap_or_else(|error| panic!("{story}\n{index}: {error:?}"));
            }
            names.push(index);
        }
        names.sort();
        let mut wanted = DECLARED_NAMES.map(str::to_owned).to_vec();
        wanted.extend(["p_even_p_parts".to_owned(), "p_odd_p_parts".to_owned()]);
        wanted.sort();
        assert_eq!(names, wanted, "{story}\nsomething is left over or missing");
    }

    async fn builders(&self, name: &str) -> Vec<String> {
        let client = self.connect("postgres").await;
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE datname = $1 \
                   AND application_name LIKE 'pgtend/%' AND query LIKE '%CONCURRENTLY%'";
        let rows = client.query(sql, &[&name]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn signal_builder(&self, name: &str, function: &str) {
        let client = self.connect("postgres").await;
        for pid in self.builders(name).await {
            client.batch_execute(&format!("SELECT {function}({pid})")).await.unwrap();
        }
    }

    /// Sends a statement from a session that is left alone with it.
    async fn send(&self, name: &str, sql: &'static str) -> Option<Client> {
        let client = Arc::new(self.connect(name).await);
        let sender = Arc::clone(&client);
        tokio::spawn(async move { sender.batch_execute(sql).await });
        None
    }

    /// A session past the proxy; a server that is just recovering is waited for.
    pub async fn connect(&self, database: &str) -> Client {
        let text = format!(
            "host={} port={} user=postgres dbname={database} application_name=disturber",
            self.sandbox.socket_dir().display(),
            self.sandbox.port()
        );
        let connected = Mutex::new(None);
        until("the server accepts connections", || async {
            let Ok((client, connection)) = tokio_postgres::connect(&text, NoTls).await else {
                return false;
            };
            tokio::spawn(connection);
            *connected.lock().unwrap() = Some(client);
            true
        })
        .await;
        connected.into_inner().unwrap().unwrap()
    }
}

/// SplitMix64: small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    /// A random moment of a run: here time itself is the input.
    pub async fn moment(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.below(700))).await;
    }
}
