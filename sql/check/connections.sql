-- The connections that are in use.
-- Returns one row: sessions: client backends of all databases; idle: those of them that do nothing.
-- Privilege: pg_read_all_stats, else only the role's own are counted. Cost: one small view.
SELECT
  pg_catalog.count(*) AS sessions,
  pg_catalog.count(*) FILTER (WHERE a.state = 'idle') AS idle
FROM pg_catalog.pg_stat_activity AS a
WHERE a.backend_type = 'client backend'
