-- The unique indexes of materialized views. A concurrent refresh matches rows by those that it can
-- use: it wants them equal in the key columns of every one of these.
-- Returns the view, the index's name, whether a concurrent refresh can use it (plain columns, no
-- predicate), and its key columns in their order, without expressions.
-- Privilege: none. Cost: index look-ups for each materialized view.
SELECT
  c.oid AS view,
  x.relname::pg_catalog.text AS index,
  i.indpred IS NULL AND i.indexprs IS NULL AS is_usable,
  (
    SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY k.place)
    FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
    WHERE k.place <= i.indnkeyatts
  ) AS columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
WHERE c.relkind = 'm' AND i.indisunique AND i.indisvalid AND i.indimmediate
ORDER BY c.oid, i.indexrelid
