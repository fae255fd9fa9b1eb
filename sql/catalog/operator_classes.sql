-- The operator classes that may be used for columns of some types.
-- $1: oids of the types. Returns those of these types and those of pseudo-types, which stand for several:
-- method, schema, name, type_oid, type (its name, where it is the server's) and is_default.
-- Privilege: none. Cost: one pass over pg_opclass, which has some 200 rows.
SELECT
  m.amname::pg_catalog.text AS method,
  n.nspname::pg_catalog.text AS schema,
  o.opcname::pg_catalog.text AS name,
  o.opcintype AS type_oid,
  CASE WHEN t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid THEN t.typname::pg_catalog.text END
    AS type,
  o.opcdefault AS is_default
FROM pg_catalog.pg_opclass AS o
JOIN pg_catalog.pg_am AS m ON m.oid = o.opcmethod
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.opcnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = o.opcintype
WHERE o.opcintype = ANY ($1::pg_catalog.oid[]) OR t.typtype = 'p'
