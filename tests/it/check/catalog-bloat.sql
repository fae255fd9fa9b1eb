-- finds: pg_catalog.pg_ts_parser
UPDATE pg_class SET relpages = 30000, reltuples = 1 WHERE oid = 'pg_catalog.pg_ts_parser'::regclass;
-- good
