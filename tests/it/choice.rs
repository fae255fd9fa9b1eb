//! What pgtend takes for due is what autovacuum then processes: tables with random settings and
//! writes, judged by pgtend while autovacuum is off, and then left to autovacuum.
//!
//! PGTEND_CHOICE_TABLES sets how many tables there are, PGTEND_CHOICE_SEED replays a run; a failure
//! prints the seed.

use std::collections::BTreeSet;
use std::fmt::Write;

use pg_sandbox::Sandbox;
use tokio_postgres::{Client, NoTls};

use crate::support::server;
use crate::support::{Pgtend, until, value};

/// So many tables are part of every test run.
const TABLES: u64 = 120;

/// What was never analyzed is due for that alone.
const NEVER: &str = "no ANALYZE is known";

/// Numbers that look random and are the same for the same seed (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

async fn connect(sandbox: &Sandbox) -> Client {
    let (client, connection) = tokio_postgres::connect(&words(sandbox), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn words(sandbox: &Sandbox) -> String {
    let socket_dir = sandbox.socket_dir().display().to_string();
    format!("host={socket_dir} port={} user=postgres dbname=postgres", sandbox.port())
}

/// Makes a table, vacuums and analyzes it, and writes to it. Returns how many rows were written in
/// all.
async fn make_table(client: &Client, dice: &mut Dice, name: &str) -> u64 {
    let mut options = Vec::new();
    let mut option = |dice: &mut Dice, name: &str, values: &[&str]| {
        if dice.one_in(4) {
            let at = usize::try_from(dice.below(values.len() as u64)).unwrap();
            options.push(format!("autovacuum_{name} = {}", values[at]));
        }
    };
    option(dice, "vacuum_threshold", &["0", "10", "500"]);
    option(dice, "vacuum_scale_factor", &["0", "0.01", "0.5"]);
    option(dice, "vacuum_insert_threshold", &["-1", "0", "100"]);
    option(dice, "vacuum_insert_scale_factor", &["0", "0.1", "1"]);
    option(dice, "analyze_threshold", &["0", "10", "500"]);
    option(dice, "analyze_scale_factor", &["0", "0.01", "0.5"]);
    let with = match &options[..] {
        [] => String::new(),
        options => format!(" WITH ({})", options.join(", ")),
    };
    let rows = dice.below(2000);
    let (inserted, updated, deleted) =
        (dice.below(1500), dice.below(rows + 1) / 3, dice.below(rows + 1) / 3);
    let mut first = String::new();
    write!(
        first,
        "CREATE TABLE {name} (id int, x int){with};
         INSERT INTO {name} SELECT n, 0 FROM generate_series(1, {rows}) n;"
    )
    .unwrap();
    client.batch_execute(&first).await.unwrap();
    // What a session has written is counted late, and would be counted after its VACUUM.
    if !dice.one_in(5) {
        client.batch_execute(&format!("VACUUM ANALYZE {name}")).await.unwrap();
    }
    let writes = format!(
        "INSERT INTO {name} SELECT -n, 0 FROM generate_series(1, {inserted}) n;
         UPDATE {name} SET x = 1 WHERE id BETWEEN 1 AND {updated};
         DELETE FROM {name} WHERE id > {rows} - {deleted};"
    );
    if !dice.one_in(4) {
        client.batch_execute(&writes).await.unwrap();
        return rows + inserted + updated + deleted;
    }
    rows
}

/// The tables that the command would do, leaving out those that only pgtend does.
fn chosen(sandbox: &Sandbox, command: &str) -> BTreeSet<String> {
    let words = words(sandbox);
    let arguments = [
        command,
        "--needed",
        "--threshold",
        "1",
        "-n",
        "public",
        "--dry-run",
        "--format",
        "json",
        "-d",
        &words,
    ];
    let steps = Pgtend::new(&arguments).run().expect(0).json().steps.into_iter();
    let due = steps.filter(|step| step.verdict == "to_do" && step.reason != NEVER);
    due.map(|step| step.object.trim_start_matches("public.").to_owned()).collect()
}

/// The tables of which autovacuum says in the log that it has done this.
fn done(sandbox: &Sandbox, what: &str) -> BTreeSet<String> {
    let log = sandbox.log().unwrap();
    let begin = format!("automatic {what} of table \"postgres.public.");
    let names = log.split(&begin).skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_is_due_is_what_autovacuum_processes() {
    let tables = number_from("PGTEND_CHOICE_TABLES").unwrap_or(TABLES);
    let seed = number_from("PGTEND_CHOICE_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let mut options = server::options();
    let settings = [
        // One visit is long over before the next, in which the rows that are left count anew.
        ("autovacuum_naptime", "20s"),
        ("autovacuum_max_workers", "1"),
        ("autovacuum_vacuum_cost_delay", "0"),
        ("log_autovacuum_min_duration", "0"),
    ];
    options.settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let sandbox = Sandbox::start(&options).unwrap();
    let control = connect(&sandbox).await;
    control.batch_execute("ALTER SYSTEM SET autovacuum = off").await.unwrap();
    control.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    until("autovacuum is off", async || {
        let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'autovacuum%'";
        value(&control, "SHOW autovacuum").await == "off" && value(&control, workers).await == "0"
    })
    .await;

    let mut dice = Dice(seed);
    let mut written = 0;
    for at in 0..tables {
        // A session of its own: its counts are there when it is gone.
        let session = connect(&sandbox).await;
        written += make_table(&session, &mut dice, &format!("t{at}")).await;
    }
    until("all writes are counted", async || {
        let sql =
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables";
        value(&control, sql).await == written.to_string()
    })
    .await;
    let (vacuum, analyze) = (chosen(&sandbox, "vacuum"), chosen(&sandbox, "analyze"));
    assert!(!vacuum.is_empty() && !analyze.is_empty());

    control.batch_execute("ALTER SYSTEM SET autovacuum = on").await.unwrap();
    control.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    until("autovacuum has done what pgtend would", async || {
        vacuum.is_subset(&done(&sandbox, "vacuum")) && analyze.is_subset(&done(&sandbox, "analyze"))
    })
    .await;
    until("autovacuum has ended its visit", async || {
        let worker =
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'
                      AND datname = 'postgres'";
        value(&control, worker).await == "0"
    })
    .await;
    assert_eq!(done(&sandbox, "vacuum"), vacuum, "PGTEND_CHOICE_SEED={seed}");
    assert_eq!(done(&sandbox, "analyze"), analyze, "PGTEND_CHOICE_SEED={seed}");
    sandbox.stop().unwrap();
}
