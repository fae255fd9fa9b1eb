-- The collations of this database whose order indexes rely on, as it was and as the system sorts now.
-- Returns object: the collation, as the server quotes it, or the database (is_database); recorded and
-- actual version (NULL: it has none, as C; of a database also: it was made where collations have none, as with
-- musl); indexes: those that rely on it, hash indexes apart.
-- Privilege: none. Cost: pg_index, and a question to the system for each collation that an index uses.
WITH used AS MATERIALIZED (
  SELECT
    k.collation_oid,
    pg_catalog.count(DISTINCT i.indexrelid) AS indexes
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
  JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname <> 'hash'
  CROSS JOIN LATERAL pg_catalog.unnest(i.indcollation::pg_catalog.oid[]) AS k (collation_oid)
  WHERE i.indrelid >= 16384::pg_catalog.oid
  GROUP BY k.collation_oid
)
SELECT
  pg_catalog.format('%I.%I', n.nspname, c.collname) AS object,
  false AS is_database,
  c.collversion AS recorded,
  pg_catalog.pg_collation_actual_version(c.oid) AS actual,
  u.indexes
FROM used AS u
JOIN pg_catalog.pg_collation AS c ON c.oid = u.collation_oid AND c.collprovider <> 'd'
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.collnamespace
WHERE c.collversion IS NOT NULL
UNION ALL
SELECT
  d.datname::pg_catalog.text,
  true,
  d.datcollversion,
  pg_catalog.pg_database_collation_actual_version(d.oid),
  COALESCE((
    SELECT pg_catalog.sum(u.indexes)::pg_catalog.int8
    FROM used AS u
    JOIN pg_catalog.pg_collation AS c ON c.oid = u.collation_oid AND c.collprovider = 'd'
  ), 0::pg_catalog.int8)
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
