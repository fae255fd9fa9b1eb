-- The schemas in which the names of a statement may be found, and whether any role that is not trusted
-- has, or may put, code there.
-- $1: the schemas of the search path, in their order; $2: all words of the statement; $3: its text; $4:
-- oids of trusted roles, besides superusers. Returns a row for each schema of the path or with a name that
-- the text holds: its place in the path, NULL outside; is_named: the text may name the schema or a
-- relation in it; owner: the owner, where it is not trusted; creator: a role that is not trusted and may
-- create objects there; all_may_create: every role may; kind, object, object_owner: a function, operator or
-- type there of a role that is not trusted.
-- Privilege: none. Cost: pg_class once, the functions, operators and types of these schemas.
WITH others AS MATERIALIZED (
  SELECT
    r.oid,
    r.rolname,
    -- Of no interest is a group without members.
    r.rolcanlogin
      OR EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m WHERE m.roleid = r.oid) AS can_act
  FROM pg_catalog.pg_roles AS r
  WHERE NOT r.rolsuper
    AND r.oid <> ALL ($4::pg_catalog.oid[])
    AND r.rolname <> 'pg_database_owner'::pg_catalog.name
),
candidates AS MATERIALIZED (
  SELECT
    n.oid,
    n.nspname,
    p.place,
    n.nspname::pg_catalog.text = ANY ($2::pg_catalog.text[])
      OR n.nspname::pg_catalog.text COLLATE "C" !~ '^[a-z0-9_$]+$'::pg_catalog.text
        AND pg_catalog.strpos(
          $3::pg_catalog.text, pg_catalog.replace(n.nspname::pg_catalog.text, '"', '""')
        ) > 0 AS is_named,
    -- The owner of the database is the one member of this role.
    CASE
      WHEN w.rolname = 'pg_database_owner'::pg_catalog.name THEN d.datdba ELSE n.nspowner
    END AS owner,
    n.nspacl,
    n.nspowner
  FROM pg_catalog.pg_namespace AS n
  JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
  LEFT JOIN pg_catalog.pg_roles AS w ON w.oid = n.nspowner
  LEFT JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[])) WITH ORDINALITY AS p (name, place)
    ON p.name = n.nspname::pg_catalog.text
  WHERE n.nspname <> ALL ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
)
SELECT
  s.nspname::pg_catalog.text AS name,
  s.place::pg_catalog.int4 AS place,
  s.is_named OR EXISTS (
    SELECT FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = s.oid
      AND (
        c.relname::pg_catalog.text = ANY ($2::pg_catalog.text[])
        OR c.relname::pg_catalog.text COLLATE "C" !~ '^[a-z0-9_$]+$'::pg_catalog.text
        AND pg_catalog.strpos(
          $3::pg_catalog.text, pg_catalog.replace(c.relname::pg_catalog.text, '"', '""')
        ) > 0
      )
  ) AS is_named,
  -- In the temporary schema of a session its role creates what it likes.
  CASE
    WHEN s.nspname::pg_catalog.text COLLATE "C" ~ '^pg_(toast_)?temp_'::pg_catalog.text
      THEN 'another session'
    ELSE (SELECT o.rolname::pg_catalog.text FROM others AS o WHERE o.oid = s.owner)
  END AS owner,
  (
    SELECT o.rolname::pg_catalog.text
    FROM others AS o
    WHERE o.can_act AND pg_catalog.has_schema_privilege(o.oid, s.oid, 'CREATE')
    ORDER BY o.rolname
    LIMIT 1
  ) AS creator,
  EXISTS (
    SELECT FROM pg_catalog.aclexplode(s.nspacl) AS a
    WHERE a.grantee = 0::pg_catalog.oid AND a.privilege_type = 'CREATE'::pg_catalog.text
  ) AS all_may_create,
  f.kind,
  f.object,
  f.object_owner
FROM candidates AS s
LEFT JOIN LATERAL (
  SELECT 'function' AS kind, p.proname::pg_catalog.text AS object,
    o.rolname::pg_catalog.text AS object_owner
  FROM pg_catalog.pg_proc AS p
  JOIN others AS o ON o.oid = p.proowner
  WHERE p.pronamespace = s.oid
  UNION ALL
  SELECT 'operator', op.oprname::pg_catalog.text, o.rolname::pg_catalog.text
  FROM pg_catalog.pg_operator AS op
  LEFT JOIN pg_catalog.pg_proc AS p
    ON p.oid = ANY (
      ARRAY[
        op.oprcode::pg_catalog.oid, op.oprrest::pg_catalog.oid, op.oprjoin::pg_catalog.oid
      ]
    )
  JOIN others AS o ON o.oid = op.oprowner OR o.oid = p.proowner
  WHERE op.oprnamespace = s.oid
  UNION ALL
  SELECT 'type', t.typname::pg_catalog.text, o.rolname::pg_catalog.text
  FROM pg_catalog.pg_type AS t
  JOIN others AS o ON o.oid = t.typowner
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
  WHERE t.typnamespace = s.oid
    -- The types of tables are looked at with these.
    AND (c.oid IS NULL OR c.relkind = 'c'::pg_catalog."char")
    AND t.typcategory <> 'A'::pg_catalog."char"
  ORDER BY 1, 2
  LIMIT 1
) AS f ON true
WHERE s.place IS NOT NULL OR s.is_named
ORDER BY s.place NULLS LAST, s.nspname
