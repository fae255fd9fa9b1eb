-- How much of a table is room, by pgstattuple in its schema; pages whose rows all see are not read.
-- $1: the table's oid. Returns bytes, and thereof those that are free or of dead rows.
-- Privilege: EXECUTE on the function (pg_stat_scan_tables). Cost: reads the pages that VACUUM would read.
SELECT
  s.table_len AS bytes,
  (s.dead_tuple_len + s.approx_free_space)::pg_catalog.int8 AS free_bytes
FROM {schema}.pgstattuple_approx($1::pg_catalog.oid::pg_catalog.regclass) AS s
