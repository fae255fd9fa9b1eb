-- finds: autovacuum_off.t
CREATE TABLE t (id int) WITH (autovacuum_enabled = off);
INSERT INTO t SELECT generate_series(1, 10);
DELETE FROM t;
-- good
CREATE TABLE t (id int) WITH (autovacuum_enabled = on);
