-- How much ran from each snapshot to the next.
-- $1: only after this snapshot, unless all are older: then the history is another one; $2: of so many snapshots
-- at most, and of no more than those that have 200,000 changes in all; $3: the database; $4: the role whose
-- statements count, NULL for all. Returns a row for each snapshot that has one before it, in their order:
-- snapshot, taken_epoch in seconds since 1970, seconds since the one before, and what was counted meanwhile:
-- calls, total_ms, wal_bytes. A snapshot that saw statements that the one before could not see is left out.
-- Privilege: SELECT on the snapshots' tables. Cost: the samples of these snapshots, two rows by index for each.
WITH taken AS MATERIALIZED (
  SELECT
    p.id,
    p.taken_at,
    p.reset_at,
    p.hidden,
    p.changed,
    pg_catalog.lag(p.taken_at) OVER w AS before_at,
    pg_catalog.lag(p.reset_at) OVER w AS before_reset_at,
    pg_catalog.lag(p.hidden) OVER w AS before_hidden
  FROM pgtend.snapshot AS p
  WHERE p.extension_version IS NOT NULL
  WINDOW w AS (ORDER BY p.id)
),
known AS (
  SELECT
    t.*,
    pg_catalog.sum(t.changed) OVER (ORDER BY t.id DESC) AS changes
  FROM taken AS t
  WHERE t.before_at IS NOT NULL
    AND t.hidden >= t.before_hidden
    AND (
      t.id > $1::pg_catalog.int8
      OR $1::pg_catalog.int8 > (SELECT pg_catalog.max(u.id) FROM taken AS u)
    )
),
wanted AS MATERIALIZED (
  SELECT n.*
  FROM known AS n
  WHERE n.changes <= 200000::pg_catalog.int8
  ORDER BY n.id DESC
  LIMIT $2::pg_catalog.int8
)
SELECT
  s.id AS snapshot,
  pg_catalog.date_part('epoch', s.taken_at) AS taken_epoch,
  pg_catalog.date_part('epoch', s.taken_at)
  - pg_catalog.date_part('epoch', s.before_at) AS seconds,
  COALESCE(d.calls, 0::pg_catalog.float8) AS calls,
  COALESCE(d.total_ms, 0::pg_catalog.float8) AS total_ms,
  COALESCE(d.wal_bytes, 0::pg_catalog.float8) AS wal_bytes
FROM wanted AS s
LEFT JOIN LATERAL (
  SELECT
    pg_catalog.sum(m.calls - COALESCE(b.calls, 0::pg_catalog.float8)) AS calls,
    pg_catalog.sum(m.total_ms - COALESCE(b.total_ms, 0::pg_catalog.float8)) AS total_ms,
    pg_catalog.sum(m.wal_bytes - COALESCE(b.wal_bytes, 0::pg_catalog.float8)) AS wal_bytes
  FROM pgtend.sample AS m
  JOIN pgtend.statement AS k ON k.id = m.statement
  -- What the counters of the statement had been at, unless they have begun anew since.
  LEFT JOIN LATERAL (
    SELECT v.stats_since_epoch, v.calls, v.total_ms, v.wal_bytes
    FROM pgtend.sample AS v
    WHERE v.statement = m.statement AND v.snapshot < m.snapshot
    ORDER BY v.snapshot DESC
    LIMIT 1
  ) AS b
    ON s.reset_at IS NOT DISTINCT FROM s.before_reset_at
      AND b.stats_since_epoch IS NOT DISTINCT FROM m.stats_since_epoch
      AND b.calls <= m.calls
  WHERE m.snapshot = s.id
    AND k.dbid = $3::pg_catalog.oid
    AND ($4::pg_catalog.oid IS NULL OR k.userid = $4::pg_catalog.oid)
) AS d ON true
ORDER BY s.id
