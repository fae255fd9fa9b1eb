-- The heights of B-trees, by pageinspect in its schema.
-- $1: names of the indexes, as SQL.
-- Returns ordinal (from 1) and height: levels above the leaves, of the fast root as the planner counts
-- it. Privilege: superuser. Cost: one page an index.
SELECT i.ordinal, m.fastlevel::pg_catalog.int8 AS height
FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS i (name, ordinal)
CROSS JOIN LATERAL {schema}.bt_metap(i.name) AS m
