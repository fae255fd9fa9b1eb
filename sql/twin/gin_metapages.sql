-- What GIN indexes count, by pageinspect in its schema.
-- $1: names of the indexes, as SQL.
-- Returns ordinal (from 1) and the counters of the metapage. Privilege: superuser. Cost: one page an
-- index.
SELECT
  i.ordinal,
  m.n_pending_pages::pg_catalog.int8 AS pending_pages,
  m.n_pending_tuples::pg_catalog.int8 AS pending_tuples,
  m.n_total_pages::pg_catalog.int8 AS total_pages,
  m.n_entry_pages::pg_catalog.int8 AS entry_pages,
  m.n_data_pages::pg_catalog.int8 AS data_pages,
  m.n_entries::pg_catalog.int8 AS entries
FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS i (name, ordinal)
CROSS JOIN LATERAL {schema}.gin_metapage_info({schema}.get_raw_page(i.name, 0)) AS m
