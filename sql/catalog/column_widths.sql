-- What is known of the columns of the given tables, for estimating an index's size.
-- $1: table oids. width_bytes: average; distinct_values: as pg_stats.n_distinct (negative: share
-- of the rows). No row for a column that was never analyzed or that the role may not read.
-- Privilege: SELECT on the column. Cost: the statistics of the given tables.
SELECT
  c.oid AS table_oid,
  s.attname::pg_catalog.text AS name,
  s.avg_width AS width_bytes,
  s.n_distinct::pg_catalog.float8 AS distinct_values
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_stats AS s
  ON s.schemaname = n.nspname AND s.tablename = c.relname AND NOT s.inherited
WHERE c.oid = ANY ($1::pg_catalog.oid[])
