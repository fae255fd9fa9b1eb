-- finds: view_without_statistics.v
CREATE MATERIALIZED VIEW v AS SELECT generate_series(1, 1000) AS id;
CREATE UNIQUE INDEX ON v (id);
UPDATE pg_class SET reltuples = -1 WHERE oid = 'view_without_statistics.v'::regclass;
-- good
CREATE MATERIALIZED VIEW v AS SELECT generate_series(1, 1000) AS id;
CREATE UNIQUE INDEX ON v (id);
ANALYZE v;
