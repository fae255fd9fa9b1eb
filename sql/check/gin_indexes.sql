-- The GIN indexes that write what is new into a list first, which VACUUM sorts in.
-- Returns oid; object, table_object as the server quotes them; bytes: as large as it is now. Nothing of those
-- whose table somebody has locked.
-- Privilege: none. Cost: pg_index and the lock table once, and the size of each such index.
WITH locked AS MATERIALIZED (
  SELECT DISTINCT l.relation
  FROM pg_catalog.pg_locks AS l
  WHERE l.locktype = 'relation'
    AND l.granted
    AND l.mode = 'AccessExclusiveLock'
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND l.relation IS NOT NULL
),
listed AS MATERIALIZED (
  SELECT
    c.oid,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
    pg_catalog.format('%I.%I', tn.nspname, t.relname) AS table_object
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
  JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'gin'
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
  WHERE i.indisvalid
    AND c.relpersistence <> 't'
    AND COALESCE(
      (
        SELECT o.option_value
        FROM pg_catalog.pg_options_to_table(c.reloptions) AS o (option_name, option_value)
        WHERE o.option_name = 'fastupdate'
      )::pg_catalog.bool,
      true
    )
    AND c.oid NOT IN (SELECT l.relation FROM locked AS l)
    AND t.oid NOT IN (SELECT l.relation FROM locked AS l)
)
SELECT
  l.oid,
  l.object,
  l.table_object,
  COALESCE(pg_catalog.pg_relation_size(l.oid::pg_catalog.regclass), 0::pg_catalog.int8) AS bytes
FROM listed AS l
