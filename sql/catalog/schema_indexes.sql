-- Every valid index of the user's schemas, taken apart so that two can be compared.
-- Returns one row an index: oid; its schema, name, table_name; table_oid; method; keys: each key
-- column or expression as the server prints it, with operator class, collation and order by number;
-- first_key: the first one alone; included: the columns of INCLUDE; predicate, NULL without one;
-- is_unique; takes_nulls_as_equal; constraint_name: the primary key, unique or exclusion constraint
-- that it implements; is_primary; foreign_key: one that refers to it; is_replica_identity;
-- is_exclusion; columns: the numbers of all columns, 0 for an expression; definition: the whole
-- statement; is_partitioned, and the indexes of the partitions, NULL where there are none:
-- part_schemas, part_names. Indexes of partitions that are attached to one of the partitioned table
-- are left out.
-- Asked in a session whose search path is a migration's, so that operators are named with their schema, too.
-- Privilege: none. Cost: one pass over pg_index and pg_constraint.
SELECT
  i.indexrelid AS oid,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  i.indrelid AS table_oid,
  t.relname::pg_catalog.text AS table_name,
  m.amname::pg_catalog.text AS method,
  ARRAY (
    SELECT pg_catalog.concat_ws(
      ' ', pg_catalog.pg_get_indexdef(i.indexrelid, k.at, true), i.indclass[k.at OPERATOR(pg_catalog.-) 1],
      i.indcollation[k.at OPERATOR(pg_catalog.-) 1], i.indoption[k.at OPERATOR(pg_catalog.-) 1]
    )
    FROM pg_catalog.generate_series(1, i.indnkeyatts::pg_catalog.int4) AS k (at)
    ORDER BY k.at
  ) AS keys,
  pg_catalog.pg_get_indexdef(i.indexrelid, 1, false) AS first_key,
  ARRAY (
    SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k.at, true)
    FROM pg_catalog.generate_series(
      i.indnkeyatts::pg_catalog.int4 OPERATOR(pg_catalog.+) 1, i.indnatts::pg_catalog.int4
    ) AS k (at)
    ORDER BY k.at
  ) AS included,
  pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
  i.indisunique AS is_unique,
  COALESCE(
    (
      pg_catalog.to_jsonb(i) OPERATOR(pg_catalog.->>) 'indnullsnotdistinct'::pg_catalog.text
    )::pg_catalog.bool, false
  ) AS takes_nulls_as_equal,
  k.conname::pg_catalog.text AS constraint_name,
  i.indisprimary AS is_primary,
  (
    SELECT pg_catalog.min(f.conname::pg_catalog.text)
    FROM pg_catalog.pg_constraint AS f
    WHERE f.conindid OPERATOR(pg_catalog.=) i.indexrelid
      AND f.contype OPERATOR(pg_catalog.=) 'f'::pg_catalog."char"
  ) AS foreign_key,
  i.indisreplident AS is_replica_identity,
  i.indisexclusion AS is_exclusion,
  i.indkey::pg_catalog.int2[] AS columns,
  pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
  c.relkind OPERATOR(pg_catalog.=) 'I'::pg_catalog."char" AS is_partitioned,
  l.part_schemas,
  l.part_names
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) i.indrelid
JOIN pg_catalog.pg_am AS m ON m.oid OPERATOR(pg_catalog.=) c.relam
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_constraint AS k
  ON k.conindid OPERATOR(pg_catalog.=) i.indexrelid
  AND k.contype OPERATOR(pg_catalog.=) ANY ('{p,u,x}'::pg_catalog."char"[])
LEFT JOIN LATERAL (
  SELECT
    pg_catalog.array_agg(s.nspname::pg_catalog.text ORDER BY l.oid) AS part_schemas,
    pg_catalog.array_agg(l.relname::pg_catalog.text ORDER BY l.oid) AS part_names
  FROM pg_catalog.pg_partition_tree(i.indexrelid::pg_catalog.regclass) AS p
  JOIN pg_catalog.pg_class AS l ON l.oid OPERATOR(pg_catalog.=) p.relid::pg_catalog.oid
  JOIN pg_catalog.pg_namespace AS s ON s.oid OPERATOR(pg_catalog.=) l.relnamespace
  WHERE p.isleaf AND p.level OPERATOR(pg_catalog.>) 0
) AS l ON c.relkind OPERATOR(pg_catalog.=) 'I'::pg_catalog."char"
WHERE n.nspname OPERATOR(pg_catalog.<>)
    ALL ('{pg_catalog,pg_toast,information_schema}'::pg_catalog.text[])
  AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
  AND NOT c.relispartition
  AND i.indisvalid
ORDER BY i.indexrelid
