-- Who owns the given relations, and whether the role may make something that belongs to that owner.
-- $1: oids. is_trusted: the owner is the role itself or a superuser, so the owner's code may run
-- with the role's rights. may_make: the role may make a schema that belongs to the owner.
-- Privilege: none. Cost: index look-ups, one a relation.
SELECT
  c.oid,
  r.rolname::pg_catalog.text AS owner,
  r.rolsuper OR r.rolname = CURRENT_USER::pg_catalog.name AS is_trusted,
  pg_catalog.has_database_privilege(d.oid, 'CREATE') AND CASE
    WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 160000
      THEN pg_catalog.pg_has_role(c.relowner, 'SET')
    ELSE pg_catalog.pg_has_role(c.relowner, 'MEMBER')
  END AS may_make
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
WHERE c.oid = ANY ($1::pg_catalog.oid[])
