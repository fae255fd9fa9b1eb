-- How often each materialized view was refreshed, by the history of the last 35 days.
-- Returns object_oid; refreshes that were done; interval_seconds: the median time between two; took_seconds: the
-- median time that one takes; ago_seconds: since the last one began.
-- Privilege: SELECT on pgtend.run. Cost: the rows of that time by index.
SELECT
  g.object_oid,
  pg_catalog.count(*) AS refreshes,
  pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY g.gap) AS interval_seconds,
  pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY g.took) AS took_seconds,
  pg_catalog.date_part('epoch', pg_catalog.now() - pg_catalog.max(g.started_at)) AS ago_seconds
FROM (
  SELECT
    r.object_oid,
    r.started_at,
    r.duration_ms / 1000::pg_catalog.float8 AS took,
    pg_catalog.date_part(
      'epoch',
      r.started_at
        - pg_catalog.lag(r.started_at) OVER (PARTITION BY r.object_oid ORDER BY r.started_at)
    ) AS gap
  FROM pgtend.run AS r
  WHERE r.command = 'refresh'
    AND r.action = 'refresh_view'
    AND r.outcome = 'done'
    AND r.object_oid IS NOT NULL
    AND r.started_at > pg_catalog.now() - pg_catalog.make_interval(days => 35)
    AND r.started_at <= pg_catalog.now()
) AS g
GROUP BY g.object_oid
