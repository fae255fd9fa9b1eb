-- The lines of the configuration files that the server cannot take.
-- Returns name of the setting (NULL: the line is no setting); file and line; error.
-- Privilege: EXECUTE on pg_show_all_file_settings(), which superusers have. Cost: the server reads the files.
SELECT
  f.name,
  f.sourcefile AS file,
  f.sourceline AS line,
  f.error
FROM pg_catalog.pg_show_all_file_settings() AS f
WHERE f.error IS NOT NULL
