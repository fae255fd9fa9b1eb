-- How indexes are used, and what besides queries has a use for them.
-- $1: their oids. Returns one row each. scans: since the statistics were last reset, of a partitioned
-- index those of all its parts; counted_seconds: since then, NULL where they never were; size_bytes: as of
-- the last VACUUM or build, with all parts. foreign_keys: those of its table whose columns it begins
-- with, NULL where there are none.
-- Privilege: none. Cost: index look-ups, and pg_constraint by table.
SELECT
  i.indexrelid AS oid,
  s.scans,
  s.size_bytes,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - pg_catalog.pg_stat_get_db_stat_reset_time(b.oid))
    ::pg_catalog.float8 AS counted_seconds,
  (
    SELECT pg_catalog.array_agg(k.conname::pg_catalog.text ORDER BY k.conname)
    FROM pg_catalog.pg_constraint AS k
    WHERE k.conrelid = i.indrelid
      AND k.contype = 'f'
      AND i.indpred IS NULL
      AND NOT EXISTS (
        SELECT
        FROM pg_catalog.unnest(k.conkey) AS x (attnum)
        WHERE NOT EXISTS (
          SELECT
          FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS y (attnum, place)
          WHERE y.attnum = x.attnum AND y.place <= pg_catalog.cardinality(k.conkey)::pg_catalog.int8
        )
      )
  ) AS foreign_keys
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_database AS b ON b.datname = pg_catalog.current_database()
CROSS JOIN LATERAL (
  SELECT
    pg_catalog.sum(pg_catalog.pg_stat_get_numscans(p.oid))::pg_catalog.int8 AS scans,
    pg_catalog.sum(
      p.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
    )::pg_catalog.int8 AS size_bytes
  FROM pg_catalog.pg_class AS p
  WHERE p.oid = i.indexrelid
    OR c.relkind = 'I' AND p.oid IN (
      SELECT t.relid::pg_catalog.oid
      FROM pg_catalog.pg_partition_tree(i.indexrelid::pg_catalog.regclass) AS t
    )
) AS s
WHERE i.indexrelid = ANY ($1::pg_catalog.oid[])
