-- The functions that run with their owner's rights and look names up wherever the caller's search path says.
-- Returns object: with its arguments' types; owner as the server quotes it; is_superusers: the owner is one. Left out:
-- functions of extensions, functions that nobody but the owner may call, those in C, and those whose names were
-- looked up when they were made (BEGIN ATOMIC).
-- Privilege: none. Cost: pg_proc once.
SELECT
  o.identity AS object,
  pg_catalog.quote_ident(r.rolname::pg_catalog.text) AS owner,
  r.rolsuper AS is_superusers
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
CROSS JOIN LATERAL pg_catalog.pg_identify_object(
  'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.oid, 0
) AS o
WHERE p.prosecdef
  AND p.oid >= 16384::pg_catalog.oid
  AND l.lanname NOT IN ('internal', 'c')
  AND p.prosqlbody IS NULL
  AND NOT EXISTS (
    SELECT FROM pg_catalog.unnest(p.proconfig) AS s (setting)
    WHERE pg_catalog.starts_with(s.setting, 'search_path=')
  )
  AND NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = p.oid
      AND d.deptype = 'e'
  )
  AND EXISTS (
    SELECT
    FROM pg_catalog.aclexplode(
      COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))
    ) AS x
    WHERE x.grantee <> p.proowner
  )
