-- When each materialized view was last refreshed by pgtend, and how long that usually takes.
-- $1: oids of the views; empty: all. Returns a row for each that is known: object_oid; succeeded_ago_seconds since the end of the
-- last refresh that was done; median_duration_ms of the last ten, NULL where none is kept; sources: the JSON that was kept of what the view read. A view
-- is known by number and name: after a restore its number may have been another's.
-- Privilege: SELECT on pgtend.run and pgtend.view_state. Cost: ten rows by index for each view.
SELECT
  c.oid AS object_oid,
  EXTRACT(EPOCH FROM pg_catalog.now() - e.succeeded_at)::pg_catalog.float8
    AS succeeded_ago_seconds,
  l.median_duration_ms,
  s.sources::pg_catalog.text AS sources
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT pg_catalog.replace(
    pg_catalog.concat(n.nspname, '.', c.relname), '"', ''
  ) AS name
) AS q
-- What began in the future, or in no time that can be reckoned with, is as good as unknown.
CROSS JOIN LATERAL (
  SELECT
    pg_catalog.now() - pg_catalog.make_interval(years => 300) AS first,
    pg_catalog.now() + pg_catalog.make_interval(hours => 1) AS last
) AS b
LEFT JOIN pgtend.view_state AS s
  ON s.view = c.oid
    AND pg_catalog.replace(s.name, '"', '') = q.name
    AND s.refreshed_at BETWEEN b.first AND b.last
CROSS JOIN LATERAL (
  SELECT
    pg_catalog.max(
      t.started_at + pg_catalog.make_interval(secs => t.duration_ms / 1000::pg_catalog.float8)
    ) AS succeeded_at,
    pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY t.duration_ms) AS median_duration_ms
  FROM (
    SELECT r.started_at, r.duration_ms
    FROM pgtend.run AS r
    WHERE r.object_oid = c.oid
      AND r.command = 'refresh'
      AND r.action = 'refresh_view'
      AND r.outcome = 'done'
      AND r.started_at BETWEEN b.first AND b.last
      AND r.duration_ms < 1e13::pg_catalog.float8
      AND pg_catalog.replace(r.object, '"', '') = q.name
    ORDER BY r.started_at DESC
    LIMIT 10
  ) AS t
) AS l
CROSS JOIN LATERAL (
  SELECT COALESCE(l.succeeded_at, s.refreshed_at) AS succeeded_at
) AS e
WHERE c.relkind = 'm'
  AND e.succeeded_at IS NOT NULL
  AND (pg_catalog.cardinality($1::pg_catalog.oid[]) = 0 OR c.oid = ANY ($1::pg_catalog.oid[]))
