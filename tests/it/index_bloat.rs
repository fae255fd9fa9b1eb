//! How large indexes would be, freshly built, against indexes that are.
//!
//! PGTEND_BLOAT_ROWS sets how many rows there are; with --nocapture the comparison is printed. PGTEND_BLOAT_QUERY names a
//! file with another query to compare with: its columns `idxname` and `bloat_pct`, as of pgsql-bloat-estimation.

use std::collections::HashMap;
use std::fmt::Write;

use tokio_postgres::SimpleQueryMessage;

use pgtend::inside::{IndexBloat, IndexesWanted, Known, load_index_bloat};

use crate::init::opened;
use crate::support::{Database, until};

const ROWS: u64 = 60_000;

/// Columns of every kind, in an order that no index has.
const TABLE: &str = "
    CREATE TYPE state AS ENUM ('new', 'open', 'done');
    CREATE TABLE shapes AS
    SELECT
      n AS id, n::int AS number, (n % 10)::int AS ten, (random() * 1000)::int AS thousand,
      (n / 2)::int AS pair, (random() * {rows} / 3)::int AS third, (n % ({rows} / 20 + 1))::int AS twenty,
      (CASE WHEN n % 2 = 0 THEN n % 8 ELSE n END)::bigint AS skewed,
      (power(random(), 4) * {rows} / 10)::int AS steep,
      CASE WHEN random() < 0.9 THEN NULL ELSE n::int END AS hole,
      CASE WHEN random() < 0.3 THEN NULL ELSE md5(n::text) END AS hole_text,
      md5(n::text)::uuid AS uuid, md5(n::text) AS hash, md5((n % 5000)::text) AS shared_hash,
      repeat('x', (n % 17)::int) || n AS label, 'user' || n || '@example.com' AS mail,
      substr('abcdefghijklmnopqrstuvwxyz', 1, 3 + (n % 20)::int) AS word,
      lpad((n % 9000)::text, 8, '0')::char(8) AS code, lpad(n::text, 12, '0')::varchar(20) AS serial,
      timestamptz '2024-01-01' + n * interval '7 s' AS at, date '2024-01-01' + (n % 900)::int AS day,
      (n % 2000)::numeric / 100 AS price, random() AS float, n % 3 = 0 AS flag,
      (ARRAY['new', 'open', 'done'])[1 + n % 3]::state AS state, (n % 30000)::smallint AS short,
      ARRAY[n, n % 7] AS list, ('10.0.' || n % 200 || '.' || n % 256)::inet AS address,
      CASE WHEN n % 50 = 0 THEN repeat(md5(n::text), 20) ELSE 'note ' || n END AS note
    FROM (SELECT n FROM generate_series(1, {rows}::bigint) AS n ORDER BY random()) AS s;";

/// Name and definition.
const SHAPES: [(&str, &str); 40] = [
    ("id", "UNIQUE (id)"),
    ("number", "(number)"),
    ("ten", "(ten)"),
    ("thousand", "(thousand)"),
    ("pair", "(pair)"),
    ("third", "(third)"),
    ("twenty", "(twenty)"),
    ("skewed", "(skewed)"),
    ("steep", "(steep)"),
    ("hole", "(hole)"),
    ("hole_text", "(hole_text)"),
    ("uuid", "(uuid)"),
    ("hash", "(hash)"),
    ("shared_hash", "(shared_hash)"),
    ("label", "(label)"),
    ("mail", "UNIQUE (mail)"),
    ("word", "(word)"),
    ("code", "(code)"),
    ("serial", "(serial)"),
    ("at", "(at DESC)"),
    ("day", "(day)"),
    ("price", "(price)"),
    ("float", "(float)"),
    ("flag", "(flag)"),
    ("state", "(state)"),
    ("list", "(list)"),
    ("address", "(address)"),
    ("ten_id", "(ten, id)"),
    ("ten_flag", "(ten, flag)"),
    ("day_thousand", "(day, thousand)"),
    ("thousand_third", "(thousand, third)"),
    ("word_number", "(word, number)"),
    ("hole_ten", "(hole, ten)"),
    ("three", "(state, thousand, at)"),
    ("include", "(thousand) INCLUDE (price)"),
    ("lower", "(lower(mail))"),
    ("month", "(date_trunc('month', day::timestamp))"),
    ("partial", "(thousand) WHERE flag"),
    ("loosely", "(twenty) WITH (fillfactor = 50)"),
    ("apart", "(thousand) WITH (deduplicate_items = off)"),
];

async fn shapes(db: &Database, rows: u64) {
    db.sql(&TABLE.replace("{rows}", &rows.to_string())).await;
    for (name, definition) in SHAPES {
        let (unique, definition) = match definition.strip_prefix("UNIQUE ") {
            Some(rest) => ("UNIQUE ", rest),
            None => ("", definition),
        };
        db.sql(&format!("CREATE {unique}INDEX \"{name}\" ON shapes {definition}")).await;
    }
    db.sql("ANALYZE shapes").await;
}

async fn found(db: &Database, role: &str) -> HashMap<String, IndexBloat> {
    let opened = opened(db, role).await;
    let session = opened.reader().await.unwrap();
    let wanted = IndexesWanted::default();
    let found = load_index_bloat(&session, &opened.server, wanted).await.unwrap();
    found.into_iter().map(|index| (index.name.name.clone(), index)).collect()
}

/// What another query takes for bloat, in per cent, by index.
async fn by_other_query(db: &Database) -> HashMap<String, f64> {
    let Ok(file) = std::env::var("PGTEND_BLOAT_QUERY") else {
        return HashMap::new();
    };
    let sql = std::fs::read_to_string(file).unwrap();
    let messages = db.session().await.simple_query(&sql).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let bloat = rows.map(|row| {
        let percent = row.get("bloat_pct").unwrap_or_default().parse().unwrap();
        (row.get("idxname").unwrap_or_default().to_owned(), percent)
    });
    bloat.collect()
}

fn fresh(index: &IndexBloat) -> f64 {
    match &index.fresh_bytes {
        Known::Known(bytes) => *bytes as f64,
        Known::Unavailable(why) => panic!("{}: {why}", index.name),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "what a campaign came to")]
async fn the_size_of_a_fresh_index_is_estimated() {
    let rows = std::env::var("PGTEND_BLOAT_ROWS").ok().map(|text| text.parse().unwrap());
    let db = Database::new().await;
    shapes(&db, rows.unwrap_or(ROWS)).await;
    let common = db.session().await.query(include_str!("index_bloat.sql"), &[]).await.unwrap();
    let common = common.iter().map(|row| (row.get(0), row.get(1)));
    let common = common.collect::<HashMap<String, i64>>();
    let found = found(&db, "postgres").await;
    let other = by_other_query(&db).await;
    let (mut errors, mut common_errors, mut report) = (Vec::new(), Vec::new(), String::new());
    for (name, definition) in SHAPES {
        let index = &found[name];
        // It has just been built: each point that it seems to be bloated, or too small, is an error.
        let bloat = |fresh: f64| 100.0 * (1.0 - fresh / index.bytes as f64);
        let (error, common_error) = (bloat(fresh(index)), bloat(common[name] as f64));
        assert!(index.ratio().unwrap() < 1.3, "{name} is taken for bloated: {index:?}");
        writeln!(
            report,
            "{name:15} {definition:45} {:>11} {error:>7.1} {common_error:>7.1} {:>7.1}",
            index.bytes,
            other.get(name).unwrap_or(&f64::NAN)
        )
        .unwrap();
        errors.push(error.abs());
        common_errors.push(common_error.abs());
    }
    let (median, common_median) = (median(errors), median(common_errors));
    println!("{report}median {median:.1}, without deduplication {common_median:.1}");
    let of_shapes = SHAPES.iter().filter_map(|(name, _)| other.get(*name));
    let other_errors = of_shapes.map(|percent| percent.abs()).collect::<Vec<_>>();
    if !other_errors.is_empty() {
        let greatest = other_errors.iter().copied().fold(0.0, f64::max);
        println!(
            "the other query: {} indexes, median {:.1}, greatest {greatest:.1}",
            other_errors.len(),
            self::median(other_errors)
        );
    }
    assert!(median <= 2.0, "{report}{median}");
}

/// Writes from a session of its own, whose end tells the statistics.
async fn elsewhere(db: &Database, sql: &str) {
    db.session().await.batch_execute(sql).await.unwrap();
}

/// Waits until the statistics know that so many rows were changed.
async fn changed(db: &Database, table: &str, rows: u64) {
    let sql = format!("SELECT pg_stat_get_mod_since_analyze('{table}'::regclass)::text");
    until("the statistics know", || async { db.value(&sql).await == rows.to_string() }).await;
}

fn why(index: &IndexBloat) -> String {
    match &index.fresh_bytes {
        Known::Known(bytes) => panic!("{}: {bytes}", index.name),
        Known::Unavailable(why) => why.to_string(),
    }
}

#[tokio::test]
async fn bloat_is_told_from_what_random_keys_settle_at() {
    let db = Database::new().await;
    elsewhere(
        &db,
        "CREATE TABLE t (id int PRIMARY KEY, random uuid, few int);
         CREATE INDEX t_random ON t (random);
         CREATE INDEX t_few ON t (few);
         INSERT INTO t SELECT n, md5(n::text)::uuid, hashint4(n) % 50 FROM generate_series(1, 100000) n;
         CREATE TABLE emptied (id int PRIMARY KEY, day int);
         CREATE INDEX emptied_day ON emptied (day);
         INSERT INTO emptied SELECT n, n / 100 FROM generate_series(1, 100000) n;
         DELETE FROM emptied WHERE id % 10 <> 0",
    )
    .await;
    changed(&db, "t", 100_000).await;
    changed(&db, "emptied", 190_000).await;
    db.sql("VACUUM ANALYZE t, emptied").await;
    changed(&db, "t", 0).await;
    changed(&db, "emptied", 0).await;
    let found = found(&db, "postgres").await;
    for name in ["t_pkey", "t_random", "t_few"] {
        let index = &found[name];
        assert!(index.ratio().unwrap() < 1.6, "{index:?}");
    }
    // As many bytes as it has, at the density that it has.
    let random = &found["t_random"];
    let natural = random.natural_bytes().unwrap() as f64;
    assert!((0.9..1.1).contains(&(random.bytes as f64 / natural)), "{random:?}");
    for name in ["emptied_pkey", "emptied_day"] {
        let index = &found[name];
        assert!(index.ratio().unwrap() > 4.0, "{index:?}");
        db.sql(&format!("REINDEX INDEX {name}")).await;
    }
    let rebuilt = crate::index_bloat::found(&db, "postgres").await;
    for name in ["emptied_pkey", "emptied_day"] {
        let (index, saved) = (&rebuilt[name], found[name].saved_bytes().unwrap());
        let really = found[name].bytes - index.bytes;
        assert!(saved.abs_diff(really) <= 2 * 8192, "{index:?} {saved} {really}");
    }
}

#[tokio::test]
async fn what_cannot_be_told_says_why() {
    let db = Database::new().await;
    let other = db.role("other").await;
    db.sql(
        "CREATE TABLE t (id int PRIMARY KEY, name text, \"We;ird\" int);
         CREATE INDEX t_name ON t (name);
         CREATE INDEX t_weird ON t (\"We;ird\");
         CREATE INDEX t_upper ON t (upper(name));
         CREATE INDEX t_short ON t (name) WHERE id > 10;
         CREATE INDEX t_hash ON t USING hash (id)",
    )
    .await;
    elsewhere(&db, "INSERT INTO t SELECT n, n, n FROM generate_series(1, 1000) n").await;
    changed(&db, "t", 1000).await;
    let never = found(&db, "postgres").await;
    assert_eq!(why(&never["t_pkey"]), "public.t was never analyzed; ANALYZE public.t");
    db.sql("ANALYZE t").await;
    changed(&db, "t", 0).await;
    let seen = found(&db, "postgres").await;
    for name in ["t_pkey", "t_name", "t_weird", "t_upper"] {
        assert!(seen[name].ratio().is_some(), "{:?}", seen[name]);
    }
    assert!(why(&seen["t_hash"]).contains("not of hash"));
    assert!(why(&seen["t_short"]).contains("partial"));

    let unseen = found(&db, &other).await;
    assert!(unseen["t_pkey"].ratio().is_some(), "{:?}", unseen["t_pkey"]);
    assert_eq!(
        why(&unseen["t_weird"]),
        format!(
            "{other} may not see the statistics of \"We;ird\"; GRANT pg_read_all_data TO {other}"
        )
    );
    db.sql(&format!("GRANT pg_read_all_data TO {other}")).await;
    assert_eq!(found(&db, &other).await, seen);

    // No statistics are needed of rows that each take the same, only their number.
    elsewhere(&db, "UPDATE t SET name = name || 'x' WHERE id <= 100").await;
    changed(&db, "t", 100).await;
    let stale = found(&db, "postgres").await;
    assert_eq!(
        why(&stale["t_name"]),
        "100 rows of public.t have changed since they were counted; ANALYZE public.t"
    );
    db.sql("VACUUM t").await;
    until("VACUUM is known", || async {
        found(&db, "postgres").await["t_pkey"].ratio().is_some()
    })
    .await;
    assert!(why(&found(&db, "postgres").await["t_name"]).starts_with("100 rows"));
}
