-- Whether there are domains with checks that belong to somebody whose code must not run with the
-- role's rights. The server runs such a check as soon as it parses a constant of a type that holds
-- the domain, for example of an array of it.
-- Returns one row. Privilege: none. Cost: one pass over pg_constraint.
SELECT EXISTS (
  SELECT
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid
  JOIN pg_catalog.pg_roles AS r ON r.oid = t.typowner
  WHERE k.contypid <> 0::pg_catalog.oid
    AND NOT r.rolsuper
    AND r.rolname <> CURRENT_USER::pg_catalog.name
) AS are_there
