-- finds: unlogged_table.t
CREATE UNLOGGED TABLE t (id int);
INSERT INTO t VALUES (1);
-- good
CREATE TABLE t (id int);
INSERT INTO t VALUES (1);
