-- The operator classes by which the indexes of this database order or hash their keys.
-- Returns a row for each method and class: has_length: the key's type has a length, as char(3); indexes: how many
-- have such a key; examples: some of them, as the server quotes them.
-- Privilege: none. Cost: pg_index and pg_attribute of the indexes.
SELECT
  m.amname::pg_catalog.text AS method,
  o.opcname::pg_catalog.text AS class,
  a.atttypmod <> -1 AS has_length,
  pg_catalog.count(DISTINCT i.indexrelid) AS indexes,
  (
    pg_catalog.array_agg(
      DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname)
    )
  )[1:10] AS examples
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
CROSS JOIN LATERAL pg_catalog.unnest(i.indclass::pg_catalog.oid[]) WITH ORDINALITY
  AS k (class_oid, place)
JOIN pg_catalog.pg_opclass AS o ON o.oid = k.class_oid
JOIN pg_catalog.pg_attribute AS a
  ON a.attrelid = i.indexrelid AND a.attnum = k.place::pg_catalog.int2
WHERE i.indrelid >= 16384::pg_catalog.oid AND c.relpersistence <> 't'
GROUP BY m.amname, o.opcname, a.atttypmod <> -1
