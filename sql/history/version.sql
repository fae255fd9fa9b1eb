-- What the version table says.
-- Returns version, the highest, and made_schema: pgtend made the schema, too; both NULL where it is
-- empty.
-- Privilege: SELECT on pgtend.version. Cost: a few rows.
SELECT pg_catalog.max(v.version) AS version, pg_catalog.bool_or(v.made_schema) AS made_schema
FROM pgtend.version AS v
