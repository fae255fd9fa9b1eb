-- How many parameters the statement has that was prepared to be explained.
-- Returns count. Privilege: none; prepared statements are the session's own. Cost: the session's prepared
-- statements.
SELECT pg_catalog.cardinality(s.parameter_types) AS count
FROM pg_catalog.pg_prepared_statements AS s
WHERE s.name OPERATOR(pg_catalog.=) 'pgtend_explain'::pg_catalog.text
