-- What PostgreSQL asks the referencing table of a foreign key for each row that is deleted from the
-- referenced one.
-- $1: names of tables, without schemas.
-- Returns a row with one JSON object for each foreign key to such a table that rows were deleted from (struct
-- twin::workload::KeyCheck): name of the key, the query, and the rows deleted since the counters were
-- begun. Privilege: none. Cost: the foreign keys, once.
SELECT pg_catalog.json_build_object(
  'name', k.conname,
  'query', pg_catalog.format(
    'SELECT 1 FROM %I.%I AS x WHERE %s FOR KEY SHARE OF x',
    n.nspname,
    c.relname,
    (
      SELECT pg_catalog.string_agg(
        pg_catalog.format('x.%I = $%s', a.attname, u.place), ' AND ' ORDER BY u.place
      )
      FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (number, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number
    )
  ),
  'deleted', pg_catalog.pg_stat_get_tuples_deleted(k.confrelid)
)::pg_catalog.text AS object
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS r ON r.oid = k.confrelid
WHERE k.contype = 'f'
  AND k.conparentid = 0::pg_catalog.oid
  AND r.relname::pg_catalog.text = ANY ($1::pg_catalog.text[])
  AND pg_catalog.pg_stat_get_tuples_deleted(k.confrelid) > 0::pg_catalog.int8
ORDER BY k.oid
