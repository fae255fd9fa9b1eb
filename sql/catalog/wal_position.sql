-- Where the server's WAL ends: its timeline (eight hexadecimal digits) and the position in bytes; both
-- NULL on a standby. A promotion begins another timeline, so that whoever compares two positions sees
-- whether the one can hold what the other held.
-- Privilege: none. Cost: none.
SELECT
  CASE
    WHEN NOT s.is_standby
      THEN pg_catalog.substr(
        pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()),
        1,
        8
      )
  END AS timeline,
  CASE
    WHEN NOT s.is_standby
      THEN pg_catalog.pg_wal_lsn_diff(
        pg_catalog.pg_current_wal_insert_lsn(),
        '0/0'::pg_catalog.pg_lsn
      )::pg_catalog.int8
  END AS bytes
FROM (SELECT pg_catalog.pg_is_in_recovery() AS is_standby) AS s
