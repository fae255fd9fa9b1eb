-- Writes what was done to the history.
-- $1: a JSON list of objects with the keys named below; started_ago_seconds is the time since a
-- step began, because only this server's clock counts. $2: the version of pgtend. Returns the new
-- rows' numbers.
-- Privilege: SELECT and INSERT on pgtend.run. Cost: a row for each.
INSERT INTO pgtend.run (
  command, action, object, object_oid, started_at, duration_ms, outcome, reason, sqlstate, mode,
  rows_inserted, rows_updated, rows_deleted, size_bytes, wal_bytes, pgtend_version
)
SELECT
  r.command,
  r.action,
  r.object,
  r.object_oid,
  pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => r.started_ago_seconds),
  r.duration_ms,
  r.outcome,
  r.reason,
  r.sqlstate,
  r.mode,
  r.rows_inserted,
  r.rows_updated,
  r.rows_deleted,
  r.size_bytes,
  r.wal_bytes,
  $2::pg_catalog.text
FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.text::pg_catalog.jsonb) AS r (
  command pg_catalog.text,
  action pg_catalog.text,
  object pg_catalog.text,
  object_oid pg_catalog.oid,
  started_ago_seconds pg_catalog.float8,
  duration_ms pg_catalog.float8,
  outcome pg_catalog.text,
  reason pg_catalog.text,
  sqlstate pg_catalog.text,
  mode pg_catalog.text,
  rows_inserted pg_catalog.int8,
  rows_updated pg_catalog.int8,
  rows_deleted pg_catalog.int8,
  size_bytes pg_catalog.int8,
  wal_bytes pg_catalog.int8
)
ORDER BY r.started_ago_seconds DESC
RETURNING id
