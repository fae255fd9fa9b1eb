-- The sessions that come over the network in clear text.
-- Returns one row: sessions; client: the address of one of them (NULL: there is none).
-- Privilege: pg_read_all_stats, else only the role's own are seen. Cost: small views.
SELECT
  pg_catalog.count(*) AS sessions,
  pg_catalog.host(pg_catalog.min(a.client_addr)) AS client
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN pg_catalog.pg_stat_ssl AS s ON s.pid = a.pid
LEFT JOIN pg_catalog.pg_stat_gssapi AS g ON g.pid = a.pid
WHERE NOT (
    a.client_addr <<= '127.0.0.0/8'::pg_catalog.inet
    OR a.client_addr <<= '::1'::pg_catalog.inet
  )
  AND NOT COALESCE(s.ssl, false)
  AND NOT COALESCE(g.encrypted, false)
