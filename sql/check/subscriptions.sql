-- The subscriptions of this database.
-- Returns name as the server quotes it; is_enabled.
-- Privilege: none. Cost: one small catalog.
SELECT
  pg_catalog.quote_ident(s.subname::pg_catalog.text) AS name,
  s.subenabled AS is_enabled
FROM pg_catalog.pg_subscription AS s
WHERE s.subdbid = (
  SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
)
