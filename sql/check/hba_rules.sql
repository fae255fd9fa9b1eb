-- The lines of pg_hba.conf that are in order.
-- Returns line; rule: its words without options; connection: local, host, hostssl …; address (NULL: local);
-- method: trust, scram-sha-256 …
-- Privilege: EXECUTE on pg_hba_file_rules(), which superusers have. Cost: the server reads the file.
SELECT
  h.line_number AS line,
  pg_catalog.concat_ws(
    ' ',
    h.type,
    pg_catalog.array_to_string(h.database, ','),
    pg_catalog.array_to_string(h.user_name, ','),
    h.address,
    h.netmask,
    h.auth_method
  ) AS rule,
  h.type AS connection,
  h.address,
  h.auth_method AS method
FROM pg_catalog.pg_hba_file_rules() AS h
WHERE h.error IS NULL
