-- What a statement may reach that belongs to a role which is not trusted: planning calls functions, reads
-- the expressions of indexes, constraints and policies, and expands views and partitions; writing fires triggers.
-- $1: the schemas in which its names may be found; $2: all words of the statement; $3: its text; $4: oids of
-- trusted roles, besides superusers; $5: whether the triggers of tables count, and those of tables that foreign
-- keys lead to. Looked at is what bears one of the words as its name, the relations
-- that this session has locked, as parsing a statement does, and whatever these depend on. Returns one row
-- at most: kind, object and owner.
-- Privilege: none. Cost: pg_class and the casts once, and pg_depend by index for each object that is
-- reached.
WITH RECURSIVE others AS MATERIALIZED (
  SELECT r.oid, r.rolname
  FROM pg_catalog.pg_roles AS r
  WHERE NOT r.rolsuper AND r.oid <> ALL ($4::pg_catalog.oid[])
),
schemas AS MATERIALIZED (
  SELECT n.oid
  FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname::pg_catalog.text = ANY ($1::pg_catalog.text[])
),
named AS (
  SELECT
    'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS class,
    c.oid,
    c.relname::pg_catalog.text AS name
  FROM pg_catalog.pg_class AS c
  JOIN schemas AS s ON s.oid = c.relnamespace
  UNION ALL
  SELECT
    'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid,
    t.oid,
    t.typname::pg_catalog.text
  FROM pg_catalog.pg_type AS t
  JOIN schemas AS s ON s.oid = t.typnamespace
  UNION ALL
  SELECT
    'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
    p.oid,
    p.proname::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  JOIN schemas AS s ON s.oid = p.pronamespace
),
reached AS (
  SELECT n.class, n.oid
  FROM named AS n
  WHERE n.name = ANY ($2::pg_catalog.text[])
    OR n.name COLLATE "C" !~ '^[a-z0-9_$]+$'::pg_catalog.text
    AND pg_catalog.strpos($3::pg_catalog.text, pg_catalog.replace(n.name, '"', '""')) > 0
  UNION
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, l.relation
  FROM pg_catalog.pg_locks AS l
  WHERE l.pid = pg_catalog.pg_backend_pid()
    AND l.locktype = 'relation'::pg_catalog.text
    -- Below stand those of the server itself.
    AND l.relation >= 16384::pg_catalog.oid
    AND l.database = (
      SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
    )
  UNION
  SELECT n.class, n.oid
  FROM reached AS r
  CROSS JOIN LATERAL (
    -- What it depends on. A partition does not lead to its siblings.
    SELECT d.refclassid AS class, d.refobjid AS oid
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = r.class
      AND d.objid = r.oid
      AND d.refclassid = ANY (
        ARRAY[
          'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid,
          'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
          'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid,
          'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid,
          'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid,
          'pg_catalog.pg_foreign_server'::pg_catalog.regclass::pg_catalog.oid
        ]
      )
      AND NOT (
        d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
        AND d.refclassid = d.classid
      )
    UNION ALL
    -- What belongs to it and holds expressions.
    SELECT d.classid, d.objid
    FROM pg_catalog.pg_depend AS d
    LEFT JOIN pg_catalog.pg_constraint AS k
      ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid
        AND k.oid = d.objid
    WHERE d.refclassid = r.class
      AND d.refobjid = r.oid
      AND d.deptype = ANY ('{a,i}'::pg_catalog."char"[])
      AND (
        k.contype = 'c'::pg_catalog."char"
        OR d.classid = ANY (
          ARRAY[
            'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid,
            'pg_catalog.pg_policy'::pg_catalog.regclass::pg_catalog.oid,
            'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid,
            'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid
          ]
        )
      )
    UNION ALL
    -- Its indexes: one of a constraint depends on that, and not on the table.
    SELECT r.class, i.indexrelid
    FROM pg_catalog.pg_index AS i
    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND i.indrelid = r.oid
    UNION ALL
    SELECT
      g.class,
      CASE g.class
        WHEN r.class THEN t.tgconstrrelid
        WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid THEN t.tgfoid
        ELSE t.oid
      END
    FROM pg_catalog.pg_trigger AS t
    CROSS JOIN (
      VALUES
        ('pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid),
        ('pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid),
        ('pg_catalog.pg_trigger'::pg_catalog.regclass::pg_catalog.oid)
    ) AS g (class)
    WHERE $5::pg_catalog.bool
      AND r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND t.tgrelid = r.oid
    UNION ALL
    SELECT r.class, i.inhrelid
    FROM pg_catalog.pg_inherits AS i
    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND i.inhparent = r.oid
  ) AS n
),
owned AS (
  SELECT
    CASE WHEN c.relkind = ANY ('{v,m}'::pg_catalog."char"[]) THEN 'view' ELSE 'table' END AS kind,
    c.oid::pg_catalog.regclass::pg_catalog.text AS object,
    c.relowner AS owner
  FROM reached AS r
  JOIN pg_catalog.pg_class AS c ON c.oid = r.oid
  WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
  UNION ALL
  SELECT 'function', p.oid::pg_catalog.regproc::pg_catalog.text, p.proowner
  FROM reached AS r
  JOIN pg_catalog.pg_proc AS p ON p.oid = r.oid
  WHERE r.class = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
  UNION ALL
  SELECT 'type', t.oid::pg_catalog.regtype::pg_catalog.text, t.typowner
  FROM reached AS r
  JOIN pg_catalog.pg_type AS t ON t.oid = r.oid
  WHERE r.class = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
  UNION ALL
  SELECT 'operator', o.oid::pg_catalog.regoper::pg_catalog.text, o.oprowner
  FROM reached AS r
  JOIN pg_catalog.pg_operator AS o ON o.oid = r.oid
  WHERE r.class = 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid
  UNION ALL
  SELECT 'operator class', o.opcname::pg_catalog.text, o.opcowner
  FROM reached AS r
  JOIN pg_catalog.pg_opclass AS o ON o.oid = r.oid
  WHERE r.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid
  UNION ALL
  SELECT 'server', f.srvname::pg_catalog.text, f.srvowner
  FROM reached AS r
  JOIN pg_catalog.pg_foreign_server AS f ON f.oid = r.oid
  WHERE r.class = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass::pg_catalog.oid
  UNION ALL
  -- A cast needs no name to be found.
  SELECT 'cast function', p.oid::pg_catalog.regproc::pg_catalog.text, p.proowner
  FROM pg_catalog.pg_cast AS c
  JOIN pg_catalog.pg_proc AS p ON p.oid = c.castfunc
)
SELECT w.kind, w.object, o.rolname::pg_catalog.text AS owner
FROM owned AS w
JOIN others AS o ON o.oid = w.owner
ORDER BY w.kind <> 'table'::pg_catalog.text, w.kind, w.object
LIMIT 1
