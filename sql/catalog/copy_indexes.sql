-- How the server writes the indexes of an empty copy, in the order in which they were made.
-- The copy is named by a literal that replaces the placeholder: this is sent among statements
-- without parameters. Returns definition, options_clause and name as sql/catalog/indexes.sql does.
-- Privilege: none. Cost: index look-ups, one an index.
SELECT
  pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
  (
    SELECT ' WITH (' || pg_catalog.string_agg(
      pg_catalog.quote_ident(o.option_name) || '=' || CASE
        WHEN pg_catalog.quote_ident(o.option_value) = o.option_value THEN o.option_value
        ELSE pg_catalog.quote_literal(o.option_value)
      END, ', ' ORDER BY u.ord
    ) || ')'
    FROM pg_catalog.unnest(c.reloptions) WITH ORDINALITY AS u (setting, ord)
    CROSS JOIN LATERAL (
      SELECT
        pg_catalog.split_part(u.setting, '=', 1) AS option_name,
        pg_catalog.substr(u.setting, pg_catalog.strpos(u.setting, '=') + 1) AS option_value
    ) AS o
  ) AS options_clause,
  c.relname AS name
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::pg_catalog.regclass::pg_catalog.oid
ORDER BY i.cmin::pg_catalog.text::pg_catalog.int8
