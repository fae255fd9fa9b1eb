-- finds: array_index.t_tags
CREATE TABLE t (tags int[]);
INSERT INTO t SELECT ARRAY[n, n + 1] FROM generate_series(1, 150000) AS n;
CREATE INDEX t_tags ON t (tags);
ANALYZE t;
UPDATE pg_class SET relpages = 3000 WHERE oid = 'array_index.t_tags'::regclass;
-- good
CREATE TABLE t (tags int[]);
INSERT INTO t SELECT ARRAY[n, n + 1] FROM generate_series(1, 150000) AS n;
CREATE INDEX t_tags ON t USING gin (tags);
-- then
VACUUM ANALYZE t;
