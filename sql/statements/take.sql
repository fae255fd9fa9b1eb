-- Keeps the counters of this database's statements as far as they have changed since the last snapshot.
-- In braces: schema, that of the extension; key and figures, its columns as far as this version has them.
-- $1: the database's oid; $2: whether the role sees the statements of others: only then can a missing
-- one of theirs be gone; $3, $4, $5: when all counters were reset and the server was started, in
-- seconds since 1970, and evictions so far; $6, $7: versions of the extension and of pgtend. Returns
-- one row: id, statements, changed, hidden.
-- Privilege: SELECT, INSERT and UPDATE on the tables. Cost: the counters once, a row for each change.
WITH s AS MATERIALIZED (
  SELECT
    {key},
    {counters}
  FROM {schema}.pg_stat_statements(false) AS s
  WHERE s.dbid = $1::pg_catalog.oid
),
last AS (
  SELECT p.reset_at
  FROM pgtend.snapshot AS p
  WHERE p.extension_version IS NOT NULL
  ORDER BY p.id DESC
  LIMIT 1
),
changed AS MATERIALIZED (
  SELECT
    s.*,
    k.id AS known
  FROM s
  LEFT JOIN pgtend.statement AS k
    ON k.dbid = s.dbid
      AND k.userid = s.userid
      AND k.queryid = s.queryid
      AND k.toplevel = s.toplevel
  WHERE s.queryid IS NOT NULL
    AND (
      k.id IS NULL
      OR k.is_gone
      OR k.calls IS DISTINCT FROM s.calls
      OR k.plans IS DISTINCT FROM s.plans
      OR k.stats_since_epoch IS DISTINCT FROM s.stats_since_epoch
      -- After a reset a statement may stand at the very figures from before.
      OR EXISTS (
        SELECT FROM last
        WHERE last.reset_at
          IS DISTINCT FROM pg_catalog.to_timestamp($3::pg_catalog.float8)
      )
    )
),
gone AS MATERIALIZED (
  SELECT k.id
  FROM pgtend.statement AS k
  WHERE k.dbid = $1::pg_catalog.oid
    AND NOT k.is_gone
    AND (
      $2::pg_catalog.bool
      OR k.userid = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER)
    )
    AND NOT EXISTS (
      SELECT FROM s
      WHERE s.queryid = k.queryid
        AND s.userid = k.userid
        AND s.dbid = k.dbid
        AND s.toplevel = k.toplevel
    )
),
marked AS (
  UPDATE pgtend.statement AS k
  SET is_gone = true, calls = NULL, plans = NULL, stats_since_epoch = NULL
  FROM gone
  WHERE k.id = gone.id
),
renewed AS (
  UPDATE pgtend.statement AS k
  SET
    calls = c.calls,
    plans = c.plans,
    stats_since_epoch = c.stats_since_epoch,
    is_gone = false
  FROM changed AS c
  WHERE k.id = c.known
),
added AS (
  INSERT INTO pgtend.statement (dbid, userid, queryid, toplevel, calls, plans, stats_since_epoch)
  SELECT c.dbid, c.userid, c.queryid, c.toplevel, c.calls, c.plans, c.stats_since_epoch
  FROM changed AS c
  WHERE c.known IS NULL
  RETURNING id, dbid, userid, queryid, toplevel
),
taken AS (
  INSERT INTO pgtend.snapshot (
    reset_at, evictions, started_at, statements, changed, hidden, server_version_num,
    extension_version, pgtend_version
  )
  SELECT
    pg_catalog.to_timestamp($3::pg_catalog.float8),
    $5::pg_catalog.int8,
    pg_catalog.to_timestamp($4::pg_catalog.float8),
    (SELECT pg_catalog.count(*) FROM s WHERE s.queryid IS NOT NULL),
    (SELECT pg_catalog.count(*) FROM changed),
    (SELECT pg_catalog.count(*) FROM s WHERE s.queryid IS NULL),
    pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
    $6::pg_catalog.text,
    $7::pg_catalog.text
  RETURNING id, statements, changed, hidden
),
sampled AS (
  INSERT INTO pgtend.sample
  SELECT
    COALESCE(c.known, a.id),
    (SELECT t.id FROM taken AS t),
    c.stats_since_epoch,
    c.calls,
    c.rows,
    c.total_ms,
    c.min_ms,
    c.max_ms,
    c.stddev_ms,
    c.plans,
    c.plan_ms,
    c.shared_hit_blocks,
    c.shared_read_blocks,
    c.shared_dirtied_blocks,
    c.shared_written_blocks,
    c.local_hit_blocks,
    c.local_read_blocks,
    c.local_dirtied_blocks,
    c.local_written_blocks,
    c.temp_read_blocks,
    c.temp_written_blocks,
    c.read_ms,
    c.write_ms,
    c.temp_read_ms,
    c.temp_write_ms,
    c.wal_records,
    c.wal_full_page_images,
    c.wal_bytes,
    c.jit_functions,
    c.jit_ms,
    c.workers_launched
  FROM changed AS c
  LEFT JOIN added AS a
    ON c.known IS NULL
      AND a.dbid = c.dbid
      AND a.userid = c.userid
      AND a.queryid = c.queryid
      AND a.toplevel = c.toplevel
),
missed AS (
  INSERT INTO pgtend.sample (statement, snapshot)
  SELECT g.id, (SELECT t.id FROM taken AS t)
  FROM gone AS g
)
SELECT
  t.id,
  t.statements::pg_catalog.int8 AS statements,
  t.changed::pg_catalog.int8 AS changed,
  t.hidden::pg_catalog.int8 AS hidden
FROM taken AS t
