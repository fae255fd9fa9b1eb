-- finds: impossible_row_count.t
CREATE TABLE t (id int);
INSERT INTO t VALUES (1);
ANALYZE t;
UPDATE pg_class SET reltuples = 'Infinity' WHERE oid = 'impossible_row_count.t'::regclass;
-- good
CREATE TABLE t ();
INSERT INTO t SELECT FROM generate_series(1, 1000);
ANALYZE t;
