-- For the rest of the transaction: what this session reads does not count as scans, so that an index nobody else
-- uses still shows none. Others than superusers may not have it so, and change nothing.
-- Returns a row where it could be had. Privilege: superuser. Cost: none.
SELECT pg_catalog.set_config('track_counts', 'off', true)
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = CURRENT_USER
  AND r.rolsuper
