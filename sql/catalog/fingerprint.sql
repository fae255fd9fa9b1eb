-- All that the user's schemas hold, to compare before and after.
-- Returns for each thing its kind and identity in words, the identity of what it belongs to (NULL for
-- what belongs to nothing), and its definition. The order of columns does not count, nor do owners,
-- rows, and what extensions bring. Access lists hold the default privileges too.
-- Privilege: none. Cost: prints every object of the user's, which takes a moment for thousands.
WITH schemas AS (
  SELECT n.oid, pg_catalog.quote_ident(n.nspname) AS name, n.nspacl, n.nspowner
  FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname::pg_catalog.text NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
),
members AS (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d WHERE d.deptype = 'e'
),
relations AS (
  SELECT c.*, s.name AS schema, s.name || '.' || pg_catalog.quote_ident(c.relname) AS name
  FROM pg_catalog.pg_class AS c
  JOIN schemas AS s ON s.oid = c.relnamespace
  WHERE NOT EXISTS (
    SELECT FROM members AS m
    WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND m.objid = c.oid
  )
),
functions AS (
  SELECT
    p.*,
    s.name AS schema,
    s.name || '.' || pg_catalog.quote_ident(p.proname) || '('
    || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name
  FROM pg_catalog.pg_proc AS p
  JOIN schemas AS s ON s.oid = p.pronamespace
  WHERE NOT EXISTS (
    SELECT FROM members AS m
    WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AND m.objid = p.oid
  )
),
types AS (
  SELECT t.*, s.name AS schema, s.name || '.' || pg_catalog.quote_ident(t.typname) AS name
  FROM pg_catalog.pg_type AS t
  JOIN schemas AS s ON s.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r') AND NOT EXISTS (
    SELECT FROM members AS m
    WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid AND m.objid = t.oid
  )
),
grants AS (
  SELECT s.name, s.name AS parent, COALESCE(s.nspacl, pg_catalog.acldefault('n', s.nspowner)) AS acl
  FROM schemas AS s
  UNION ALL
  SELECT
    c.name, c.name,
    COALESCE(
      c.relacl,
      pg_catalog.acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::pg_catalog."char", c.relowner)
    )
  FROM relations AS c
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
  UNION ALL
  SELECT c.name || '.' || pg_catalog.quote_ident(a.attname), c.name, a.attacl
  FROM relations AS c
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
  WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  SELECT p.name, p.name, COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))
  FROM functions AS p
)
SELECT 'schema' AS kind, s.name::pg_catalog.text AS identity, NULL::pg_catalog.text AS parent,
  ''::pg_catalog.text AS definition
FROM schemas AS s
UNION ALL
SELECT 'extension', pg_catalog.quote_ident(e.extname), NULL, e.extversion
FROM pg_catalog.pg_extension AS e
UNION ALL
SELECT
  CASE c.relkind WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END,
  c.name, c.schema,
  pg_catalog.concat_ws(
    ' ',
    CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
    'PARTITION BY ' || pg_catalog.pg_get_partkeydef(c.oid),
    pg_catalog.pg_get_expr(c.relpartbound, c.oid),
    (
      SELECT 'INHERITS ' || pg_catalog.string_agg(h.inhparent::pg_catalog.regclass::pg_catalog.text, ', ' ORDER BY h.inhseqno)
      FROM pg_catalog.pg_inherits AS h
      WHERE h.inhrelid = c.oid
    ),
    'WITH ' || c.reloptions::pg_catalog.text,
    CASE WHEN c.relrowsecurity THEN 'row level security' END,
    CASE WHEN c.relforcerowsecurity THEN 'forced' END
  )
FROM relations AS c
WHERE c.relkind IN ('r', 'p', 'f', 'c')
UNION ALL
SELECT
  CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END,
  c.name, c.schema, pg_catalog.concat_ws(' ', pg_catalog.pg_get_viewdef(c.oid), c.reloptions::pg_catalog.text)
FROM relations AS c
WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT
  'sequence', c.name, COALESCE(o.name, c.schema),
  pg_catalog.format(
    '%s FROM %s BY %s %s TO %s CACHE %s%s', pg_catalog.format_type(q.seqtypid, NULL), q.seqstart,
    q.seqincrement, q.seqmin, q.seqmax, q.seqcache, CASE WHEN q.seqcycle THEN ' CYCLE' END
  )
FROM relations AS c
JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = c.oid
LEFT JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND d.objid = c.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND d.deptype IN ('a', 'i')
LEFT JOIN relations AS o ON o.oid = d.refobjid
UNION ALL
SELECT
  'column', c.name || '.' || pg_catalog.quote_ident(a.attname), c.name,
  pg_catalog.concat_ws(
    ' ',
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    CASE
      WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::pg_catalog.regcollation::pg_catalog.text
    END,
    CASE WHEN a.attnotnull THEN 'NOT NULL' END,
    CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY' WHEN 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY' END,
    CASE a.attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ' || a.attgenerated::pg_catalog.text || ' ' END
    || pg_catalog.pg_get_expr(e.adbin, e.adrelid)
  )
FROM relations AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT
  'constraint', pg_catalog.quote_ident(k.conname) || ' on ' || c.name, c.name,
  pg_catalog.pg_get_constraintdef(k.oid)
FROM relations AS c
JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
UNION ALL
SELECT
  'index', i.name, c.name,
  pg_catalog.concat_ws(' ', CASE WHEN NOT x.indisvalid THEN 'invalid' END, pg_catalog.pg_get_indexdef(x.indexrelid))
FROM pg_catalog.pg_index AS x
JOIN relations AS i ON i.oid = x.indexrelid
JOIN relations AS c ON c.oid = x.indrelid
WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_constraint AS k
  WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid AND k.contype IN ('p', 'u', 'x')
)
UNION ALL
SELECT
  'trigger', pg_catalog.quote_ident(g.tgname) || ' on ' || c.name, c.name,
  pg_catalog.pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' ENABLED ' || g.tgenabled::pg_catalog.text END
FROM relations AS c
JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = c.oid
WHERE NOT g.tgisinternal
UNION ALL
SELECT 'rule', pg_catalog.quote_ident(r.rulename) || ' on ' || c.name, c.name, pg_catalog.pg_get_ruledef(r.oid)
FROM relations AS c
JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid
WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT
  'policy', pg_catalog.quote_ident(y.polname) || ' on ' || c.name, c.name,
  pg_catalog.concat_ws(
    ' ', y.polcmd, CASE WHEN NOT y.polpermissive THEN 'restrictive' END,
    y.polroles::pg_catalog.regrole[]::pg_catalog.text,
    'USING ' || pg_catalog.pg_get_expr(y.polqual, y.polrelid),
    'CHECK ' || pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid)
  )
FROM relations AS c
JOIN pg_catalog.pg_policy AS y ON y.polrelid = c.oid
UNION ALL
SELECT 'statistics object', pg_catalog.quote_ident(x.stxname), c.name, pg_catalog.pg_get_statisticsobjdef(x.oid)
FROM relations AS c
JOIN pg_catalog.pg_statistic_ext AS x ON x.stxrelid = c.oid
UNION ALL
SELECT
  CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
  p.name, p.schema,
  CASE
    WHEN p.prokind = 'a' THEN (
      SELECT pg_catalog.format('%s %s %s', g.aggtransfn, g.aggfinalfn, g.agginitval)
      FROM pg_catalog.pg_aggregate AS g
      WHERE g.aggfnoid::pg_catalog.oid = p.oid
    )
    ELSE pg_catalog.pg_get_functiondef(p.oid)
  END
FROM functions AS p
UNION ALL
SELECT
  'type', t.name, t.schema,
  CASE t.typtype
    WHEN 'e' THEN (
      SELECT 'ENUM ' || pg_catalog.string_agg(pg_catalog.quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
      FROM pg_catalog.pg_enum AS l
      WHERE l.enumtypid = t.oid
    )
    WHEN 'd' THEN pg_catalog.concat_ws(
      ' ', pg_catalog.format_type(t.typbasetype, t.typtypmod),
      CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault,
      (
        SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname)
        FROM pg_catalog.pg_constraint AS k
        WHERE k.contypid = t.oid AND k.contype = 'c'
      )
    )
    ELSE (
      SELECT 'RANGE OF ' || pg_catalog.format_type(r.rngsubtype, NULL)
      FROM pg_catalog.pg_range AS r
      WHERE r.rngtypid = t.oid
    )
  END
FROM types AS t
UNION ALL
SELECT 'event trigger', pg_catalog.quote_ident(v.evtname), NULL,
  pg_catalog.concat_ws(' ', v.evtevent, v.evttags::pg_catalog.text, v.evtfoid::pg_catalog.regprocedure::pg_catalog.text, v.evtenabled)
FROM pg_catalog.pg_event_trigger AS v
UNION ALL
SELECT
  'comment on', pg_catalog.pg_describe_object(b.classoid, b.objoid, b.objsubid), c.name, b.description
FROM pg_catalog.pg_description AS b
LEFT JOIN relations AS c ON b.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND c.oid = b.objoid
WHERE b.objoid >= 16384::pg_catalog.oid
  AND b.classoid <> 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
  AND NOT EXISTS (SELECT FROM members AS m WHERE m.classid = b.classoid AND m.objid = b.objoid)
UNION ALL
SELECT
  'access list of', g.name, g.parent,
  COALESCE((
    SELECT pg_catalog.string_agg(
      pg_catalog.format(
        '%s%s for %s', a.privilege_type, CASE WHEN a.is_grantable THEN ' with grant option' END,
        CASE a.grantee WHEN 0::pg_catalog.oid THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::pg_catalog.text END
      ),
      ', ' ORDER BY a.grantee, a.privilege_type
    )
    FROM pg_catalog.aclexplode(g.acl) AS a
  ), '')
FROM grants AS g
