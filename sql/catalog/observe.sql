-- What the statements of this transaction have taken, scanned and made so far.
-- $1: the newest object known before. Returns one JSON object: at_us: the server's clock in
-- microseconds; relations: each table and materialized view that this session has locked, with the
-- modes, the file's number (0: none), and the sequential scans that are not yet in the statistics;
-- made: relations and constraints that are newer than $1.
-- Privilege: none. Cost: one pass over the lock table, index look-ups.
SELECT pg_catalog.json_build_object(
  'at_us', (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8,
  'relations', (
    SELECT COALESCE(pg_catalog.json_agg(r), '[]'::pg_catalog.json)
    FROM (
      SELECT
        c.oid::pg_catalog.int8 AS oid,
        n.nspname AS schema,
        c.relname AS name,
        c.relfilenode::pg_catalog.int8 AS file,
        pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans,
        pg_catalog.array_agg(l.mode) AS modes
      FROM pg_catalog.pg_locks AS l
      JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE l.pid = pg_catalog.pg_backend_pid()
        AND l.locktype = 'relation'
        AND l.granted
        AND c.relkind IN ('r', 'p', 'm')
        AND c.relpersistence <> 't'
        AND c.oid >= 16384::pg_catalog.oid
      GROUP BY c.oid, n.nspname, c.relname, c.relfilenode
      ORDER BY c.oid
    ) AS r
  ),
  'made', (
    SELECT COALESCE(pg_catalog.json_agg(m.oid::pg_catalog.int8), '[]'::pg_catalog.json)
    FROM (
      SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.oid > $1::pg_catalog.oid
      UNION ALL
      SELECT k.oid FROM pg_catalog.pg_constraint AS k WHERE k.oid > $1::pg_catalog.oid
    ) AS m
  )
)::pg_catalog.text AS observation
