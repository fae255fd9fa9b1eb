-- The timeouts that are in force in this session. Returns one JSON list: each timeout that the server has
-- (transaction_timeout: 17 and newer) with its value as SHOW gives it, and whether the session itself has
-- set it. Asked in a session whose search path is a migration's.
-- Privilege: none. Cost: one pass over the settings.
SELECT
  pg_catalog.json_agg(
    pg_catalog.json_build_object(
      'name', s.name,
      'value', pg_catalog.current_setting(s.name),
      'is_own', s.source OPERATOR(pg_catalog.=) 'session'::pg_catalog.text
    )
    ORDER BY s.name
  )
FROM pg_catalog.pg_settings AS s
WHERE s.name OPERATOR(pg_catalog.=)
  ANY ('{lock_timeout,statement_timeout,transaction_timeout}'::pg_catalog.text[])
