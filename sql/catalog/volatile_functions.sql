-- Functions that may do something besides reading: those that are VOLATILE, and are not known to be harmless.
-- $1: names, whatever else they may be. Returns the names among them that such a function bears, in any schema.
-- Privilege: none. Cost: pg_proc by index for each name.
SELECT DISTINCT p.proname::pg_catalog.text AS name
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS w (name)
JOIN pg_catalog.pg_proc AS p ON p.proname = w.name::pg_catalog.name
WHERE p.provolatile = 'v'::pg_catalog."char"
  AND NOT (
    p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid
    AND p.proname = ANY (
      '{random,random_normal,clock_timestamp,timeofday,gen_random_uuid,uuidv4,uuidv7}'::pg_catalog.name[]
    )
  )
ORDER BY 1
