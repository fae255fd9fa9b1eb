-- How large indexes were when pgtend last built them.
-- Returns a row for each index of the history: object as the history names it, bytes and rows then, how long ago
-- the build began in seconds, and whether the server has run ever since. Privilege: SELECT on pgtend.run. Cost: pgtend.run once.
SELECT DISTINCT ON (r.object)
  r.object,
  r.size_bytes AS bytes,
  r.rows_inserted AS rows,
  pg_catalog.date_part('epoch', pg_catalog.now()) - pg_catalog.date_part('epoch', r.started_at)
    AS built_ago_seconds,
  r.started_at > pg_catalog.pg_postmaster_start_time() AS is_by_this_server
FROM pgtend.run AS r
WHERE r.outcome = 'done'
  AND r.action IN ('build_index', 'heal_index', 'replace_index', 'reindex')
  AND r.size_bytes > 0::pg_catalog.int8
  AND r.rows_inserted > 0::pg_catalog.int8
ORDER BY r.object, r.id DESC
