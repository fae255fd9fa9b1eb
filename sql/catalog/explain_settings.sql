-- The settings by which this session's plans sort, hash and fetch.
-- Returns one row: bytes that a sort may use before it goes to disk, bytes that a hash table may
-- use, and what the planner thinks of a page that is read out of order.
-- Asked also in a session whose search path is a migration's, so that operators are named with their schema.
-- Privilege: none. Cost: none.
SELECT
  pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) AS work_mem_bytes,
  (
    pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem'))::pg_catalog.float8
    OPERATOR(pg_catalog.*) pg_catalog.current_setting('hash_mem_multiplier')::pg_catalog.float8
  )::pg_catalog.int8 AS hash_mem_bytes,
  pg_catalog.current_setting('random_page_cost')::pg_catalog.float8 AS random_page_cost
