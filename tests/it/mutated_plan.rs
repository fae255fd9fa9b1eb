//! `plan` with files that were broken in many ways: it ends soon and modestly, refuses at file and
//! line, and changes nothing. PGTEND_PLAN_ROUNDS sets how many files there are (`make mutations`),
//! PGTEND_PLAN_SEED replays a campaign; a failure prints both.

use std::time::Duration;

use crate::mutated::Numbers;
use crate::support::{Database, Output};

/// So many files are part of every test run.
const ROUNDS: u64 = 25;
/// How long a plan may compute: how long it takes also depends on who else does.
const LIMIT: Duration = Duration::from_secs(10);
/// How much memory a plan may have, in kB.
const MOST: u64 = 500_000;

/// Half of what the files declare is there, so that definitions are compared.
const SCHEMA: &str = "
    CREATE SCHEMA app;
    CREATE TABLE public.t (id int, a int, b text, c varchar(20), d timestamptz, e jsonb, f int[]);
    CREATE TABLE app.t (LIKE public.t);
    CREATE TABLE app.parts (LIKE public.t) PARTITION BY LIST (a);
    CREATE TABLE app.part_1 PARTITION OF app.parts FOR VALUES IN (1);
    CREATE TABLE app.part_2 PARTITION OF app.parts FOR VALUES IN (2);
    CREATE INDEX t_a ON public.t (a);
    CREATE INDEX t_lower ON public.t (lower(b)) WHERE c IN ('new', 'paid');
    CREATE INDEX t_options ON app.t USING gin (e jsonb_path_ops) WITH (fastupdate = off);
    CREATE INDEX parts_a ON app.parts (a, b);
    CREATE MATERIALIZED VIEW app.v AS SELECT a, count(*) AS n FROM public.t GROUP BY a;
    CREATE UNIQUE INDEX v_a ON app.v (a);";

const SEEDS: [&str; 7] = [
    "CREATE INDEX t_a ON public.t (a);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_lower ON public.t \
     (lower(b))\n  WHERE c IN ('new', 'paid');\nCREATE UNIQUE INDEX \"T ü\" ON t (id, (a + 1) DESC NULLS \
     LAST) INCLUDE (b) WITH (fillfactor = 70);\nCOMMENT ON INDEX t_a IS E'it\\'s';\nANALYZE t (a, b);\n",
    "SET search_path = app, public;\nCREATE INDEX t_options ON t USING gin (e jsonb_path_ops) WITH \
     (fastupdate = off);\nCREATE INDEX ON app.t USING brin (d) WITH (pages_per_range = 32);\nCREATE INDEX \
     t_c ON t (c COLLATE \"C\" text_pattern_ops) WHERE a IS NOT NULL AND b ~ '^x' AND d > 'epoch';\n",
    "CREATE INDEX parts_a ON ONLY app.parts (a, b);\nCREATE INDEX part_1_a ON app.part_1 (a, b);\nALTER INDEX \
     app.parts_a ATTACH PARTITION app.part_1_a;\nCREATE INDEX ON app.parts (b);\nVACUUM (ANALYZE, PARALLEL \
     2) app.parts, t (a);\nDROP INDEX app.part_1_a CASCADE;\n",
    "CREATE MATERIALIZED VIEW app.v AS SELECT a, count(*) AS n FROM public.t GROUP BY a;\nCREATE UNIQUE INDEX \
     v_a ON app.v (a);\nCREATE MATERIALIZED VIEW w (x) AS WITH y AS (SELECT * FROM t JOIN app.t AS u USING \
     (id)) SELECT CASE WHEN y.id > 0 THEN f[1:2] END FROM y UNION ALL VALUES ($$a;b$$) WITH NO DATA;\n",
    "-- +goose Up\nCREATE TABLE n (a int, EXCLUDE USING gist (a WITH =));\nCREATE INDEX n_a ON n (a);\n-- +goose \
     StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\n-- +goose \
     StatementEnd\n-- +goose Down\nDROP INDEX n_a;\nDROP TABLE n;\n",
    "\\set ON_ERROR_STOP on\n\\restrict k\nCOPY public.t (id, b) FROM stdin;\n1\tit's; CREATE INDEX no ON t (b);\n\
     \\.\n\\unrestrict k\nBEGIN;\nDO $do$ BEGIN EXECUTE 'drop index t_a'; END $do$;\nALTER TABLE t ADD \
     CONSTRAINT c UNIQUE USING INDEX t_a, DROP COLUMN a;\nALTER INDEX t_a RENAME TO t_b;\nCOMMIT;\n",
    "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE INDEX t_x ON public.t USING btree \
     (((e ->> 'k'::text))) TABLESPACE pg_default;\nCREATE STATISTICS s ON a, b FROM public.t;\nALTER INDEX \
     public.t_a ALTER COLUMN 1 SET STATISTICS 100;\nCREATE SCHEMA s CREATE TABLE t (b int) CREATE INDEX i ON t (b);\n",
];

#[tokio::test]
#[expect(clippy::print_stdout, reason = "what a campaign came to")]
async fn no_mutation_breaks_a_plan() {
    let rounds = number_from("PGTEND_PLAN_ROUNDS").unwrap_or(ROUNDS);
    let seed = number_from("PGTEND_PLAN_SEED").unwrap_or(1);
    let database = Database::new().await;
    database.sql(SCHEMA).await;
    let before = objects(&database).await;
    let mut codes = [0_u64; 6];
    let (mut largest, mut longest) = (0, Duration::ZERO);
    for round in seed..seed + rounds {
        let file = mutated(round);
        // A failure names the file, and so the seed that replays it.
        let path = database.path(&format!("{round}_mutated.sql"));
        std::fs::write(&path, &file).unwrap();
        let path = path.display().to_string();
        let running = database.start(&["plan", "--ignore-other", &path]);
        let (output, used) = running.wait_for_peak();
        let story = format!(
            "replay with PGTEND_PLAN_ROUNDS=1 PGTEND_PLAN_SEED={round}\n{:?}\n{output}",
            String::from_utf8_lossy(&file)
        );
        holds(&output, &path, &story);
        assert!(used.kilobytes <= MOST && used.processor < LIMIT, "{used:?}; {story}");
        std::fs::remove_file(&path).unwrap();
        codes[usize::try_from(output.code).unwrap()] += 1;
        longest = longest.max(used.processor);
        largest = largest.max(used.kilobytes);
    }
    assert_eq!(objects(&database).await, before, "a plan changed something");
    println!("{rounds} plans; by exit code 0 to 5: {codes:?}; at most {largest} kB, {longest:?}");
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a whole number"))
}

/// The file of one round, so that it can be replayed alone.
fn mutated(round: u64) -> Vec<u8> {
    // Neighbours begin far apart.
    let mut numbers = Numbers(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let seed = SEEDS[numbers.below(SEEDS.len())];
    // Broken anyhow, or such that the server gets to see most of it.
    let text = match numbers.below(2) {
        0 => numbers.mutate(seed, &SEEDS),
        _ => reworded(seed, &mut numbers),
    };
    let mut file = text.into_bytes();
    if numbers.below(20) == 0 && !file.is_empty() {
        let at = numbers.below(file.len());
        file[at] = u8::try_from(128 + numbers.below(128)).unwrap();
    }
    file
}

/// Words and what stands between them.
fn words_of(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split_inclusive(|c| !is_word(c))
        .flat_map(|piece| {
            let end = piece.trim_end_matches(|c| !is_word(c)).len();
            [&piece[..end], &piece[end..]].into_iter().filter(|piece| !piece.is_empty())
        })
        .collect()
}

/// The text with up to three of its words replaced by others of the seeds.
fn reworded(seed: &str, numbers: &mut Numbers) -> String {
    let mut words = words_of(seed).into_iter().map(str::to_owned).collect::<Vec<_>>();
    for _ in 0..=numbers.below(3) {
        let others = words_of(SEEDS[numbers.below(SEEDS.len())]);
        let at = numbers.below(words.len());
        words[at] = others[numbers.below(others.len())].to_owned();
    }
    words.concat()
}

fn holds(output: &Output, path: &str, story: &str) {
    assert!((0..=5).contains(&output.code), "{story}");
    assert!(!output.stderr.contains("panicked"), "{story}");
    if output.code == 2 {
        let mut errors = output.stderr.lines().filter_map(|line| line.strip_prefix("error: "));
        assert!(errors.next().is_some_and(|error| is_placed(error, path)), "{story}");
    }
}

/// `FILE:LINE: …`, or what is wrong with the file's name.
fn is_placed(error: &str, path: &str) -> bool {
    let rest = error.strip_prefix(path).and_then(|rest| rest.strip_prefix(':'));
    rest.is_some_and(|rest| {
        let is_line = rest.split(':').next().is_some_and(|line| line.parse::<usize>().is_ok());
        is_line || rest.starts_with(" the file is not named as ")
    })
}

/// All that the database holds, as one number.
async fn objects(database: &Database) -> String {
    let classes = "SELECT md5(string_agg(c::text, ';' ORDER BY oid)) FROM (SELECT oid, relname, \
                   relnamespace, relkind, relfilenode, reloptions FROM pg_class) AS c";
    database.value(classes).await
}
