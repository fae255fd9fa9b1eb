//! Whatever happens to a run of `reindex`, at most one further undisturbed run leaves every index as it
//! was: whole, of its definition, with its comment, and nothing beside it.
//!
//! PGTEND_FAULT_ROUNDS and PGTEND_FAULT_SEED are as for `faults`.

use std::time::Duration;

use crate::faults::{DECLARED, FAULTS, Fault, Ground, ROUNDS, Random, SCHEMA, number_from};
use crate::support::command::Pgtend;

const TABLES: [&str; 6] = ["--table", "t", "--table", "u", "--table", "p_*"];

/// All indexes with what belongs to them, but for what changes with a rebuild.
const INDEXES: &str = "SELECT string_agg(concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid,
      i.indisready, i.indislive, obj_description(i.indexrelid, 'pg_class')), E'\\n' ORDER BY c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_faults_one_more_run_leaves_the_indexes_as_they_were() {
    let rounds = number_from("PGTEND_FAULT_ROUNDS").unwrap_or(ROUNDS);
    let seed = number_from("PGTEND_FAULT_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64
    });
    let mut ground = Ground::new().await;
    for round in 0..rounds {
        let round_seed = seed.wrapping_add(round);
        let mut random = Random(round_seed);
        let faults = (0..random.below(2) + 1).map(|_| random.pick(&FAULTS)).collect::<Vec<_>>();
        let story = format!(
            "round {round}: {faults:?}; replay with PGTEND_FAULT_ROUNDS=1 PGTEND_FAULT_SEED={round_seed}"
        );
        one_round(&mut ground, round, &faults, &mut random, &story).await;
    }
}

async fn one_round(
    ground: &mut Ground,
    round: u64,
    faults: &[Fault],
    random: &mut Random,
    story: &str,
) {
    let name = format!("reindex_{round}");
    let admin = ground.connect("postgres").await;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let client = ground.connect(&name).await;
    client.batch_execute(SCHEMA).await.unwrap();
    client.batch_execute(DECLARED).await.unwrap();
    client.batch_execute("COMMENT ON INDEX t_unique IS 'kept'").await.unwrap();
    let before: String = client.query_one(INDEXES, &[]).await.unwrap().get(0);
    drop(client);

    let url = format!("host=127.0.0.1 port={} user=postgres dbname={name}", ground.proxy.port);
    let run = |more: &[&str]| {
        let words = [&["reindex", "--format", "json", "--jobs", "2", "--max-wait", "2s"], more];
        Pgtend::new(&words.concat()).env("DATABASE_URL", &url)
    };
    let running = run(&TABLES).start();
    let mut held = Vec::new();
    for fault in faults {
        random.moment().await;
        held.extend(ground.inject(*fault, &name, &running).await);
    }
    let disturbed = running.wait_within(Duration::from_secs(120));
    assert!(
        [0, 3, 4, 5, 130, 143, -9, -2, -15].contains(&disturbed.code),
        "{story}\nthe disturbed run ended oddly\n{disturbed}"
    );
    drop(held);
    ground.calm(&name).await;

    let again = run(&["--needed"]).run();
    let told = format!("{story}\n--- the disturbed run\n{disturbed}\n--- again\n{again}");
    assert_eq!(again.code, 0, "{told}");
    let client = ground.connect(&name).await;
    let after: String = client.query_one(INDEXES, &[]).await.unwrap().get(0);
    assert_eq!(after, before, "{told}");
    let sound = client
        .batch_execute(
            "SELECT bt_index_check(i.indexrelid, true) FROM pg_index i
             JOIN pg_class c ON c.oid = i.indexrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'i'",
        )
        .await;
    sound.unwrap_or_else(|error| panic!("{told}\n{error:?}"));
    let all = run(&TABLES).run();
    assert_eq!(all.code, 0, "{told}\n--- undisturbed\n{all}");
    drop(client);
    let admin = ground.connect("postgres").await;
    admin
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
}
