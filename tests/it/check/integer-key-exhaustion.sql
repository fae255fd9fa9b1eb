-- finds: integer_key_exhaustion.t.id
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t SELECT 2000000000 + n FROM generate_series(1, 120000) AS n;
ANALYZE t;
-- good
CREATE TABLE t (id bigint PRIMARY KEY);
INSERT INTO t SELECT 2000000000 + n FROM generate_series(1, 120000) AS n;
-- then
VACUUM ANALYZE t;
