-- Begins a snapshot where no statements are counted.
-- $1: the version of pgtend. Returns its id.
-- Privilege: SELECT and INSERT on pgtend.snapshot. Cost: one row.
INSERT INTO pgtend.snapshot (started_at, statements, changed, hidden, server_version_num, pgtend_version)
SELECT
  pg_catalog.pg_postmaster_start_time(),
  0,
  0,
  0,
  pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  $1::pg_catalog.text
RETURNING id
