-- The server's settings, as this session sees them.
-- Returns name, value in unit (NULL: none), default_value, source (default, configuration file, database …),
-- file: where it stands, pending_restart: the file says something else that a restart will bring.
-- Privilege: none; pg_read_all_settings to see the 16 or so that have no row without it, and file.
-- Cost: some 400 rows from memory.
SELECT
  s.name,
  s.setting AS value,
  s.unit,
  s.boot_val AS default_value,
  s.source,
  s.sourcefile AS file,
  s.pending_restart
FROM pg_catalog.pg_settings AS s
