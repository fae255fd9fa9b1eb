-- Whether pgtend's own schema is there, whose it is, and what this role may do with it.
-- Returns one row. is_there: there is a schema of that name; owner: whose; is_empty: nothing is in
-- it. tables: those of pgtend's that are there. is_ours: its version table is pgtend's.
-- may_create_*: CREATE on the database, CREATE and USAGE on the schema. owned: the tables are this
-- role's. may_read: and so may all of them be read. is_trusted: the role is no superuser, or the
-- owners are superusers too: whoever owns a table can let others' INSERTs run code. version,
-- made_schema: what the version table says, NULL where it may not be read.
-- Privilege: none. Cost: a few rows of the catalog, and the version table. It is read through a
-- text, because a query that names a table cannot even be parsed where the table is missing.
SELECT
  n.oid IS NOT NULL AS is_there,
  pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS owner,
  NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND d.refobjid = n.oid
      AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
  ) AS is_empty,
  COALESCE(t.names, '{}') AS tables,
  v.is_ours,
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
    AS may_create_in_database,
  COALESCE(
    pg_catalog.has_schema_privilege(n.oid, 'CREATE')
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
    false
  ) AS may_create_in_schema,
  COALESCE(t.owned, false) AS owned,
  p.may_read,
  COALESCE(
    NOT m.is_superuser OR (t.superusers AND o.rolsuper), true
  ) AS is_trusted,
  pg_catalog.substring(s.stated, '<version>([0-9]+)</version>')::pg_catalog.int4 AS version,
  pg_catalog.substring(s.stated, '<made_schema>([a-z]+)</made_schema>')::pg_catalog.bool
    AS made_schema
FROM (
  SELECT pg_catalog.bool_or(r.rolsuper) AS is_superuser
  FROM pg_catalog.pg_roles AS r
  WHERE r.rolname IN (CURRENT_USER, SESSION_USER)
) AS m
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'pgtend'
LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
LEFT JOIN LATERAL (
  SELECT
    pg_catalog.array_agg(c.relname::pg_catalog.text ORDER BY c.relname) AS names,
    pg_catalog.bool_and(pg_catalog.pg_has_role(CURRENT_USER, c.relowner, 'USAGE')) AS owned,
    pg_catalog.bool_and(r.rolsuper) AS superusers,
    pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, 'SELECT')) AS readable
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
  WHERE c.relnamespace = n.oid
    AND c.relkind = 'r'
    AND c.relname IN (
      'run', 'sample', 'snapshot', 'statement', 'statement_text', 'version', 'view_state'
    )
) AS t ON true
CROSS JOIN LATERAL (
  SELECT pg_catalog.count(*) = 3 AS is_ours
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
  WHERE c.relnamespace = n.oid
    AND c.relkind = 'r'
    AND c.relname = 'version'
    AND (a.attname, a.atttypid) IN (
      ('version', 'pg_catalog.int4'::pg_catalog.regtype),
      ('made_schema', 'pg_catalog.bool'::pg_catalog.regtype),
      ('pgtend_version', 'pg_catalog.text'::pg_catalog.regtype)
    )
) AS v
CROSS JOIN LATERAL (
  SELECT COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND t.readable, false) AS may_read
) AS p
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN v.is_ours AND p.may_read THEN pg_catalog.query_to_xml(
      'SELECT max(version) AS version, bool_or(made_schema) AS made_schema FROM pgtend.version',
      false, true, ''
    )::pg_catalog.text
  END AS stated
) AS s
