-- The settings that roles have in this database.
-- Returns a row for each role and setting: name; value as it was written; role as the server quotes it; is_here: it
-- holds in this database only, else in all.
-- Privilege: none. Cost: one small catalog.
SELECT
  pg_catalog.split_part(c.setting, '=', 1) AS name,
  pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1) AS value,
  pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)::pg_catalog.text) AS role,
  d.oid IS NOT NULL AS is_here
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
LEFT JOIN pg_catalog.pg_database AS d
  ON d.oid = s.setdatabase AND d.datname = pg_catalog.current_database()
WHERE s.setrole <> '0'::pg_catalog.oid AND (s.setdatabase = '0'::pg_catalog.oid OR d.oid IS NOT NULL)
