-- How the keys of indexes are ordered or hashed.
-- Returns a row for each key of an index of this database: index_oid; method, class; has_length: the key's type has a
-- length, as char(3); collation as the server quotes it (NULL: the key has none), is_database_collation: it is the
-- database's own.
-- Privilege: none. Cost: pg_index and pg_attribute of the indexes.
SELECT
  i.indexrelid AS index_oid,
  m.amname::pg_catalog.text AS method,
  o.opcname::pg_catalog.text AS class,
  a.atttypmod <> -1 AS has_length,
  CASE WHEN l.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, l.collname) END AS collation,
  COALESCE(l.collprovider = 'd', false) AS is_database_collation
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
CROSS JOIN LATERAL ROWS FROM (
  pg_catalog.unnest(i.indclass::pg_catalog.oid[]), pg_catalog.unnest(i.indcollation::pg_catalog.oid[])
) WITH ORDINALITY AS k (class_oid, collation_oid, place)
JOIN pg_catalog.pg_opclass AS o ON o.oid = k.class_oid
JOIN pg_catalog.pg_attribute AS a
  ON a.attrelid = i.indexrelid AND a.attnum = k.place::pg_catalog.int2
LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = k.collation_oid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = l.collnamespace
WHERE i.indrelid >= 16384::pg_catalog.oid AND c.relpersistence <> 't'
