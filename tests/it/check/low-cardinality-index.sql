-- finds: low_cardinality_index.t_is_open
CREATE TABLE t (is_open bool);
INSERT INTO t SELECT n % 2 = 0 FROM generate_series(1, 150000) AS n;
CREATE INDEX t_is_open ON t (is_open);
ANALYZE t;
UPDATE pg_class SET relpages = 3000 WHERE oid = 'low_cardinality_index.t_is_open'::regclass;
-- good
CREATE TABLE t (id int);
INSERT INTO t SELECT n FROM generate_series(1, 150000) AS n;
CREATE INDEX t_id ON t (id);
-- then
VACUUM ANALYZE t;
