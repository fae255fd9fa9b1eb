-- What stands in pgtend's own schema, or depends on what pgtend has there, and is not pgtend's.
-- $1: names of the relations that pgtend installs. Returns what each stranger is and is called.
-- Privilege: none. Cost: reads pg_depend once.
SELECT DISTINCT pg_catalog.concat(i.type, ' ', i.identity) AS stranger
FROM pg_catalog.pg_namespace AS n
LEFT JOIN LATERAL (
  SELECT pg_catalog.array_agg(c.oid) AS ours
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = n.oid AND c.relname = ANY ($1::pg_catalog.text[])
) AS o ON true
JOIN pg_catalog.pg_depend AS d
  ON (d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid AND d.refobjid = n.oid)
  OR (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND d.refobjid = ANY (o.ours))
LEFT JOIN pg_catalog.pg_class AS c
  ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND c.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint AS k
  ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef AS f
  ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid AND f.oid = d.objid
LEFT JOIN pg_catalog.pg_type AS y
  ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid AND y.oid = d.objid
LEFT JOIN pg_catalog.pg_rewrite AS w
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid AND w.oid = d.objid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(
  CASE
    WHEN w.oid IS NULL THEN d.classid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
  END,
  COALESCE(w.ev_class, d.objid),
  CASE WHEN w.oid IS NULL THEN d.objsubid ELSE 0 END
) AS i
WHERE n.nspname = 'pgtend'
  AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass::pg_catalog.oid
  AND NOT COALESCE(c.relkind = 't', false)
  AND NOT COALESCE(
    COALESCE(c.oid, k.conrelid, f.adrelid, NULLIF(y.typrelid, 0::pg_catalog.oid)) = ANY (o.ours), false
  )
ORDER BY stranger
