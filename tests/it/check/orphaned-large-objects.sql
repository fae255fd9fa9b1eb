-- finds: large objects
CREATE TABLE t (picture oid);
SELECT count(lo_create(0)) FROM generate_series(1, 1500);
ANALYZE t;
-- good
CREATE TABLE t (picture oid);
INSERT INTO t SELECT lo_create(0) FROM generate_series(1, 1500);
ANALYZE t;
