-- What was set in this session, to set it in another.
-- Returns each setting's name and value.
-- Asked in a session whose search path is a migration's, so that operators are named with their schema, too.
-- Privilege: none. Cost: reads the settings once.
SELECT s.name, s.setting
FROM pg_catalog.pg_settings AS s
WHERE s.source OPERATOR(pg_catalog.=) 'session'::pg_catalog.text
  AND s.context OPERATOR(pg_catalog.=) ANY ('{user,superuser}'::pg_catalog.text[])
ORDER BY s.name
