-- The partitions of tables that are partitioned by ranges of one column, and default partitions of all.
-- Returns for each parent_object, strategy as in pg_partitioned_table, key_type (NULL: an expression or several
-- columns), partitions: how many the parent has; object; bound as the server prints it (NULL where it is locked);
-- is_default, pages and rows as of the last VACUUM or ANALYZE; inserted: rows since the last reset.
-- Privilege: none. Cost: pg_inherits once; the bounds are printed.
WITH locked AS MATERIALIZED (
  SELECT DISTINCT l.relation
  FROM pg_catalog.pg_locks AS l
  WHERE l.locktype = 'relation'
    AND l.granted
    AND l.mode = 'AccessExclusiveLock'
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
)
SELECT
  pg_catalog.format('%I.%I', pn.nspname, p.relname) AS parent_object,
  k.partstrat::pg_catalog.text AS strategy,
  pg_catalog.format_type(a.atttypid, NULL) AS key_type,
  pg_catalog.count(*) OVER (PARTITION BY p.oid) AS partitions,
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  CASE
    WHEN c.oid NOT IN (SELECT l.relation FROM locked AS l WHERE l.relation IS NOT NULL)
      THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid)
  END AS bound,
  c.oid = k.partdefid AS is_default,
  c.relpages::pg_catalog.int8 AS pages,
  c.reltuples::pg_catalog.float8 AS rows,
  pg_catalog.pg_stat_get_tuples_inserted(c.oid) AS inserted
FROM pg_catalog.pg_partitioned_table AS k
JOIN pg_catalog.pg_class AS p ON p.oid = k.partrelid
JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_inherits AS i ON i.inhparent = k.partrelid
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a
  ON a.attrelid = k.partrelid AND k.partnatts = 1::pg_catalog.int2 AND a.attnum = k.partattrs[0]
WHERE p.relpersistence <> 't'
