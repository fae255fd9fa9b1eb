-- The databases of the server with their counters since the last reset.
-- Returns name; is_current; allows_connections; is_template; xid_age, mxid_age: transactions and multixacts
-- since the oldest unfrozen one; connection_limit (-1: none); sessions now; deadlocks, temp_files, temp_bytes, hit
-- and read blocks, commits, rollbacks; new_sessions: those that have begun, and session_ms: how long all of them
-- were there; checksum_failures (NULL: checksums are off); reset_seconds: since the last reset (NULL: never).
-- Privilege: none. Cost: two small views.
SELECT
  d.datname::pg_catalog.text AS name,
  d.datname = pg_catalog.current_database() AS is_current,
  d.datallowconn AS allows_connections,
  d.datistemplate AS is_template,
  pg_catalog.age(d.datfrozenxid) AS xid_age,
  pg_catalog.mxid_age(d.datminmxid) AS mxid_age,
  d.datconnlimit AS connection_limit,
  COALESCE(s.numbackends, 0) AS sessions,
  COALESCE(s.deadlocks, 0::pg_catalog.int8) AS deadlocks,
  COALESCE(s.temp_files, 0::pg_catalog.int8) AS temp_files,
  COALESCE(s.temp_bytes, 0::pg_catalog.int8) AS temp_bytes,
  COALESCE(s.blks_hit, 0::pg_catalog.int8) AS blocks_hit,
  COALESCE(s.blks_read, 0::pg_catalog.int8) AS blocks_read,
  COALESCE(s.xact_commit, 0::pg_catalog.int8) AS commits,
  COALESCE(s.xact_rollback, 0::pg_catalog.int8) AS rollbacks,
  COALESCE(s.sessions, 0::pg_catalog.int8) AS new_sessions,
  COALESCE(s.session_time, 0::pg_catalog.float8) AS session_ms,
  s.checksum_failures,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - s.stats_reset) AS reset_seconds
FROM pg_catalog.pg_database AS d
LEFT JOIN pg_catalog.pg_stat_database AS s ON s.datid = d.oid
