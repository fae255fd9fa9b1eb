-- The materialized views of the database.
-- $1: oids of those that are wanted; empty: all; $2: the schemas of the search path in their order.
-- Returns one row each. is_visible: the search path finds it. may_refresh: the owner, or a role with MAINTAIN (17 and newer). key_columns:
-- those of a unique index by which a concurrent refresh can match rows (valid, immediate, plain
-- columns, no predicate), NULL without one; null_columns: columns of any such index that hold NULLs, as far
-- as the statistics know. rows: as of the last VACUUM or ANALYZE, negative if never; dead_rows: by the statistics; size: bytes with toast
-- and indexes.
-- Privilege: none; null_columns need SELECT on the view. Cost: pg_class once, a few catalogs and the
-- size on disk for each materialized view.
SELECT
  c.oid,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  n.nspname = ANY ($2::pg_catalog.text[]) AND NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_class AS v
    JOIN pg_catalog.pg_namespace AS s ON s.oid = v.relnamespace
    WHERE v.relname = c.relname
      AND v.relnamespace <> c.relnamespace
      AND pg_catalog.array_position($2::pg_catalog.text[], s.nspname::pg_catalog.text)
        < pg_catalog.array_position($2::pg_catalog.text[], n.nspname::pg_catalog.text)
  ) AS is_visible,
  pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
  pg_catalog.pg_has_role(c.relowner, 'USAGE')
  OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(c.relacl) AS g
    WHERE g.privilege_type = 'MAINTAIN'
      AND (g.grantee = 0::pg_catalog.oid OR pg_catalog.pg_has_role(g.grantee, 'USAGE'))
  )
  OR EXISTS (
    SELECT FROM pg_catalog.pg_roles AS m
    WHERE m.rolname = 'pg_maintain' AND pg_catalog.pg_has_role(m.oid, 'USAGE')
  ) AS may_refresh,
  c.relispopulated AS is_populated,
  c.reltuples::pg_catalog.float8 AS rows,
  pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows,
  pg_catalog.pg_total_relation_size(c.oid) AS size_bytes,
  k.columns AS key_columns,
  (
    SELECT pg_catalog.array_agg(s.attname::pg_catalog.text ORDER BY s.attname)
    FROM pg_catalog.pg_stats AS s
    WHERE s.schemaname = n.nspname
      AND s.tablename = c.relname
      AND s.null_frac > 0::pg_catalog.float4
      AND EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        CROSS JOIN pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS x (attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.attnum
        WHERE i.indrelid = c.oid
          AND i.indisunique
          AND i.indisvalid
          AND i.indimmediate
          AND i.indpred IS NULL
          AND i.indexprs IS NULL
          AND x.place <= i.indnkeyatts
          AND a.attname = s.attname
      )
  ) AS null_columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT
    (
      SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY x.place)
      FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS x (attnum, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.attnum
      WHERE x.place <= i.indnkeyatts
    ) AS columns
  FROM pg_catalog.pg_index AS i
  WHERE i.indrelid = c.oid
    AND i.indisunique
    AND i.indisvalid
    AND i.indimmediate
    AND i.indpred IS NULL
    AND i.indexprs IS NULL
  ORDER BY i.indnkeyatts, i.indexrelid
  LIMIT 1
) AS k ON true
WHERE c.relkind = 'm'
  AND (pg_catalog.cardinality($1::pg_catalog.oid[]) = 0 OR c.oid = ANY ($1::pg_catalog.oid[]))
ORDER BY n.nspname, c.relname
