-- The indexes of tables, as the twin has to make them.
-- $1: oids of the tables.
-- Returns a row with one JSON object each (struct twin::data::Index): names, definition as the server
-- prints it, that of the constraint which owns it, the partitioned index that it is part of, true
-- length in pages (null: it has no file), the planner's figures, what its keys are.
-- Privilege: none. Cost: a lock of AccessShare on each table for a moment.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'table', t.relname,
  'kind', c.relkind,
  'definition', pg_catalog.pg_get_indexdef(c.oid),
  'constraint', k.conname,
  'constraint_definition', pg_catalog.pg_get_constraintdef(k.oid),
  'parent_schema', pn.nspname,
  'parent', pc.relname,
  'is_valid', x.indisvalid AND x.indisready AND x.indislive,
  'is_unique', x.indisunique,
  'scans', pg_catalog.pg_stat_get_numscans(c.oid),
  'serves_foreign_key', EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS f
    WHERE f.contype = 'f'
      AND (
        f.conindid = c.oid
        OR (
          f.conrelid = x.indrelid
          AND f.conkey OPERATOR(pg_catalog.@>) ARRAY[x.indkey[0]]
        )
      )
  ),
  'is_partial', x.indpred IS NOT NULL,
  'is_immediate', x.indimmediate,
  'is_replica_identity', x.indisreplident,
  'access_method', am.amname,
  'pages', CASE WHEN c.relkind = 'i' THEN pg_catalog.pg_relation_size(c.oid) / 8192 END,
  'relpages', c.relpages,
  'reltuples', c.reltuples::pg_catalog.text,
  'key_count', x.indnkeyatts,
  'keys', (
    SELECT pg_catalog.json_agg(
      pg_catalog.json_build_object(
        'column', ta.attname,
        'expression',
          CASE WHEN ta.attname IS NULL THEN pg_catalog.pg_get_indexdef(c.oid, a.attnum, true) END,
        'attribute', a.attname,
        'is_default_order', (
          SELECT o.opcdefault
            AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid
            AND (x.indcollation[a.attnum - 1] = ta.attcollation OR ta.attcollation = 0::pg_catalog.oid)
          FROM pg_catalog.pg_opclass AS o
          WHERE o.oid = x.indclass[a.attnum - 1] AND a.attnum <= x.indnkeyatts
        ),
        'length', y.typlen,
        'align', y.typalign
      ) ORDER BY a.attnum
    )
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attribute AS ta
      ON ta.attrelid = x.indrelid AND ta.attnum = x.indkey[a.attnum - 1] AND ta.attnum > 0
    WHERE a.attrelid = c.oid AND a.attnum > 0
  )
)::pg_catalog.text AS object
FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_constraint AS k
  ON k.conindid = c.oid AND k.conrelid = t.oid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS pc ON pc.oid = h.inhparent
LEFT JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pc.relnamespace
WHERE x.indrelid = ANY ($1::pg_catalog.oid[])
ORDER BY c.oid
