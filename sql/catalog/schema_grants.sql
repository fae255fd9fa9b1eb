-- Which roles may write and read the history in pgtend's own schema.
-- $1: names of roles. Returns, in their order, ord (from 1), whether there is such a role, and whether
-- it may do it all (false where the schema is missing).
-- Privilege: none. Cost: a few rows of the catalog for each role.
SELECT
  q.ord::pg_catalog.int4 AS ord,
  r.oid IS NOT NULL AS is_there,
  COALESCE(pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE') AND t.granted, false) AS granted
FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS q (name, ord)
LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = q.name
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'pgtend'
LEFT JOIN LATERAL (
  SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(r.oid, c.oid, w.privilege)) AS granted
  FROM ROWS FROM (
    pg_catalog.unnest(
      '{version,run,run,run,view_state,view_state,view_state,view_state,sample,sample,sample,
        snapshot,snapshot,snapshot,statement,statement,statement,statement,statement_text,
        statement_text,statement_text,snapshot,measure,measure,measure,measure,measurement,measurement,
        measurement}'::pg_catalog.text[]
    ),
    pg_catalog.unnest(
      '{SELECT,SELECT,INSERT,DELETE,SELECT,INSERT,UPDATE,DELETE,SELECT,INSERT,DELETE,SELECT,INSERT,
        DELETE,SELECT,INSERT,UPDATE,DELETE,SELECT,INSERT,DELETE,UPDATE,SELECT,INSERT,UPDATE,DELETE,SELECT,
        INSERT,DELETE}'::pg_catalog.text[]
    )
  ) AS w (name, privilege)
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
) AS t ON true
ORDER BY q.ord
