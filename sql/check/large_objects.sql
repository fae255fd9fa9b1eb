-- Large objects, and how many of them columns can refer to at most.
-- Returns one row: objects (counted up to a limit); bytes as of the last VACUUM or ANALYZE; columns: those of type
-- oid or of a domain over it, of the user's tables; rows of their tables, as many as have such columns
-- (NULL: one of them was never analyzed).
-- Privilege: none. Cost: at most 100,001 rows of the catalog of large objects; the columns of the user's tables.
WITH referring AS MATERIALIZED (
  SELECT c.reltuples::pg_catalog.float8 AS rows
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  WHERE c.relkind IN ('r', 'm', 'f')
    AND c.oid >= 16384::pg_catalog.oid
    AND a.attnum > 0::pg_catalog.int2
    AND NOT a.attisdropped
    AND 'pg_catalog.oid'::pg_catalog.regtype::pg_catalog.oid IN (t.oid, t.typbasetype)
)
SELECT
  (
    SELECT pg_catalog.count(*)
    FROM (SELECT m.oid FROM pg_catalog.pg_largeobject_metadata AS m LIMIT 100001) AS m
  ) AS objects,
  (
    SELECT c.relpages::pg_catalog.int8 * 8192::pg_catalog.int8
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass::pg_catalog.oid
  ) AS bytes,
  (SELECT pg_catalog.count(*) FROM referring AS r) AS columns,
  (
    SELECT
      CASE
        WHEN pg_catalog.count(*) FILTER (WHERE r.rows < 0::pg_catalog.float8) = 0::pg_catalog.int8
          THEN COALESCE(pg_catalog.sum(r.rows), 0::pg_catalog.float8)
      END
    FROM referring AS r
  ) AS rows
