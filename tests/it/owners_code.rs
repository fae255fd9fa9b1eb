//! A comparison runs nothing of a table's owner with the rights of the role that runs pgtend, neither
//! while definitions are read nor while they are folded and printed.

use std::fs;

use crate::support::Database;

/// What a hostile owner tries from inside a function; nothing of it is undone by a rollback. In the
/// end it says who it ran as.
const ATTACK: &str = "
    CREATE FUNCTION app.attack() RETURNS void LANGUAGE plpgsql VOLATILE AS $attack$
    DECLARE
      statement text;
    BEGIN
      IF current_setting('application_name') NOT LIKE 'pgtend/%' THEN
        RETURN;
      END IF;
      FOREACH statement IN ARRAY ARRAY[
        'RESET ROLE',
        'SET SESSION AUTHORIZATION DEFAULT',
        'SET ROLE postgres',
        'SELECT set_config(''role'', ''postgres'', false)',
        'SELECT set_config(''session_authorization'', ''postgres'', false)',
        'SELECT lo_export(lo_from_bytea(0, ''x''), ''LOOT/lo'')',
        'COPY (SELECT 1) TO ''LOOT/copy''',
        'COPY (SELECT 1) TO PROGRAM ''touch LOOT/program''',
        'NOTIFY trap',
        'LISTEN trap',
        'CREATE TEMP TABLE pg_class (oid oid)',
        'CREATE TEMP TABLE text (a int)',
        'CREATE FUNCTION pg_temp.pg_get_indexdef(oid) RETURNS text LANGUAGE sql AS ''SELECT app.same($1::text)''',
        'CREATE FUNCTION app.pg_get_indexdef(oid) RETURNS text LANGUAGE sql AS ''SELECT app.same($1::text)''',
        'PREPARE trap AS SELECT 1',
        'SET search_path = app, pg_temp, pg_catalog',
        'SET standard_conforming_strings = off',
        'SET quote_all_identifiers = on'
      ] LOOP
        BEGIN
          EXECUTE statement;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        BEGIN
          PERFORM nextval('public.loot');
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
      END LOOP;
      RAISE LOG 'attack as %', current_user;
    END $attack$;
    CREATE FUNCTION app.yes(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
      BEGIN PERFORM app.attack(); RETURN true; END $$;
    CREATE FUNCTION app.same(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
      BEGIN PERFORM app.attack(); RETURN what; END $$;
    CREATE DOMAIN app.tag AS text CHECK (app.yes(VALUE));
    CREATE TYPE app.pair AS (tag app.tag, number int);
    CREATE TYPE app.spread AS RANGE (subtype = app.tag);
    CREATE TABLE app.t (
      a int,
      b text DEFAULT app.same('x'),
      tags app.tag[],
      pair app.pair,
      spread app.spread,
      computed text GENERATED ALWAYS AS (app.same('computed')) STORED,
      CHECK (app.yes(b))
    );
    CREATE TABLE app.\"text\" (a app.tag, b text);";

/// What exists; of each of these something else is declared.
const EXISTING: &[&str] = &[
    "INDEX folded ON app.t (a) WHERE app.yes('is')",
    "INDEX expression ON app.t (app.same('is' || b))",
    "INDEX literal ON app.t (a) WHERE tags = '{is}'",
    "INDEX row_literal ON app.t (a) WHERE pair = '(is,1)'::app.pair",
    "INDEX range_literal ON app.t (a) WHERE spread = '[is,jt]'",
    "INDEX computed ON app.t (computed) WHERE computed <> 'is'",
    "INDEX typed ON app.\"text\" (a) WHERE b = '(is)'",
    "MATERIALIZED VIEW app.totals AS SELECT app.same('is') AS same FROM app.t WHERE tags = '{is}' \
     WITH NO DATA",
];

#[tokio::test]
async fn nothing_of_the_owner_runs_as_the_superuser() {
    let db = Database::new().await;
    let mallory = db.role("mallory").await;
    let loot = format!("/tmp/pgtend_loot_{}", db.name);
    let _ = fs::remove_dir_all(&loot);
    fs::create_dir(&loot).unwrap();
    let folder = fs::File::open(&loot).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    folder.set_permissions(everybody).unwrap();
    db.sql(&format!(
        "CREATE SCHEMA app AUTHORIZATION {mallory}; CREATE SEQUENCE public.loot"
    ))
    .await;
    let session = db.session_as(&mallory).await;
    session.batch_execute(&ATTACK.replace("LOOT", &loot)).await.unwrap();
    let mut declaration = String::from(
        "CREATE INDEX missing_folded ON app.t (b) WHERE app.yes('missing');
         CREATE INDEX ON app.t (app.same(b));
         CREATE MATERIALIZED VIEW app.missing AS SELECT app.same('x') FROM app.t WHERE tags = '{x}';
         CREATE INDEX ON app.missing (app.same(same));",
    );
    for object in EXISTING {
        session.batch_execute(&format!("CREATE {object}")).await.unwrap();
        declaration.push_str(&format!("CREATE {};\n", object.replace("is", "declared")));
    }
    let declared = db.declare(&declaration);

    let plan = db.plan(&["--check", &declared]);
    for name in ["folded", "expression", "literal", "row_literal", "computed", "totals"] {
        let step = plan.step(&format!("app.{name}"));
        assert!(step.reason.starts_with("drifted"), "{name}: {plan}");
    }
    let attackers = attackers(&db, "pgtend/plan");
    assert!(attackers.contains(&mallory), "nothing of the owner ran: {plan}");
    assert!(attackers.iter().all(|attacker| *attacker == mallory), "{attackers:?}\n{plan}");
    assert_eq!(db.value("SELECT is_called FROM public.loot").await, "f");
    assert_eq!(fs::read_dir(&loot).unwrap().count(), 0);
    fs::remove_dir_all(&loot).unwrap();
}

/// Who the attacks of this application's sessions ran as.
fn attackers(db: &Database, application: &str) -> Vec<String> {
    let log = fs::read(&db.server.log_path).unwrap();
    let session = format!(" db={} app={application} ", db.name);
    let log = String::from_utf8_lossy(&log).into_owned();
    let lines = log.lines().filter(|line| line.contains(&session));
    let attacks = lines.filter_map(|line| line.split_once("LOG:  attack as "));
    let roles = attacks.filter_map(|(_, role)| role.split_whitespace().next());
    roles.map(str::to_owned).collect()
}

#[tokio::test]
async fn nothing_of_the_owner_runs_as_a_maintenance_role() {
    let db = Database::new().await;
    let (mallory, keeper) = (db.role("mallory").await, db.role("keeper").await);
    db.sql(&format!(
        "CREATE SCHEMA app AUTHORIZATION {mallory}; GRANT {mallory} TO {keeper}"
    ))
    .await;
    let session = db.session_as(&mallory).await;
    session.batch_execute(ATTACK).await.unwrap();
    session.batch_execute(&format!("CREATE {}", EXISTING[0])).await.unwrap();
    session.batch_execute("CREATE INDEX plain ON app.t (b DESC)").await.unwrap();
    let declared = db.declare(&format!("CREATE {}; CREATE INDEX plain ON app.t (b);", EXISTING[0]));
    let plan = ["plan", "--format", "json", &declared];

    // Without CREATE on the database the copy could not be the owner's.
    let output = db.pgtend_as(&keeper, &plan).expect(0);
    assert!(output.step("app.folded").reason.contains("not compared"), "{output}");
    assert!(output.stdout.contains("takes membership in that role and CREATE"), "{output}");
    assert!(output.step("app.plain").reason.starts_with("drifted"), "{output}");
    assert!(attackers(&db, "pgtend/plan").is_empty());

    db.sql(&format!("GRANT CREATE ON DATABASE {} TO {keeper}", db.name)).await;
    let output = db.pgtend_as(&keeper, &plan).expect(0);
    assert_eq!(output.step("app.folded").reason, "already as declared", "{output}");
    let attackers = attackers(&db, "pgtend/plan");
    assert!(
        !attackers.is_empty() && attackers.iter().all(|it| *it == mallory),
        "{attackers:?}"
    );
}
