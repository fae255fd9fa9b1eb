-- Databases that runs of `verify` which are gone have left on this server.
-- $1: the first half of the advisory lock that a living run holds, whose second half is its number.
-- $2: what the comment on such a database begins with; the number follows.
-- Returns the name of each that belongs to this very role and in which nobody works; at most 20.
-- Privilege: none. Cost: pg_database, the lock table and the list of sessions, once each.
SELECT d.datname::pg_catalog.text AS name
FROM pg_catalog.pg_database AS d
CROSS JOIN LATERAL (
  SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS comment
) AS c
WHERE d.datdba = (
    SELECT r.oid FROM pg_catalog.pg_roles AS r
    WHERE r.rolname::pg_catalog.text = CURRENT_USER::pg_catalog.text
  )
  AND pg_catalog.starts_with(d.datname::pg_catalog.text, 'pgtend_verify_')
  AND pg_catalog.starts_with(c.comment, $2::pg_catalog.text)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'advisory'
      AND l.classid = $1::pg_catalog.int4::pg_catalog.text::pg_catalog.oid
      AND l.objid::pg_catalog.text
        = pg_catalog.substr(c.comment, pg_catalog.length($2::pg_catalog.text) + 1)
  )
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)
ORDER BY 1
LIMIT 20
