-- Whether pgtend's own schema is there, whose it is, and what this role may do with it.
-- $1: a role that may own it besides superusers and the session's own role, or NULL.
-- Returns one row. is_there: there is a schema of that name; owner: whose; is_empty: nothing is in
-- it; made_by_us: it bears the comment that pgtend init gives it. tables: those of pgtend's that are
-- there. foreign_object, foreign_owner: the schema or a relation in it whose owner is none of those;
-- NULL where there is none. may_create_*: CREATE on the database, CREATE and USAGE on the schema.
-- may_own: what the role makes would belong to one of those. owned: the tables are this role's.
-- may_read: and so may all of them be read.
-- A member of a role can leave that role by RESET ROLE, and so can code that is run as it: that is why
-- the role of the session counts and not the one that it has set.
-- Privilege: none. Cost: a few rows of the catalog. Nothing in the schema is read.
WITH trusted AS (
  SELECT r.oid
  FROM pg_catalog.pg_roles AS r
  WHERE r.rolsuper
    OR r.rolname = SESSION_USER
    OR r.rolname::pg_catalog.text = $1::pg_catalog.text
)
SELECT
  n.oid IS NOT NULL AS is_there,
  pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS owner,
  NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid
      AND d.refobjid = n.oid
      AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass::pg_catalog.oid
  ) AS is_empty,
  COALESCE(
    pg_catalog.obj_description(n.oid, 'pg_namespace') = 'What pgtend remembers (pgtend init)', false
  ) AS made_by_us,
  COALESCE(t.names, '{}') AS tables,
  f.object AS foreign_object,
  f.owner AS foreign_owner,
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
    AS may_create_in_database,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'CREATE')
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
    false
  ) AS may_create_in_schema,
  EXISTS (
    SELECT FROM pg_catalog.pg_roles AS r
    JOIN trusted AS y ON y.oid = r.oid
    WHERE r.rolname = CURRENT_USER
  ) AS may_own,
  COALESCE(t.owned, false) AS owned,
  COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND t.readable, false) AS may_read
FROM (SELECT 1) AS one
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'pgtend'
LEFT JOIN LATERAL (
  SELECT
    pg_catalog.array_agg(c.relname::pg_catalog.text ORDER BY c.relname) AS names,
    pg_catalog.bool_and(pg_catalog.pg_has_role(CURRENT_USER, c.relowner, 'USAGE')) AS owned,
    pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, 'SELECT')) AS readable
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = n.oid
    AND c.relkind = 'r'
    AND c.relname IN (
      'measure', 'measurement', 'run', 'sample', 'snapshot', 'statement', 'statement_text', 'version',
      'view_state'
    )
) AS t ON true
LEFT JOIN LATERAL (
  SELECT o.object, pg_catalog.pg_get_userbyid(o.owner)::pg_catalog.text AS owner
  FROM (
    SELECT 0 AS rank, 'the schema pgtend' AS object, n.nspowner AS owner
    WHERE n.oid IS NOT NULL
    UNION ALL
    SELECT 1, pg_catalog.concat('pgtend.', pg_catalog.quote_ident(c.relname)), c.relowner
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = n.oid
  ) AS o
  WHERE NOT EXISTS (SELECT FROM trusted AS y WHERE y.oid = o.owner)
  ORDER BY o.rank, o.object
  LIMIT 1
) AS f ON true
