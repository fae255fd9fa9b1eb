-- Whether everybody may create objects in the schema public.
-- Returns one row: is_open; logins: roles that may log in here and are no superusers.
-- Privilege: none. Cost: the roles once.
SELECT
  EXISTS (
    SELECT
    FROM pg_catalog.pg_namespace AS n
    CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS x
    WHERE n.nspname = 'public'
      AND x.grantee = '0'::pg_catalog.oid
      AND x.privilege_type = 'CREATE'
  ) AS is_open,
  (
    SELECT pg_catalog.count(*)
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolcanlogin
      AND NOT r.rolsuper
      AND pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT')
  ) AS logins
