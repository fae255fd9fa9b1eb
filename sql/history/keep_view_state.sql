-- Keeps what a materialized view was made of, in place of what was kept before.
-- $1: its number in the catalog; $2: its name; $3: what it read, as JSON. Returns the number.
-- Privilege: SELECT, INSERT and UPDATE on pgtend.view_state. Cost: one row.
INSERT INTO pgtend.view_state (view, name, refreshed_at, sources)
VALUES (
  $1::pg_catalog.oid,
  $2::pg_catalog.text,
  pg_catalog.clock_timestamp(),
  $3::pg_catalog.text::pg_catalog.jsonb
)
ON CONFLICT (view) DO UPDATE
SET name = excluded.name, refreshed_at = excluded.refreshed_at, sources = excluded.sources
RETURNING view
