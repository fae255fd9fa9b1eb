-- The roles that may have so many connections only, and how many they have.
-- Returns role as the server quotes it; connection_limit; sessions now.
-- Privilege: pg_read_all_stats, else only the role's own are counted. Cost: small views.
SELECT
  pg_catalog.quote_ident(r.rolname::pg_catalog.text) AS role,
  r.rolconnlimit AS connection_limit,
  pg_catalog.count(a.pid) AS sessions
FROM pg_catalog.pg_roles AS r
LEFT JOIN pg_catalog.pg_stat_activity AS a
  ON a.usesysid = r.oid AND a.backend_type = 'client backend'
-- The limit does not hold for superusers.
WHERE r.rolconnlimit > 0 AND NOT r.rolsuper
GROUP BY r.oid, r.rolname, r.rolconnlimit
