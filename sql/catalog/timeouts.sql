-- The timeouts that are in force in this session. Returns one JSON object: of each timeout its value as
-- SHOW gives it; null where the server has no such setting (transaction_timeout before 17). Asked in a
-- session whose search path is a migration's.
-- Privilege: none. Cost: none.
SELECT pg_catalog.json_build_object(
  'lock_timeout', pg_catalog.current_setting('lock_timeout'),
  'statement_timeout', pg_catalog.current_setting('statement_timeout'),
  'transaction_timeout', pg_catalog.current_setting('transaction_timeout', true)
)
