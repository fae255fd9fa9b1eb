-- The views that show others the rows that row security would hide from them.
-- Returns object as the server quotes it; tables: those with row security that it reads; owner: by whose rights it
-- reads. Only views that are granted to somebody, that read by the rights of their owner (security_invoker is off), and
-- whose owner the policies do not bind.
-- Privilege: none. Cost: the rules of views with what they depend on.
SELECT
  pg_catalog.format('%I.%I', n.nspname, v.relname) AS object,
  pg_catalog.string_agg(
    DISTINCT pg_catalog.format('%I.%I', tn.nspname, t.relname), ', '
  ) AS tables,
  pg_catalog.quote_ident(o.rolname::pg_catalog.text) AS owner
FROM pg_catalog.pg_class AS v
JOIN pg_catalog.pg_namespace AS n ON n.oid = v.relnamespace
JOIN pg_catalog.pg_roles AS o ON o.oid = v.relowner
JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = v.oid
JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
  AND d.objid = w.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid AND t.relrowsecurity
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE v.relkind = 'v'
  AND v.oid >= 16384::pg_catalog.oid
  AND (o.rolsuper OR o.rolbypassrls OR t.relowner = v.relowner AND NOT t.relforcerowsecurity)
  AND NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_options_to_table(v.reloptions) AS s
    WHERE s.option_name = 'security_invoker' AND s.option_value IN ('true', 'on', 'yes', '1')
  )
  AND EXISTS (
    SELECT
    FROM pg_catalog.aclexplode(v.relacl) AS x
    WHERE x.grantee <> v.relowner AND x.privilege_type = 'SELECT'
  )
GROUP BY v.oid, n.nspname, v.relname, o.rolname
