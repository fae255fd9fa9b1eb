-- The keys of BRIN indexes that hold the least and the greatest value of each range of pages, with what the
-- statistics say of the order in which the values lie.
-- Returns a row for each such key that is a column: object, table_object as the server quotes them; column_name;
-- keys: how many keys the index has; table_rows as of the last VACUUM or ANALYZE; correlation as in pg_stats (NULL: no
-- statistics, or not to be seen); may_read: the role may see its statistics.
-- Privilege: SELECT on a column for its statistics, or pg_read_all_data. Cost: pg_stats for such columns.
SELECT
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  pg_catalog.format('%I.%I', tn.nspname, t.relname) AS table_object,
  a.attname::pg_catalog.text AS column_name,
  i.indnkeyatts::pg_catalog.int4 AS keys,
  t.reltuples::pg_catalog.float8 AS table_rows,
  s.correlation::pg_catalog.float8 AS correlation,
  pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT')
    AND NOT (t.relrowsecurity AND pg_catalog.row_security_active(t.oid)) AS may_read
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'brin'
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
CROSS JOIN LATERAL ROWS FROM (
  pg_catalog.unnest(i.indkey::pg_catalog.int2[]), pg_catalog.unnest(i.indclass::pg_catalog.oid[])
) AS k (number, class)
JOIN pg_catalog.pg_opclass AS o
  ON o.oid = k.class
  AND o.oid < 16384::pg_catalog.oid
  AND pg_catalog.right(o.opcname::pg_catalog.text, 11) = '_minmax_ops'::pg_catalog.text
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number
LEFT JOIN pg_catalog.pg_stats AS s
  ON s.schemaname = tn.nspname
  AND s.tablename = t.relname
  AND s.attname = a.attname
  AND NOT s.inherited
WHERE i.indisvalid
  AND i.indpred IS NULL
  AND c.relpersistence <> 't'
ORDER BY c.oid, a.attnum
