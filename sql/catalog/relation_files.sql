-- The file of each table and materialized view, to see later which of them was rewritten.
-- Returns oid, schema, name, file (relfilenode; 0: none), scans (sequential ones of this session that
-- are not yet in the statistics); the newest object of the database; what sessions of this role begin
-- with by ALTER DATABASE, of any database, and ALTER ROLE (name=value; NULL: nothing); and the server's
-- clock in microseconds: at least one row, whose oid is NULL where there is no table.
-- Asked in a session whose search path is a migration's, so that operators are named with their schema, too.
-- Privilege: none. Cost: one pass over pg_class.
SELECT
  f.oid,
  f.schema,
  f.name,
  f.file,
  pg_catalog.pg_stat_get_xact_numscans(f.oid) AS scans,
  (
    SELECT pg_catalog.max(o.oid)
    FROM (
      SELECT pg_catalog.max(c.oid) AS oid FROM pg_catalog.pg_class AS c
      UNION ALL
      SELECT pg_catalog.max(k.oid) AS oid FROM pg_catalog.pg_constraint AS k
    ) AS o
  ) AS newest,
  (
    SELECT pg_catalog.array_agg(v.setting)
    FROM pg_catalog.pg_db_role_setting AS d
    CROSS JOIN LATERAL pg_catalog.unnest(d.setconfig) AS v (setting)
    WHERE d.setrole OPERATOR(pg_catalog.=) 0::pg_catalog.oid
      OR d.setrole OPERATOR(pg_catalog.=) (
        SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) SESSION_USER
      )
  ) AS defaults,
  (
    pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())
    OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8
  )::pg_catalog.int8 AS at_us
FROM (VALUES (1)) AS one (row)
LEFT JOIN (
  SELECT
    c.oid,
    n.nspname::pg_catalog.text AS schema,
    c.relname::pg_catalog.text AS name,
    c.relfilenode AS file
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m}'::pg_catalog."char"[])
    AND c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog."char"
    AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
) AS f ON true
