-- What the statements of this transaction have taken, scanned and made so far.
-- $1: the newest object that was there before the migration; 0: the statement can only concern what is
-- new, so nothing is asked about locks, because looking for one among many thousands takes its time.
-- $2: the newest object that is known. Returns one JSON object: at_us: the server's clock in
-- microseconds; relations: each table and materialized view up to $1 that this session has locked, with
-- the modes, the file's number (0: none), and the sequential scans that are not yet in the statistics;
-- made: relations and constraints that are newer than $2. What one such query has told, the next one of
-- the same transaction does not tell again. Asked in a session whose search path is a migration's, so
-- that operators are named with their schema, too.
-- Privilege: none. Cost: index look-ups, and unless $1 is 0 one pass over the lock table.
WITH made AS MATERIALIZED (
  SELECT m.oid
  FROM (
    SELECT GREATEST(
      $2::pg_catalog.int8,
      CASE
        WHEN pg_catalog.current_setting('pgtend.newest', true)
          OPERATOR(pg_catalog.<>) ''::pg_catalog.text
          THEN pg_catalog.current_setting('pgtend.newest', true)::pg_catalog.int8
      END
    ) AS newest
  ) AS known
  CROSS JOIN LATERAL (
    SELECT c.oid::pg_catalog.int8 AS oid
    FROM pg_catalog.pg_class AS c
    WHERE c.oid OPERATOR(pg_catalog.>) known.newest::pg_catalog.oid
    UNION ALL
    SELECT k.oid::pg_catalog.int8 AS oid
    FROM pg_catalog.pg_constraint AS k
    WHERE k.oid OPERATOR(pg_catalog.>) known.newest::pg_catalog.oid
  ) AS m
)
SELECT
  pg_catalog.json_build_object(
    'at_us',
    (
      pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())
      OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8
    )::pg_catalog.int8,
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
        JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) l.relation
        JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
          AND l.locktype OPERATOR(pg_catalog.=) 'relation'::pg_catalog.text
          AND l.granted
          AND $1::pg_catalog.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
          AND l.relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
          AND l.relation OPERATOR(pg_catalog.<=) $1::pg_catalog.oid
          AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m}'::pg_catalog."char"[])
          AND c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog."char"
        GROUP BY c.oid, n.nspname, c.relname, c.relfilenode
        ORDER BY c.oid
      ) AS r
    ),
    'made', (SELECT COALESCE(pg_catalog.json_agg(m.oid), '[]'::pg_catalog.json) FROM made AS m)
  )::pg_catalog.text AS observation,
  pg_catalog.set_config(
    'pgtend.newest',
    COALESCE(
      (SELECT pg_catalog.max(m.oid) FROM made AS m)::pg_catalog.text,
      pg_catalog.current_setting('pgtend.newest', true)
    ),
    true
  ) AS newest
