-- finds: no_primary_key.t
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 5000);
DELETE FROM t WHERE id = 1;
-- good
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t SELECT generate_series(1, 5000);
DELETE FROM t WHERE id = 1;
