-- The snapshots.
-- Returns a row for each, the newest first: id, epochs in seconds since 1970 (of when it was taken, of
-- the last reset of all counters, NULL where it is not known, and of the server's start), shown_at for
-- people, evictions, statements, changed, hidden. Where no statements were counted, statements and changed are NULL.
-- Privilege: SELECT on pgtend.snapshot. Cost: a row for each.
SELECT
  p.id,
  pg_catalog.date_part('epoch', p.taken_at) AS taken_epoch,
  CASE
    WHEN p.taken_at BETWEEN '1000-01-01Z'::pg_catalog.timestamptz AND '9000-01-01Z'::pg_catalog.timestamptz
      THEN pg_catalog.to_char(p.taken_at, 'YYYY-MM-DD HH24:MI:SSOF')
    ELSE 'unknown'
  END AS shown_at,
  pg_catalog.date_part('epoch', p.reset_at) AS reset_epoch,
  pg_catalog.date_part('epoch', p.started_at) AS started_epoch,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())
  - pg_catalog.date_part('epoch', p.taken_at) AS ago_seconds,
  p.evictions,
  CASE WHEN p.extension_version IS NOT NULL THEN p.statements::pg_catalog.int8 END AS statements,
  CASE WHEN p.extension_version IS NOT NULL THEN p.changed::pg_catalog.int8 END AS changed,
  p.hidden::pg_catalog.int8 AS hidden
FROM pgtend.snapshot AS p
ORDER BY p.id DESC
