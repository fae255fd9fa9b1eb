-- What sessions of this run wait for right now.
-- $1: their process ids. Returns a row for each that is executing a statement, and for each that has not ended where its
-- state is not active: is_active; type and event: what it waits for, both NULL where it computes.
-- Privilege: none, for the sessions of the role itself. Cost: one row of pg_stat_activity for each session of the server.
SELECT
  a.state = 'active'::pg_catalog.text AS is_active,
  a.wait_event_type AS type,
  a.wait_event AS event
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = ANY ($1::pg_catalog.int4[])
