-- finds: max_connections
ALTER SYSTEM SET max_connections = 99;
-- then
SELECT pg_reload_conf();
-- good
