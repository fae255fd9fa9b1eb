-- What the snapshots know of one statement.
-- $1: its queryid; $2: how many at most; $3, $4, $5: its user, database and toplevel. Returns a row for each snapshot that found it changed, the
-- newest first: snapshot, taken_epoch in seconds since 1970, shown_at for people, the key,
-- stats_since_epoch and the figures; calls is NULL where it was not counted any more. Of a snapshot
-- that was removed meanwhile only these are known.
-- Privilege: SELECT on the snapshots' tables. Cost: these rows, by index.
SELECT
  pg_catalog.date_part('epoch', p.taken_at) AS taken_epoch,
  pg_catalog.date_part('epoch', p.reset_at) AS reset_epoch,
  CASE
    WHEN p.taken_at BETWEEN '1000-01-01Z'::pg_catalog.timestamptz AND '9000-01-01Z'::pg_catalog.timestamptz
      THEN pg_catalog.to_char(p.taken_at, 'YYYY-MM-DD HH24:MI:SSOF')
  END AS shown_at,
  k.dbid,
  k.userid,
  k.queryid,
  k.toplevel,
  m.*
FROM pgtend.statement AS k
JOIN pgtend.sample AS m ON m.statement = k.id
LEFT JOIN pgtend.snapshot AS p ON p.id = m.snapshot
WHERE k.queryid = $1::pg_catalog.int8
  AND k.userid = $3::pg_catalog.oid
  AND k.dbid = $4::pg_catalog.oid
  AND k.toplevel = $5::pg_catalog.bool
ORDER BY m.snapshot DESC
LIMIT $2::pg_catalog.int8
