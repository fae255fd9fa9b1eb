-- How full the leaves of a B-tree are, by pgstattuple in its schema.
-- $1: the index's oid. Returns its bytes, leaf_pages and density: per cent of the leaves that is used on average.
-- Privilege: EXECUTE on the function (pg_stat_scan_tables). Cost: reads the whole index.
SELECT
  s.index_size AS bytes,
  s.leaf_pages,
  s.avg_leaf_density AS density
FROM {schema}.pgstatindex($1::pg_catalog.oid::pg_catalog.regclass) AS s
