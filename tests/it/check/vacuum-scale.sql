-- finds: vacuum_scale.t
CREATE TABLE t (id int);
INSERT INTO t VALUES (1), (2);
DELETE FROM t WHERE id = 1;
UPDATE pg_class SET reltuples = 5e8 WHERE oid = 'vacuum_scale.t'::regclass;
-- good
CREATE TABLE t (id int) WITH (autovacuum_vacuum_scale_factor = 0.002);
INSERT INTO t VALUES (1), (2);
DELETE FROM t WHERE id = 1;
UPDATE pg_class SET reltuples = 5e8 WHERE oid = 'vacuum_scale.t'::regclass;
