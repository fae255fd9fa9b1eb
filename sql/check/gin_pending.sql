-- How long the lists of GIN indexes are that nobody has sorted in yet, by pgstattuple in its schema.
-- $1: the oids of the indexes. Returns oid, pending_pages and pending_rows.
-- Privilege: EXECUTE on the function (pg_stat_scan_tables). Cost: one page an index.
SELECT
  i.oid,
  s.pending_pages::pg_catalog.int8 AS pending_pages,
  s.pending_tuples AS pending_rows
FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS i (oid)
CROSS JOIN LATERAL {schema}.pgstatginindex(i.oid::pg_catalog.regclass) AS s
