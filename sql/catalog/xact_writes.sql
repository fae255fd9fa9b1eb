-- What the running transaction has written to a relation.
-- $1: its oid. Returns rows inserted, updated and deleted.
-- Privilege: none. Cost: none to speak of.
SELECT
  pg_catalog.pg_stat_get_xact_tuples_inserted($1::pg_catalog.oid) AS inserted,
  pg_catalog.pg_stat_get_xact_tuples_updated($1::pg_catalog.oid) AS updated,
  pg_catalog.pg_stat_get_xact_tuples_deleted($1::pg_catalog.oid) AS deleted
