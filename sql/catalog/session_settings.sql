-- What was set in this session, to set it in another.
-- Returns each setting's name and value.
-- Privilege: none. Cost: reads the settings once.
SELECT s.name, s.setting
FROM pg_catalog.pg_settings AS s
WHERE s.source = 'session' AND s.context IN ('user', 'superuser')
ORDER BY s.name
