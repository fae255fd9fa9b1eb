-- Removes what extended statistics hold: before 15 CREATE STATISTICS makes the row itself.
-- $1: their schema; $2: their name. Only on a twin.
DELETE FROM pg_catalog.pg_statistic_ext_data AS d
USING pg_catalog.pg_statistic_ext AS s, pg_catalog.pg_namespace AS n
WHERE d.stxoid = s.oid
  AND n.oid = s.stxnamespace
  AND n.nspname = $1::pg_catalog.text
  AND s.stxname = $2::pg_catalog.text
