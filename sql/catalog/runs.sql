-- What the history tells, newest first.
-- $1: patterns as for LIKE, of which the object's name has to match one, with or without its quotes;
-- $2: seconds, no run is older; $3: the command; each may be NULL. $4: how many at most; $5: the
-- outcome, or NULL.
-- Returns the columns of pgtend.run; started_at in UTC as ISO 8601 has it (unknown where no clock says it), shown_at in the
-- session's time zone, started_ago_seconds.
-- Privilege: SELECT on pgtend.run. Cost: the newest rows by index, the more the rarer they match.
SELECT
  r.id,
  r.command,
  r.action,
  r.object,
  r.object_oid,
  CASE
    WHEN k.is_possible
      THEN pg_catalog.to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    ELSE 'unknown'
  END AS started_at,
  CASE
    WHEN k.is_possible THEN pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SSTZH')
    ELSE 'unknown'
  END AS shown_at,
  pg_catalog.date_part('epoch', pg_catalog.now()) - pg_catalog.date_part('epoch', r.started_at)
    AS started_ago_seconds,
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
  r.pgtend_version
FROM pgtend.run AS r
-- No error for what cannot be printed.
CROSS JOIN LATERAL (
  SELECT r.started_at BETWEEN '1000-01-01Z'::pg_catalog.timestamptz AND '9000-01-01Z'::pg_catalog.timestamptz
    AS is_possible
) AS k
WHERE (
    $1::pg_catalog.text[] IS NULL
    OR r.object LIKE ANY ($1::pg_catalog.text[])
    OR pg_catalog.replace(r.object, '"', '') LIKE ANY ($1::pg_catalog.text[])
  )
  AND (
    $2::pg_catalog.float8 IS NULL
    OR r.started_at >= pg_catalog.now() - pg_catalog.make_interval(secs => $2::pg_catalog.float8)
  )
  AND ($3::pg_catalog.text IS NULL OR r.command = $3::pg_catalog.text)
  AND ($5::pg_catalog.text IS NULL OR r.outcome = $5::pg_catalog.text)
ORDER BY r.started_at DESC, r.id DESC
LIMIT $4::pg_catalog.int8
